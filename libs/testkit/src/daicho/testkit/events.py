"""A service's outbox with a relay and a bus: what tests of telling and hearing stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from daicho.events import Bus, Record, Relay, bus_schema, open_bus
from daicho.tenancy import Database
from daicho.testkit.databases import TestDatabase
from daicho.testkit.plugin import MakeDatabase


@dataclass(frozen=True, slots=True)
class EventsWorld:
    """One service's database and a PostgreSQL bus."""

    database: Database
    bus: Bus
    service: TestDatabase
    bus_url: str

    @asynccontextmanager
    async def relaying(self, bus: Bus | None = None, **settings: Any) -> AsyncIterator[None]:
        """A relay at work."""
        task = asyncio.create_task(Relay(self.service.relay_url, bus or self.bus, **settings).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def arrived(self, topic: str, count: int) -> Sequence[Record]:
        """What lies in ``topic`` once that is ``count`` records."""
        async with asyncio.timeout(30):
            while True:
                records = [record async for record in self.bus.read(topic)]
                if len(records) >= count:
                    return records
                await asyncio.sleep(0.02)


@asynccontextmanager
async def events_world(service: TestDatabase, make_database: MakeDatabase) -> AsyncIterator[EventsWorld]:
    """``service`` and a bus of its own."""
    bus_database = await make_database("bus", create=bus_schema.create)
    database = await service.open()
    bus = await open_bus(bus_database.app_url)
    try:
        yield EventsWorld(database, bus, service, bus_database.app_url)
    finally:
        await bus.close()
        await database.close()
