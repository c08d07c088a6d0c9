"""A group that was away for longer than the bus keeps events does not go on behind the gap without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from structlog.testing import capture_logs

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Consumer, Envelope, Message, Missed, Window
from daicho.events.bus import WINDOW, Gap, Slot
from daicho.events.envelope import enclose, partition_key
from daicho.events.missed_events import find_gaps
from daicho.tenancy import Actor, TenantTransaction, uuid7
from daicho.testkit import background, create_tenant_id
from daicho.testkit.events import EventsWorld
from daicho.testkit.waiting import until

TOPIC = "customers.events"
GROUP = "customers.test"
TENANT, CONTACT = create_tenant_id(), uuid7()


def events(first: int, count: int) -> list[Message]:
    """Events of one contact, which lie in one partition."""
    made = []
    for version in range(first, first + count):
        message = customers.ContactChanged(contact_id=CONTACT.bytes)
        about = Aggregate("contact", CONTACT, version)
        event_id, value = enclose(
            message, actor=Actor.system(TENANT), tenant_id=TENANT, aggregate=about, keys=None
        )
        made.append(Message(TOPIC, partition_key(TENANT, CONTACT), value, (("id", event_id),)))
    return made


@dataclass
class Hearing:
    """A consumer and what it heard and missed."""

    world: EventsWorld
    heard: list[int] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    snapshots: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def _on_all(self, _tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
        await self.hold.wait()
        self.heard.extend(envelope.aggregate.version for envelope in envelopes)

    async def _on_missed(self, missed: Missed) -> None:
        self.missed.append(missed)

    async def _take_snapshot(self) -> None:
        self.snapshots += 1

    @asynccontextmanager
    async def running(self, *, snapshot: bool = False, window: Window = WINDOW) -> AsyncIterator[None]:
        self.hold.set()
        consumer = Consumer(
            self.world.bus,
            GROUP,
            self.world.database,
            self.world.verifier,
            topics=[TOPIC],
            batch_handler=self._on_all,
            snapshot=self._take_snapshot if snapshot else None,
            on_missed=self._on_missed,
            window=window,
        )
        async with background.running(consumer.run()):
            yield

    async def has_heard(self, version: int) -> None:
        async def heard() -> bool:
            return version in self.heard

        await until(heard, within=30)

    async def has_missed(self) -> Missed:
        async def missed() -> bool:
            return bool(self.missed)

        await until(missed, within=30)
        return self.missed[-1]


async def as_admin(world: EventsWorld, statement: str) -> None:
    admin = await asyncpg.connect(world.bus_admin_url)
    await admin.execute(statement)
    await admin.close()


async def away(world: EventsWorld) -> Hearing:
    """A group that heard three events and was away while six were told, of which the bus has dropped two."""
    first = Hearing(world)
    await world.publish(events(1, 3))
    async with first.running():
        await first.has_heard(3)
        await until(lambda: _backlog(world, 0), within=30)
    await world.publish(events(4, 6))
    await as_admin(world, "DELETE FROM message WHERE position < 5")
    return Hearing(world)


def test_new_group_begins_anywhere_and_an_old_one_only_where_nothing_is_missing() -> None:
    one, two, other = Slot("t", 0), Slot("t", 1), Slot("u", 0)
    kept = {one: (5, 9), two: (0, 0), other: (3, 3)}
    assert find_gaps({"t", "u"}, (), {}, kept) == ([], {one: 5, two: 0, other: 3})
    assert find_gaps({"t"}, {"t"}, {one: 5, two: 0}, kept) == ([], {})
    assert find_gaps({"t"}, (), {one: 9}, kept) == ([], {two: 0})
    assert find_gaps({"t"}, (), {one: 4, two: 0}, kept) == ([Gap(one, 4, 5)], {})  # retention
    assert find_gaps({"t"}, (), {one: 10, two: 0}, kept) == ([Gap(one, 10, 5)], {})  # made anew
    assert find_gaps({"t"}, (), {two: 0}, kept) == ([Gap(one, None, 5)], {})
    assert find_gaps({"t"}, {"t"}, {}, kept)[0] == [Gap(one, None, 5), Gap(two, None, 0)]  # forgotten


async def test_new_group_begins_at_the_oldest_event_kept(world: EventsWorld) -> None:
    await world.publish(events(1, 6))
    await as_admin(world, "DELETE FROM message WHERE position < 4")
    newcomer = Hearing(world)
    async with newcomer.running():
        await newcomer.has_heard(6)
    assert (newcomer.heard, newcomer.missed) == ([5, 6], [])


async def test_group_behind_retention_hears_nothing_until_an_operator_lets_it_go_on(
    world: EventsWorld,
) -> None:
    back = await away(world)
    with capture_logs() as logs:
        async with back.running():
            missed = await back.has_missed()
            assert (missed.group, missed.topic) == (GROUP, TOPIC)
            assert missed.heard_until is not None
            assert missed.kept_since is not None
            assert missed.heard_until <= missed.kept_since
            assert back.heard == []
            assert len(await world.bus.resume(GROUP, TOPIC)) == 1
            await back.has_heard(9)
    assert back.heard == [6, 7, 8, 9]
    assert len(back.missed) == 1
    assert [line["topic"] for line in logs if line["event"] == "events_missed"] == [TOPIC]
    assert await world.bus.resume(GROUP, TOPIC) == []


async def test_group_with_a_snapshot_takes_it_and_goes_on(world: EventsWorld) -> None:
    back = await away(world)
    async with back.running(snapshot=True):
        await back.has_heard(9)
    assert (back.heard, back.snapshots, len(back.missed)) == ([6, 7, 8, 9], 1, 1)


async def test_group_whose_positions_were_forgotten_has_missed_events(world: EventsWorld) -> None:
    first, back = Hearing(world), Hearing(world)
    await world.publish(events(1, 3))
    async with first.running():
        await first.has_heard(3)
        await until(lambda: _backlog(world, 0), within=30)
    await as_admin(world, "DELETE FROM reader")  # as Kafka does a week after the group has left
    async with back.running():
        assert (await back.has_missed()).topic == TOPIC
    assert back.heard == []


async def test_topic_that_was_made_anew_is_noticed(world: EventsWorld) -> None:
    first, back = Hearing(world), Hearing(world)
    await world.publish(events(1, 3))
    async with first.running():
        await first.has_heard(3)
        await until(lambda: _backlog(world, 0), within=30)
    await as_admin(world, "TRUNCATE message, slot")
    await world.publish(events(4, 1))
    async with back.running():
        await back.has_missed()
        assert back.heard == []
        await world.bus.resume(GROUP, TOPIC)
        await back.has_heard(4)


async def test_consumer_that_retention_overtakes_stops_and_says_so(world: EventsWorld) -> None:
    slow = Hearing(world)
    await world.publish(events(1, 2))
    async with slow.running(window=Window(records=1)):
        await slow.has_heard(2)
        slow.hold.clear()
        await world.publish(events(3, 6))
        await until(lambda: _backlog(world, 6), within=30)
        await as_admin(world, "DELETE FROM message WHERE position < 6")
        slow.hold.set()
        await slow.has_missed()
        await world.bus.resume(GROUP, TOPIC)
        await slow.has_heard(8)
    assert set(slow.heard) <= {1, 2, 3, 7, 8}
    assert len(slow.missed) == 1


async def _backlog(world: EventsWorld, count: int) -> bool:
    return await world.bus.backlog(GROUP, TOPIC) == count
