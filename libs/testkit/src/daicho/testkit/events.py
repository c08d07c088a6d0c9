"""A service's outbox with a relay, a bus and signing keys: what tests of telling and hearing stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from daicho.events import BatchSigner, Bus, EventVerifier, Message, Record, Relay, bus_schema, open_bus
from daicho.events.topics import owner_of
from daicho.keyring import Transit
from daicho.local.servers import OpenBaoServer
from daicho.tenancy import Database
from daicho.testkit.background import running
from daicho.testkit.databases import TestDatabase
from daicho.testkit.plugin import MakeDatabase


@dataclass(frozen=True, slots=True)
class EventSigners:
    """The services' ways to sign and verify events, with the keys of a real key store."""

    address: str
    roles: Mapping[str, tuple[str, str]]
    transits: dict[str, Transit] = field(default_factory=dict)
    signers: dict[str, BatchSigner] = field(default_factory=dict)

    def transit(self, service: str) -> Transit:
        """The way of ``service`` to the key store."""
        if service not in self.transits:
            self.transits[service] = Transit(self.address, *self.roles[service], service=service)
        return self.transits[service]

    def signer(self, service: str) -> BatchSigner:
        """What signs as ``service``."""
        if service not in self.signers:
            self.signers[service] = BatchSigner(self.transit(service))
        return self.signers[service]

    async def sign(self, messages: Sequence[Message], *, service: str = "") -> list[Message]:
        """``messages`` of one topic, signed by ``service`` or by the service that owns their topic."""
        teller = service or owner_of(messages[0].topic) or "customers"
        return await self.signer(teller).sign(messages)

    def verifier(self, service: str, **settings: Any) -> EventVerifier:
        """A verifier of ``service``, which knows no key yet."""
        return EventVerifier(self.transit(service), **settings)

    def close(self) -> None:
        """Close the connections to the key store."""
        for transit in self.transits.values():
            transit.close()


@dataclass(frozen=True, slots=True)
class EventsWorld:
    """One service's database, a PostgreSQL bus, and keys to sign with."""

    database: Database
    bus: Bus
    service: TestDatabase
    bus_url: str
    bus_admin_url: str
    signers: EventSigners
    verifier: EventVerifier

    async def publish(self, messages: Sequence[Message], *, service: str = "") -> None:
        """Publish ``messages`` of one topic as a relay does: signed by ``service``, or by their topic's owner."""
        await self.bus.publish(await self.signers.sign(messages, service=service))

    @asynccontextmanager
    async def relaying(
        self, bus: Bus | None = None, *, service: str = "customers", **settings: Any
    ) -> AsyncIterator[None]:
        """A relay at work that signs as ``service``."""
        relay = Relay(self.service.relay_url, bus or self.bus, self.signers.signer(service), **settings)
        async with running(relay.run()):
            yield

    async def arrived(self, topic: str, count: int) -> Sequence[Record]:
        """What lies in ``topic`` once that is ``count`` records."""
        async with asyncio.timeout(30):
            while True:
                records = [record async for record in self.bus.read(topic)]
                if len(records) >= count:
                    return records
                await asyncio.sleep(0.02)


@asynccontextmanager
async def events_world(
    service: TestDatabase,
    make_database: MakeDatabase,
    key_store: OpenBaoServer,
    roles: Mapping[str, tuple[str, str]],
) -> AsyncIterator[EventsWorld]:
    """``service`` and a bus of its own; its consumers verify as customers."""
    bus_database = await make_database("bus", create=bus_schema.create)
    database = await service.open()
    bus = await open_bus(bus_database.app_url)
    signers = EventSigners(key_store.address, roles)
    try:
        yield EventsWorld(
            database,
            bus,
            service,
            bus_database.app_url,
            bus_database.admin_url,
            signers,
            signers.verifier("customers"),
        )
    finally:
        await bus.close()
        await database.close()
        signers.close()
