"""Telling facts, and the relay that brings them to the bus."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Envelope, Message, Record, tell, tell_all
from daicho.events.bus import Bus, BusUnavailable
from daicho.tenancy import uuid7
from daicho.testkit import create_actor, create_tenant_id
from daicho.testkit.events import EventsWorld

TOPIC = "customers.events"


def changed(contact_id: UUID, *fields: str) -> customers.ContactChanged:
    return customers.ContactChanged(contact_id=contact_id.bytes, fields=fields)


async def waiting(world: EventsWorld) -> int:
    connection = await asyncpg.connect(world.service.relay_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))
    finally:
        await connection.close()


async def test_a_fact_reaches_the_bus_with_who_told_it_and_about_what(world: EventsWorld) -> None:
    actor, contact = create_actor(), uuid7()
    span = TracerProvider().get_tracer("test").start_span("request")
    with trace.use_span(span):
        async with world.database.transaction(actor) as tx:
            event_id = await tell(
                tx, None, changed(contact, "family_name"), aggregate=Aggregate("contact", contact, 3)
            )
    async with world.relaying():
        (record,) = await world.arrived(TOPIC, 1)
    envelope = Envelope.FromString(record.value)
    assert record.headers[0] == ("id", event_id.bytes)
    assert [name for name, _ in record.headers] == ["id", "proof"]
    assert record.key == actor.tenant_id.bytes + contact.bytes
    assert UUID(bytes=envelope.id) == event_id
    assert envelope.type == "daicho.customers.events.v1.ContactChanged"
    assert UUID(bytes=envelope.tenant_id) == actor.tenant_id
    assert (envelope.aggregate.type, envelope.aggregate.version) == ("contact", 3)
    assert UUID(bytes=envelope.actor.user_id) == actor.user_id
    assert envelope.actor.address == "192.0.2.10"
    assert envelope.actor.request_id == actor.request_id
    assert envelope.traceparent.split("-")[1] == f"{span.get_span_context().trace_id:032x}"
    assert customers.ContactChanged.FromString(envelope.payload).fields == ["family_name"]


async def test_nothing_is_told_when_the_transaction_rolls_back(world: EventsWorld) -> None:
    async def fail() -> None:
        async with world.database.transaction(create_actor()) as tx:
            await tell(tx, None, changed(uuid7()), aggregate=Aggregate("contact", uuid7(), 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await waiting(world) == 0


async def test_sealed_fields_travel_with_the_key_that_opens_them(world: EventsWorld) -> None:
    class EventsKey:
        version, wrapped, service = 2, "vault:v1:abc", "customers"

    class Keys:
        events = EventsKey()

    contact = uuid7()
    sealed = customers.ContactChanged(contact_id=contact.bytes, sealed_card=b"sealed")
    async with world.database.transaction(create_actor()) as tx:
        with pytest.raises(ValueError, match="sealed fields"):
            await tell(tx, None, sealed, aggregate=Aggregate("contact", contact, 1))
        await tell(tx, Keys(), sealed, aggregate=Aggregate("contact", contact, 1))
    async with world.relaying():
        (record,) = await world.arrived(TOPIC, 1)
    key = Envelope.FromString(record.value).key
    assert (key.version, key.wrapped, key.service) == (2, "vault:v1:abc", "customers")


async def test_what_the_bus_would_refuse_does_not_enter_the_outbox(world: EventsWorld) -> None:
    contact = uuid7()
    huge = customers.ContactChanged(contact_id=contact.bytes, fields=["x" * 1_000_000])
    async with world.database.transaction(create_actor()) as tx:
        with pytest.raises(ValueError, match="larger than"):
            await tell(tx, None, huge, aggregate=Aggregate("contact", contact, 1))


async def test_only_events_can_be_told(world: EventsWorld) -> None:
    async with world.database.transaction(create_actor()) as tx:
        with pytest.raises(ValueError, match="not an event"):
            await tell(tx, None, Envelope(), aggregate=Aggregate("contact", uuid7(), 1))


async def test_the_app_can_neither_read_nor_delete_nor_tell_for_another_tenant(world: EventsWorld) -> None:
    async with world.database.transaction(create_actor()) as tx:
        await tell(tx, None, changed(uuid7()), aggregate=Aggregate("contact", uuid7(), 1))
    for statement in ("SELECT * FROM outbox", "DELETE FROM outbox", "UPDATE outbox SET topic = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with world.database.transaction(create_actor()) as tx:
                await tx.driver.execute(statement)
    row = "INSERT INTO outbox (shard, tenant_id, topic, key, event_id, envelope) VALUES (0, $1, 't', 'k', $2, '')"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.database.transaction(create_actor()) as tx:
            await tx.driver.execute(row, create_tenant_id(), uuid7())
    assert await waiting(world) == 1


async def test_the_relay_sees_the_outboxes_and_nothing_else(world: EventsWorld) -> None:
    connection = await asyncpg.connect(world.service.relay_url)
    try:
        for table in ("inbox", "seen_version", "broadcast"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - names from this line
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO outbox (shard, topic, key, event_id, envelope) VALUES (0, 't', '', $1, '')",
                uuid7(),
            )
    finally:
        await connection.close()


async def test_a_commit_is_on_the_bus_within_milliseconds(world: EventsWorld) -> None:
    tenant, took = create_tenant_id(), []
    async with world.relaying(idle_seconds=30.0), world.bus.hear(TOPIC) as heard:
        for version in range(1, 21):
            async with world.database.transaction(tenant) as tx:
                await tell(tx, None, changed(uuid7()), aggregate=Aggregate("contact", uuid7(), version))
            begun = asyncio.get_running_loop().time()
            async with asyncio.timeout(30):
                await heard.__anext__()
            took.append(asyncio.get_running_loop().time() - begun)
    assert sorted(took)[len(took) // 2] < 0.1


async def test_racing_changes_of_one_aggregate_arrive_in_the_order_of_their_commits(
    world: EventsWorld,
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    admin = await asyncpg.connect(world.service.admin_url)
    await admin.execute("CREATE TABLE counter (id uuid PRIMARY KEY, version bigint)")
    await admin.execute("INSERT INTO counter VALUES ($1, 0)", contact)
    await admin.execute("GRANT SELECT, UPDATE ON counter TO customers_app")
    await admin.close()

    async def change() -> None:
        async with world.database.transaction(tenant) as tx:
            version = await tx.driver.fetchval(
                "UPDATE counter SET version = version + 1 WHERE id = $1 RETURNING version", contact
            )
            await tell(tx, None, changed(contact), aggregate=Aggregate("contact", contact, version))

    async with world.relaying(batch=7):
        await asyncio.gather(*(change() for _ in range(100)))
        records = await world.arrived(TOPIC, 100)
    assert [Envelope.FromString(record.value).aggregate.version for record in records] == list(range(1, 101))


async def _tell_many(world: EventsWorld, count: int, *, contacts: int = 10) -> None:
    tenant = create_tenant_id()
    ids = [uuid7() for _ in range(contacts)]
    async with world.database.transaction(tenant) as tx:
        await tell_all(
            tx,
            None,
            [
                (changed(ids[n % contacts]), Aggregate("contact", ids[n % contacts], n // contacts + 1))
                for n in range(count)
            ],
        )


def in_order(records: Sequence[Record]) -> bool:
    """Whether the first arrivals of each aggregate's versions rise."""
    seen: dict[bytes, int] = {}
    for record in records:
        version = Envelope.FromString(record.value).aggregate.version
        if version > seen.get(record.key, 0) + 1:
            return False
        seen[record.key] = max(version, seen.get(record.key, 0))
    return True


class Away:
    """A bus that stays away for the first calls, and tells which it answered."""

    def __init__(self, bus: Bus, *, refused: int) -> None:
        self._bus, self._left = bus, refused

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._left:
            self._left -= 1
            raise BusUnavailable
        await self._bus.publish(messages)

    async def ping(self) -> None:
        await self._bus.ping()


async def test_a_bus_that_is_away_is_waited_for(world: EventsWorld) -> None:
    await _tell_many(world, 50)
    async with world.relaying(bus=Away(world.bus, refused=3)):  # type: ignore[arg-type]  # a relay only publishes
        records = await world.arrived(TOPIC, 50)
    assert len(records) == 50
    assert await waiting(world) == 0


async def test_a_relay_that_lost_its_connections_goes_on(world: EventsWorld) -> None:
    async with world.relaying(batch=5):
        await _tell_many(world, 300)
        await world.arrived(TOPIC, 5)
        admin = await asyncpg.connect(world.service.admin_url)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('daicho-relay')"
        )
        await admin.close()
        records = await world.arrived(TOPIC, 300)
    assert in_order(records)


async def test_two_relays_share_the_outbox_and_keep_the_order(world: EventsWorld) -> None:
    async with world.relaying(batch=3, balance_seconds=0.1), world.relaying(batch=3, balance_seconds=0.1):
        for _ in range(10):
            await _tell_many(world, 60)
        records = await world.arrived(TOPIC, 600)
    assert len(records) == 600
    assert in_order(records)


async def test_another_relay_takes_over_from_one_that_was_killed_in_mid_batch(world: EventsWorld) -> None:
    await _tell_many(world, 4_000)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("relay_process.py")),
        world.service.relay_url,
        world.bus_url,
        world.signers.address,
        *world.signers.roles["customers"],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"published\n"  # and not yet deleted
    finally:
        child.kill()
        await child.wait()
    async with world.relaying(balance_seconds=0.2):
        async with asyncio.timeout(30):
            while await waiting(world):  # noqa: ASYNC110 - a server's state, which nobody announces
                await asyncio.sleep(0.05)
        records = await world.arrived(TOPIC, 4_000)
    ids = [dict(record.headers)["id"] for record in records]
    assert len(set(ids)) == 4_000  # none lost
    assert len(ids) > 4_000  # what the dead relay had published came again
    assert in_order(records)
