"""What grows is cut back, and what may still be asked for is kept."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Consumer, DeadLetter, Envelope, Message, Record, revive
from daicho.events import inbox as inboxes
from daicho.events.bus import retention_of
from daicho.events.postgres_bus import PostgresBus
from daicho.tenancy import TenantTransaction, uuid7
from daicho.testkit.events import EventsWorld

TOPIC = "customers.events"


@pytest.mark.parametrize(
    ("topic", "days"),
    [("customers.events", 7), ("customers.events.dead", 30), ("identity.revocations", 1 / 24)],
)
async def test_the_bus_keeps_records_as_long_as_their_topic_says(
    world: EventsWorld, topic: str, days: float
) -> None:
    bus = world.bus
    assert isinstance(bus, PostgresBus)
    assert retention_of(topic) == timedelta(days=days)
    await bus.publish([Message(topic, b"key", str(number).encode()) for number in range(5)])
    connection = await asyncpg.connect(world.bus_admin_url)
    aged = "UPDATE message SET time = now() - $1::interval WHERE topic = $2 AND position < $3"
    await connection.execute(aged, timedelta(days=days, minutes=-5), topic, 5)
    await connection.execute(aged, timedelta(days=days, minutes=5), topic, 2)
    await connection.close()
    assert await bus.tidy() == 2
    assert [record.position async for record in bus.read(topic)] == [2, 3, 4]
    async with bus.subscribe("newcomer", [topic]) as subscription:
        (batch,) = await subscription.next()
    assert [record.value for record in batch.records] == [b"2", b"3", b"4"]


async def test_an_inbox_forgets_what_no_topic_holds_any_more(world: EventsWorld) -> None:
    age = inboxes.KEPT + timedelta(hours=1)
    old = UUID(int=int((datetime.now(UTC) - age).timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)
    new = uuid7()
    async with world.database.tenantless() as tx:
        for consumer in ("mine", "another"):
            await inboxes.enter(tx.driver, consumer, [old, new])

    async def unused(tx: TenantTransaction, event: object, envelope: Envelope) -> None:
        """Nothing is told here."""

    consumer = Consumer(
        world.bus,
        "mine",
        world.database,
        world.verifier,
        topics=["t"],
        handlers={customers.ContactChanged: unused},
    )
    task = asyncio.create_task(consumer.run())
    connection = await asyncpg.connect(world.service.app_url)
    async with asyncio.timeout(30):
        while len(rows := await connection.fetch("SELECT consumer, event_id FROM inbox")) == 4:  # noqa: ASYNC110 - a server's state, which nobody announces
            await asyncio.sleep(0.02)
    await connection.close()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert {(row["consumer"], row["event_id"]) for row in rows} == {
        ("mine", new),
        ("another", old),
        ("another", new),
    }


async def test_a_revived_letter_is_passed_over_by_everyone_else(world: EventsWorld) -> None:
    heard: list[bytes] = []

    async def on_all(tx: TenantTransaction, envelopes: list[Envelope]) -> None:
        heard.extend(envelope.id for envelope in envelopes)

    tenant, contact = uuid7(), uuid7()
    one, other = (Envelope(id=uuid7().bytes, type="x", tenant_id=tenant.bytes) for _ in range(2))
    for envelope, group in ((one, "customers.another"), (other, "customers.mine")):
        envelope.aggregate.id = contact.bytes
        value, key = envelope.SerializeToString(), tenant.bytes + contact.bytes
        record = Record(TOPIC, 0, 0, datetime.now(UTC), key, value, ())
        letter = DeadLetter(record, TOPIC, group, "no reason", 1)
        await revive(world.bus, letter, world.signers.transit("customers"))
    consumer = Consumer(
        world.bus, "customers.mine", world.database, world.verifier, topics=[TOPIC], batch_handler=on_all
    )
    task = asyncio.create_task(consumer.run())
    async with asyncio.timeout(30):
        while await world.bus.backlog("customers.mine", TOPIC):  # noqa: ASYNC110 - a server's state, which nobody announces
            await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert heard == [other.id]
