"""Tenants take turns at a consumer, on either bus: nobody waits for another's backlog, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import (
    Aggregate,
    BatchHandler,
    Consumer,
    Envelope,
    EventVerifier,
    Message,
    Patience,
    Record,
    Rejected,
    dead_letters,
    open_bus,
    partition_of,
    schema,
)
from daicho.events.bus import PARTITIONS
from daicho.events.envelope import enclose, partition_key
from daicho.local.servers import OpenBaoServer
from daicho.tenancy import Actor, TenantId, TenantTransaction, uuid7
from daicho.testkit import create_tenant_id
from daicho.testkit.background import running
from daicho.testkit.events import EventsWorld, events_world
from daicho.testkit.plugin import MakeDatabase
from daicho.testkit.waiting import until

WITHIN = 60
QUICK = Patience(attempts=4, first_seconds=0.01, longest_seconds=0.05)


@pytest_asyncio.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
async def world(
    request: pytest.FixtureRequest,
    make_database: MakeDatabase,
    openbao_server: OpenBaoServer,
    openbao_roles: dict[str, tuple[str, str]],
) -> AsyncIterator[EventsWorld]:
    """A service's database, a bus of either kind, and keys to sign with."""
    service = await make_database("customers", create=schema.create_newest)
    admin = await asyncpg.connect(service.admin_url)
    await admin.execute(
        "CREATE TABLE effect (tenant uuid, version bigint); GRANT ALL ON effect TO customers_app"
    )
    await admin.close()
    async with events_world(service, make_database, openbao_server, openbao_roles) as made:
        if request.param == "postgres":
            yield made
            return
        bus = await open_bus(f"kafka://{request.getfixturevalue('kafka_bootstrap')}")
        yield replace(made, bus=bus)
        await bus.close()


class _Watching(EventVerifier):
    """A verifier that says whose records it has looked at."""

    def __init__(self, world: EventsWorld) -> None:
        super().__init__(world.signers.transit("customers"))
        self.seen: dict[bytes, asyncio.Event] = {}

    async def check(self, record: Record, *, topic: str | None = None) -> None:
        await super().check(record, topic=topic)
        self.seen_of(record.key[:16]).set()

    def seen_of(self, tenant: bytes) -> asyncio.Event:
        return self.seen.setdefault(tenant, asyncio.Event())


@dataclass
class Hearing:
    """A group and what its members hear: ``(tenant, version)`` in the order in which handlers return. A transaction that
    fails after that is heard again; :meth:`effects` holds what was committed."""

    world: EventsWorld
    topic: str = field(default_factory=lambda: f"customers.{uuid4().hex}")
    heard: list[tuple[TenantId, int]] = field(default_factory=list)
    attempts: list[tuple[TenantId, int]] = field(default_factory=list)
    """The first event of each transaction that was begun."""

    async def tell(self, tenant: TenantId, versions: Sequence[int], *, partition: int | None = 0) -> None:
        """One event a version, each about a contact of its own, all in one partition (None: in all)."""
        await self.tell_of([(tenant, _contact(tenant, partition), version) for version in versions])

    async def tell_of(self, events: Sequence[tuple[TenantId, UUID, int]]) -> None:
        made = []
        for tenant, contact, version in events:
            event_id, value = enclose(
                customers.ContactChanged(contact_id=contact.bytes),
                actor=Actor.system(tenant),
                tenant_id=tenant,
                aggregate=Aggregate("contact", contact, version),
                keys=None,
            )
            made.append(Message(self.topic, partition_key(tenant, contact), value, (("id", event_id),)))
        await self.world.publish(made)

    @asynccontextmanager
    async def member(
        self,
        before: Callable[[TenantId, list[int]], Awaitable[None]],
        *,
        heard: list[tuple[TenantId, int]] | None = None,
        verifier: EventVerifier | None = None,
        **settings: Any,
    ) -> AsyncIterator[None]:
        """A member at work; ``before`` runs in each transaction."""
        into = self.heard if heard is None else heard

        async def prepared(_: TenantId) -> BatchHandler:
            async def on_events(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
                versions = [envelope.aggregate.version for envelope in envelopes]
                self.attempts.append((tx.tenant_id, versions[0]))
                await before(tx.tenant_id, versions)
                effects = [(tx.tenant_id, version) for version in versions]
                await tx.driver.executemany("INSERT INTO effect VALUES ($1, $2)", effects)
                into.extend(effects)

            return on_events

        consumer = Consumer(
            self.world.bus,
            f"customers.{self.topic}",
            self.world.database,
            verifier or self.world.verifier,
            topics=[self.topic],
            prepare=prepared,
            versions="every",
            **{"patience": QUICK, **settings},
        )
        async with running(consumer.run()):
            yield

    async def has(self, *wanted: tuple[TenantId, int]) -> None:
        async def heard() -> bool:
            return set(wanted) <= set(self.heard)

        await until(heard, within=WITHIN)

    async def effects(self) -> list[tuple[TenantId, int]]:
        """What was committed, each effect as often as it was had."""
        connection = await asyncpg.connect(self.world.service.admin_url)
        rows = await connection.fetch("SELECT tenant, version FROM effect")
        await connection.close()
        return [(TenantId(row["tenant"]), row["version"]) for row in rows]

    async def backlog(self) -> int:
        return await self.world.bus.backlog(f"customers.{self.topic}", self.topic)

    async def settled(self) -> None:
        async def nothing_left() -> bool:
            return await self.backlog() == 0

        await until(nothing_left, within=WITHIN)


def _contact(tenant: TenantId, partition: int | None) -> UUID:
    while True:
        contact = uuid7()
        if partition is None or partition_of(partition_key(tenant, contact)) == partition:
            return contact


async def _nothing(_tenant: TenantId, _versions: list[int]) -> None:
    """Let the transaction go on."""


async def test_quiet_tenant_gets_the_next_place_whatever_waits_of_a_loud_one(world: EventsWorld) -> None:
    loud, quiet = create_tenant_id(), create_tenant_id()
    hearing, verifier = Hearing(world), _Watching(world)
    await hearing.tell(loud, range(1_000))
    await hearing.tell(quiet, [1])

    async def until_quiet_is_read(tenant: TenantId, _versions: list[int]) -> None:
        if tenant == loud:
            await verifier.seen_of(quiet.bytes).wait()

    async with hearing.member(until_quiet_is_read, verifier=verifier, batch=50, together=10, at_once=1):
        await hearing.has((quiet, 1))
        before = hearing.heard.index((quiet, 1))
        await hearing.settled()
    assert before <= 20  # the transaction under way, and one that had asked before
    assert [version for tenant, version in hearing.heard if tenant == loud] == list(range(1_000))


async def test_what_waits_for_a_tenant_is_not_committed_and_comes_again_after_a_crash(
    world: EventsWorld,
) -> None:
    stuck, other = create_tenant_id(), create_tenant_id()
    hearing, never = Hearing(world), asyncio.Event()
    await hearing.tell(other, [1])
    await hearing.tell(stuck, [1])
    await hearing.tell(other, [2, 3, 4])

    async def hang(tenant: TenantId, _versions: list[int]) -> None:
        if tenant == stuck:
            await never.wait()

    async def first_is_committed() -> bool:
        return await hearing.backlog() == 4

    async with hearing.member(hang, batch=1, together=1):
        await hearing.has(*((other, version) for version in (1, 2, 3, 4)))
        await until(first_is_committed, within=WITHIN)
    assert await hearing.backlog() == 4
    async with hearing.member(_nothing, batch=1, together=1):
        await hearing.settled()
    assert sorted(await hearing.effects()) == sorted(
        [(stuck, 1), *((other, version) for version in (1, 2, 3, 4))]
    )


async def test_after_a_failure_nothing_of_the_tenant_overtakes_and_others_go_on(world: EventsWorld) -> None:
    failing, other = create_tenant_id(), create_tenant_id()
    hearing, contact = Hearing(world), _contact(failing, 0)
    await hearing.tell_of([(failing, contact, version) for version in range(1, 13)])
    await hearing.tell(other, [1])

    async def fail(tenant: TenantId, versions: list[int]) -> None:
        if tenant == failing and 3 in versions and (other, 1) not in hearing.heard:
            raise ConnectionError
        if tenant == failing and 7 in versions:
            raise Rejected("poison")

    async with hearing.member(fail, together=4, patience=replace(QUICK, attempts=1_000)):
        await hearing.settled()
    assert [version for tenant, version in hearing.heard if tenant == failing] == [
        *range(1, 7),
        *range(8, 13),
    ]
    assert hearing.heard.index((other, 1)) < hearing.heard.index((failing, 3))
    (letter,) = [letter async for letter in dead_letters(world.bus, hearing.topic)]
    assert (letter.reason, Envelope.FromString(letter.record.value).aggregate.version) == ("poison", 7)


async def test_newcomer_gets_its_slots_while_a_tenant_is_stuck(world: EventsWorld) -> None:
    """What the old member has read ahead and not begun is the newcomer's."""
    tenant, hearing, held = create_tenant_id(), Hearing(world), asyncio.Event()
    await hearing.tell(tenant, [0])
    newcomers: list[tuple[TenantId, int]] = []

    async def hang(_tenant: TenantId, versions: list[int]) -> None:
        if 0 in versions:
            await held.wait()

    async def begun() -> bool:
        return bool(hearing.attempts)

    async def newcomer_heard() -> bool:
        return len(newcomers) > 199 / PARTITIONS

    async with hearing.member(hang, together=1):
        await until(begun, within=WITHIN)
        await hearing.tell(tenant, range(1, 200), partition=None)
        async with hearing.member(_nothing, heard=newcomers, together=1):
            await until(newcomer_heard, within=WITHIN)
            assert hearing.heard == []
            held.set()
            await hearing.settled()
    assert sorted(await hearing.effects()) == [(tenant, version) for version in range(200)]
