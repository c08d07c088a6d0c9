"""A consumer under test, and the events that it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Consumer, DeadLetter, Envelope, Message, Patience, dead_letters
from daicho.events.envelope import enclose, partition_key
from daicho.tenancy import Actor, TenantId, TenantTransaction
from daicho.testkit.background import running
from daicho.testkit.events import EventsWorld

TOPIC = "customers.events"
QUICK = Patience(attempts=3, first_seconds=0.01, longest_seconds=0.05)


async def on_changed(tx: TenantTransaction, event: customers.ContactChanged, envelope: Envelope) -> None:
    await tx.driver.execute(
        "INSERT INTO effect (contact, version) VALUES ($1, $2)",
        UUID(bytes=event.contact_id),
        envelope.aggregate.version,
    )


@asynccontextmanager
async def consuming(world: EventsWorld, **settings: Any) -> AsyncIterator[None]:
    settings = {"patience": QUICK, "topics": [TOPIC]} | settings
    if not {"batch_handler", "prepare"} & set(settings):
        settings.setdefault("handlers", {customers.ContactChanged: on_changed})
    consumer = Consumer(world.bus, "customers.test", world.database, world.verifier, **settings)
    async with running(consumer.run()):
        yield


def event(tenant: TenantId, contact: UUID, version: int, *fields: str) -> Message:
    """A message as the relay would publish it."""
    message = customers.ContactChanged(contact_id=contact.bytes, fields=fields)
    event_id, value = enclose(
        message,
        actor=Actor.system(tenant),
        tenant_id=tenant,
        aggregate=Aggregate("contact", contact, version),
        keys=None,
    )
    return Message(TOPIC, partition_key(tenant, contact), value, (("id", event_id),))


async def until(read: Callable[[], Any], condition: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(40):
        while not condition(value := await read()):  # noqa: ASYNC110 - a server's state, which nobody announces
            await asyncio.sleep(0.02)
    return value


async def settled(world: EventsWorld) -> None:
    """Wait until the group has nothing left to do."""
    await until(lambda: world.bus.backlog("customers.test", TOPIC), lambda left: left == 0)


async def letters(world: EventsWorld) -> Sequence[DeadLetter]:
    return [letter async for letter in dead_letters(world.bus, TOPIC)]
