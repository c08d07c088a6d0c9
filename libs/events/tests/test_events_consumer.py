"""Hearing: once in effect, whatever the wire, the handler or the database does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from consumer_world import QUICK, TOPIC, consuming, event, letters, on_changed, settled, until
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from daicho.contracts.bus.v1 import envelope_pb2
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import (
    Aggregate,
    BatchHandler,
    Envelope,
    Message,
    Rejected,
    inbox,
    revive,
    tell,
)
from daicho.events.bus import DEAD, retention_of
from daicho.faults import Unavailable
from daicho.tenancy import TenantId, TenantTransaction, uuid7
from daicho.testkit import create_actor, create_tenant_id
from daicho.testkit.events import EventsWorld


@pytest_asyncio.fixture
async def effects(world: EventsWorld) -> Callable[[], Any]:
    """A table that handlers write to; calling it answers its rows (contact, version) in their order."""
    admin = await asyncpg.connect(world.service.admin_url)
    await admin.execute("CREATE TABLE effect (place bigserial, contact uuid, version bigint)")
    await admin.execute("GRANT ALL ON effect, effect_place_seq TO customers_app")
    await admin.close()

    async def read() -> list[tuple[UUID, int]]:
        connection = await asyncpg.connect(world.service.app_url)
        rows = await connection.fetch("SELECT contact, version FROM effect ORDER BY place")
        await connection.close()
        return [(row[0], row[1]) for row in rows]

    return read


async def test_a_told_fact_has_its_effect(world: EventsWorld, effects: Callable[[], Any]) -> None:
    contact = uuid7()
    async with world.relaying(), consuming(world):
        async with world.database.transaction(create_actor()) as tx:
            told = customers.ContactChanged(contact_id=contact.bytes)
            await tell(tx, None, told, aggregate=Aggregate("contact", contact, 1))
        assert await until(effects, bool) == [(contact, 1)]


async def test_a_duplicate_has_one_effect(world: EventsWorld, effects: Callable[[], Any]) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    once = event(tenant, contact, 1)
    await world.publish([once, once])
    async with consuming(world):
        await settled(world)
        await world.publish([once])
        await settled(world)
    assert await effects() == [(contact, 1)]


async def test_an_older_version_is_ignored_whether_it_comes_with_the_newer_or_later(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    first, second, third = (event(tenant, contact, version) for version in (1, 2, 3))
    await world.publish([second, first])
    async with consuming(world):
        await settled(world)
        await world.publish([first, third])
        await settled(world)
    assert await effects() == [(contact, 2), (contact, 3)]


async def test_a_consumer_of_every_version_hears_the_old_ones_too(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    await world.publish([event(tenant, contact, version) for version in (2, 1)])
    async with consuming(world, versions="every"):
        await settled(world)
    assert await effects() == [(contact, 2), (contact, 1)]


async def test_a_poison_event_goes_to_the_dead_letters_and_the_rest_flows(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, poison = create_tenant_id(), uuid7()
    contacts = [uuid7() for _ in range(20)]
    tries = 0

    async def on_some(tx: TenantTransaction, told: customers.ContactChanged, envelope: Envelope) -> None:
        nonlocal tries
        await on_changed(tx, told, envelope)
        if told.contact_id == poison.bytes:
            tries += 1
            raise ValueError("山田 太郎")

    sent = [event(tenant, contact, 1) for contact in contacts]
    sent.insert(5, event(tenant, poison, 1))
    await world.publish(sent)
    async with consuming(world, handlers={customers.ContactChanged: on_some}):
        await settled(world)
        (letter,) = await letters(world)
    assert {contact for contact, _ in await effects()} == set(contacts)
    assert letter.reason.startswith("ValueError at ")
    assert "山田" not in letter.reason
    assert (letter.consumer, letter.topic, letter.attempts) == ("customers.test", TOPIC, QUICK.attempts)
    assert tries in {QUICK.attempts, QUICK.attempts + 1}  # one more when it first came with others


async def test_a_dead_letter_that_is_revived_has_its_effect_then(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    broken = True

    async def on_repaired(tx: TenantTransaction, told: customers.ContactChanged, envelope: Envelope) -> None:
        if broken:
            raise Rejected("not yet")
        await on_changed(tx, told, envelope)

    await world.publish([event(tenant, contact, 1)])
    async with consuming(world, handlers={customers.ContactChanged: on_repaired}):
        await settled(world)
        (letter,) = await letters(world)
        assert (letter.reason, letter.attempts) == ("not yet", 1)
        broken = False
        await revive(world.bus, letter, world.signers.transit("customers"))
        await revive(
            world.bus, letter, world.signers.transit("customers")
        )  # an operator's second try does no harm
        await settled(world)
    assert await effects() == [(contact, 1)]


async def test_an_event_whose_tenant_is_not_its_aggregates_has_no_effect(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    one, other, contact = create_tenant_id(), create_tenant_id(), uuid7()
    await world.publish([event(one, contact, 1)])
    async with consuming(world):
        await settled(world)
        await world.publish([event(other, contact, 2)])
        await settled(world)
        (letter,) = await letters(world)
    assert letter.reason == "aggregate_of_another_tenant"
    assert await effects() == [(contact, 1)]


async def test_a_handler_sees_its_own_tenant_alone(world: EventsWorld, effects: Callable[[], Any]) -> None:
    tenant, seen = create_tenant_id(), []

    async def on_any(tx: TenantTransaction, told: object, envelope: Envelope) -> None:
        seen.append(await tx.driver.fetchval("SELECT current_setting('app.tenant_id')"))

    await world.publish([event(tenant, uuid7(), 1)])
    async with consuming(world, handlers={customers.ContactChanged: on_any}):
        await settled(world)
    assert seen == [str(tenant)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xff\xff", "envelope_unreadable"),
        (b"", "envelope_incomplete"),
        (Envelope(id=uuid7().bytes, type="x", tenant_id=b"short").SerializeToString(), "envelope_incomplete"),
        (
            Envelope(
                id=uuid7().bytes,
                type="x",
                tenant_id=uuid7().bytes,
                aggregate=envelope_pb2.Aggregate(id=uuid7().bytes),
            ).SerializeToString(),
            "key_of_another_aggregate",
        ),
    ],
    ids=["garbage", "empty", "short tenant", "foreign key"],
)
async def test_what_cannot_be_read_is_dead_at_once(
    world: EventsWorld, effects: Callable[[], Any], value: bytes, reason: str
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    await world.publish([Message(TOPIC, b"key", value), event(tenant, contact, 1)])
    async with consuming(world):
        await settled(world)
        assert [letter.reason for letter in await letters(world)] == [reason]
    assert await effects() == [(contact, 1)]


async def test_types_that_nobody_asked_for_are_passed_over(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    await world.publish([event(create_tenant_id(), uuid7(), 1)])
    async with consuming(world, handlers={customers.CompanyChanged: on_changed}):
        await settled(world)
    assert await effects() == []
    assert await letters(world) == []


async def test_what_is_away_is_waited_for_and_never_dead(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, contacts, tries = create_tenant_id(), [uuid7(), uuid7()], 0

    async def on_later(tx: TenantTransaction, told: customers.ContactChanged, envelope: Envelope) -> None:
        nonlocal tries
        tries += 1
        if tries <= QUICK.attempts * 3:
            raise Unavailable
        await on_changed(tx, told, envelope)

    await world.publish([event(tenant, contact, 1) for contact in contacts])
    async with consuming(world, handlers={customers.ContactChanged: on_later}):
        await settled(world)
    assert sorted(await effects()) == sorted((contact, 1) for contact in contacts)
    assert await letters(world) == []


async def test_lost_connections_to_database_and_bus_cost_no_event(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenants = [create_tenant_id() for _ in range(5)]
    sent = [event(tenants[n % 5], uuid7(), 1) for n in range(400)]
    await world.publish(sent)
    admin = await asyncpg.connect(world.service.admin_url)
    async with consuming(world, batch=10, together=3):
        for _ in range(3):
            await until(effects, bool)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename IN ('customers_app', 'bus_app')"
            )
            await asyncio.sleep(0.1)
        await until(lambda: _backlog(world), lambda left: left == 0)
    await admin.close()
    rows = await until(effects, bool)
    assert len(rows) == len(set(rows)) == 400
    assert await letters(world) == []


async def test_events_that_have_not_begun_when_their_slot_is_lost_are_left_out(world: EventsWorld) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    held, heard, tries = asyncio.Event(), list[int](), 0

    async def prepared(_: TenantId) -> BatchHandler:
        nonlocal tries
        tries += 1

        async def on_all(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
            await held.wait()
            heard.extend(envelope.aggregate.version for envelope in envelopes)

        return on_all

    admin = await asyncpg.connect(world.bus_admin_url)

    async def members() -> set[int]:
        rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'daicho-bus'")
        return {row["pid"] for row in rows}

    async def begun() -> int:
        return tries

    await world.publish([event(tenant, contact, version) for version in range(1, 7)])
    async with consuming(world, prepare=prepared, versions="every", together=1):
        await until(begun, bool)
        lost = await members()
        await admin.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", list(lost))
        await until(members, lambda found: bool(found - lost))
        held.set()
        await settled(world)
    await admin.close()
    assert heard == [1, 2, 3, 4, 5, 6]
    assert tries == 7  # the first one came again; what waited behind it came once


async def _backlog(world: EventsWorld) -> int:
    try:
        return await world.bus.backlog("customers.test", TOPIC)
    except Unavailable:
        return -1


async def test_a_batch_handler_hears_every_type_of_one_tenant_at_a_time(world: EventsWorld) -> None:
    one, other = create_tenant_id(), create_tenant_id()
    heard: list[tuple[UUID, list[bytes]]] = []

    async def on_all(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
        assert all(envelope.tenant_id == tx.tenant_id.bytes for envelope in envelopes)
        heard.append((tx.tenant_id, [envelope.id for envelope in envelopes]))

    sent = [event(tenant, uuid7(), 1) for _ in range(30) for tenant in (one, other)]
    await world.publish([*sent, sent[0]])
    async with consuming(world, batch_handler=on_all, versions="every"):
        await settled(world)
    ids = [event_id for _, group in heard for event_id in group]
    assert len(ids) == len(set(ids)) == 60
    assert len(heard) < 60


async def test_a_batch_handler_is_prepared_for_each_tenant_before_a_connection_is_held(
    world: EventsWorld,
) -> None:
    """What prepares it may use the database, also when it has a single connection; and may fail and come back."""
    one, other = create_tenant_id(), create_tenant_id()
    heard: list[tuple[UUID, UUID]] = []
    tries: list[UUID] = []
    database = await world.service.open(pool=1)

    async def prepared(tenant_id: TenantId) -> BatchHandler:
        tries.append(tenant_id)
        if tries.count(tenant_id) == 1:
            raise Unavailable
        async with database.transaction(tenant_id) as tx:
            await tx.driver.fetchval("SELECT 1")

        async def on_all(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
            heard.extend((tenant_id, UUID(bytes=envelope.tenant_id)) for envelope in envelopes)

        return on_all

    await world.publish([event(tenant, uuid7(), 1) for tenant in (one, other, one)])
    try:
        async with consuming(replace(world, database=database), prepare=prepared, versions="every"):
            await settled(world)
    finally:
        await database.close()
    assert sorted(heard) == sorted([(one, one), (one, one), (other, other)])


async def test_the_trace_of_who_told_goes_on_in_the_handler(world: EventsWorld) -> None:
    spans = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # a process has one, which another test may have set
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tenant, contact = create_tenant_id(), uuid7()
    with trace.get_tracer("test").start_as_current_span("request") as request:
        await world.publish([event(tenant, contact, 1)])

    async def on_any(tx: TenantTransaction, told: object, envelope: Envelope) -> None:
        """The span around it is what counts."""

    async with consuming(world, handlers={customers.ContactChanged: on_any}):
        await settled(world)
    (hearing,) = [
        span for span in spans.get_finished_spans() if span.name == "customers.test hear ContactChanged"
    ]
    assert hearing.context.trace_id == request.get_span_context().trace_id
    assert hearing.parent is not None
    assert hearing.parent.span_id == request.get_span_context().span_id


async def test_event_older_than_the_inbox_remembers_has_no_effect(
    world: EventsWorld, effects: Callable[[], Any]
) -> None:
    tenant, contact = create_tenant_id(), uuid7()
    told = event(tenant, contact, 1)
    envelope = Envelope.FromString(told.value)
    age = inbox.LIFE + timedelta(hours=1)
    old = int((datetime.now(UTC) - age).timestamp() * 1000)
    envelope.id = UUID(int=old << 80 | 7 << 76 | 2 << 62).bytes
    await world.publish([told._replace(value=envelope.SerializeToString()), event(tenant, contact, 2)])
    async with consuming(world):
        await settled(world)
        (letter,) = await letters(world)
    assert letter.reason == "told_too_long_ago"
    assert await effects() == [(contact, 2)]


def test_inbox_outlives_every_way_an_event_can_come_again() -> None:
    assert inbox.KEPT > inbox.LIFE >= 2 * (retention_of(TOPIC) + retention_of(TOPIC + DEAD))
