"""Broadcasts, their numbers and their heartbeat."""

from __future__ import annotations

import asyncio
import math
from statistics import median
from uuid import UUID

import pytest

from daicho.contracts.identity.events.v1 import events_pb2 as identity
from daicho.events import Aggregate, Envelope, Heartbeats, Message, Revocations, broadcast
from daicho.events.envelope import enclose
from daicho.faults import Unavailable
from daicho.tenancy import UserId, uuid7
from daicho.testkit import create_actor, create_user_id
from daicho.testkit.background import running
from daicho.testkit.events import EventsWorld
from daicho.testkit.waiting import until

TOPIC = "identity.revocations"


class Ears:
    """A listener and what it heard."""

    def __init__(self, world: EventsWorld) -> None:
        self.heard: list[UUID] = []
        self.gaps = 0
        self.gap_fails = False
        self.news = asyncio.Event()
        self.line = Revocations(
            world.bus, TOPIC, world.verifier, on_message=self._on_message, on_gap=self._on_gap
        )

    async def _on_message(self, envelope: Envelope) -> None:
        self.heard.append(UUID(bytes=identity.Revoked.FromString(envelope.payload).user_id))
        self.news.set()

    async def _on_gap(self) -> None:
        self.gaps += 1
        self.news.set()
        if self.gap_fails:
            raise Unavailable

    async def wait_for_news(self) -> None:
        async with asyncio.timeout(30):
            await self.news.wait()
        self.news.clear()


def heartbeats(world: EventsWorld, seconds: float = 0.05) -> Heartbeats:
    return Heartbeats(
        world.database, TOPIC, lambda sequence: identity.Heartbeat(sequence=sequence), seconds=seconds
    )


async def revoke(world: EventsWorld, user_id: UserId) -> int:
    actor = create_actor()
    async with world.database.transaction(actor) as tx:
        return await broadcast(
            tx,
            TOPIC,
            lambda sequence: identity.Revoked(
                sequence=sequence, tenant_id=actor.tenant_id.bytes, user_id=user_id.bytes
            ),
        )


async def test_every_listener_hears_every_revocation_within_a_second(world: EventsWorld) -> None:
    ears, users = [Ears(world), Ears(world)], [create_user_id() for _ in range(5)]
    async with (
        world.relaying(service="identity"),
        running(heartbeats(world).run(), *(ear.line.run() for ear in ears)),
    ):
        for ear in ears:
            await ear.line.heard()
        numbers, took = [], []
        for count, user in enumerate(users, 1):
            begun = asyncio.get_running_loop().time()
            numbers.append(await revoke(world, user))
            for ear in ears:
                while len(ear.heard) < count:
                    await ear.wait_for_news()
            took.append(asyncio.get_running_loop().time() - begun)
        assert median(took) < 1  # a machine that stands still for a moment spoils one of them
    assert numbers == [1, 2, 3, 4, 5]
    assert ears[0].heard == ears[1].heard == users
    assert ears[0].gaps == 0


async def test_a_line_that_was_never_heard_is_silent_for_ever(world: EventsWorld) -> None:
    assert Ears(world).line.silent_for() == math.inf


async def test_silence_grows_when_the_heart_stops_and_ends_when_it_beats(world: EventsWorld) -> None:
    ears = Ears(world)
    async with world.relaying(service="identity"), running(ears.line.run()):
        async with running(heartbeats(world).run()):
            async with asyncio.timeout(30):
                while ears.line.silent_for() > 1:  # noqa: ASYNC110 - a server's state, which nobody announces
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.4)
        assert ears.line.silent_for() > 0.25
        async with running(heartbeats(world).run()), asyncio.timeout(30):
            while ears.line.silent_for() > 0.2:  # noqa: ASYNC110 - a server's state, which nobody announces
                await asyncio.sleep(0.01)


async def test_a_relay_that_stands_still_is_silence_although_the_heart_beats(world: EventsWorld) -> None:
    ears = Ears(world)
    async with running(ears.line.run(), heartbeats(world).run()):
        async with world.relaying(service="identity"):
            await ears.line.heard()
        await asyncio.sleep(0.4)
        assert ears.line.silent_for() > 0.25


async def test_a_missed_number_is_noticed_by_the_next_heartbeat(world: EventsWorld) -> None:
    ears = Ears(world)
    async with world.relaying(service="identity"):
        async with running(ears.line.run(), heartbeats(world).run()):
            await ears.line.heard()
        await revoke(world, create_user_id())  # while nobody listens

        async def is_told() -> bool:
            return any(b"Revoked" in record.value for record in await world.arrived(TOPIC, 1))

        await until(is_told, within=30)
        ears.gap_fails = True
        async with running(ears.line.run(), heartbeats(world).run()):
            await ears.wait_for_news()
            assert ears.line.silent_for() == math.inf  # not whole until what was missed has been fetched
            ears.gap_fails = False
            async with asyncio.timeout(30):
                while ears.line.silent_for() > 1:
                    await ears.wait_for_news()
                    await asyncio.sleep(0.05)
    assert ears.heard == []
    assert ears.gaps >= 2


async def test_a_counter_that_went_back_is_a_gap(world: EventsWorld) -> None:
    ears = Ears(world)
    await revoke(world, create_user_id())
    async with world.relaying(service="identity"):
        await world.arrived(TOPIC, 1)
    async with world.relaying(service="identity"), running(ears.line.run()):
        async with running(heartbeats(world).run()):
            await ears.line.heard()
        async with world.database.tenantless() as tx:  # the database was restored from yesterday's backup
            await tx.driver.execute("UPDATE broadcast SET sequence = 0")
        async with running(heartbeats(world).run()):
            await ears.wait_for_news()
        assert ears.gaps == 1
        user = create_user_id()
        await revoke(world, user)
        await ears.wait_for_news()
        assert ears.heard == [user]


async def test_racing_broadcasts_are_numbered_without_gaps_in_the_order_they_arrive(
    world: EventsWorld,
) -> None:
    ears = Ears(world)
    async with world.relaying(service="identity", batch=3), running(heartbeats(world).run(), ears.line.run()):
        await ears.line.heard()
        await asyncio.gather(*(revoke(world, create_user_id()) for _ in range(40)))
        while len(ears.heard) < 40:
            await ears.wait_for_news()
    assert ears.gaps == 0


async def test_a_broadcast_that_rolls_back_leaves_no_gap(world: EventsWorld) -> None:
    async def fail() -> None:
        async with world.database.transaction(create_actor()) as tx:
            await broadcast(
                tx, TOPIC, lambda sequence: identity.Revoked(sequence=sequence, user_id=uuid7().bytes)
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await revoke(world, create_user_id()) == 1


def heartbeat(sequence: int, *, seconds_ago: float = 0.0) -> Message:
    about = Aggregate("heartbeat", uuid7(), sequence)
    message = identity.Heartbeat(sequence=sequence)
    _, value = enclose(message, actor=None, tenant_id=None, aggregate=about, keys=None)
    envelope = Envelope.FromString(value)
    envelope.time.FromNanoseconds(envelope.time.ToNanoseconds() - int(seconds_ago * 1e9))
    return Message(TOPIC, b"", envelope.SerializeToString())


async def test_delayed_heartbeat_counts_by_its_own_time(world: EventsWorld) -> None:
    ears = Ears(world)
    async with running(ears.line.run()):
        async with asyncio.timeout(20):
            while math.isinf(ears.line.silent_for()):  # the line stands once one arrives
                await world.publish([heartbeat(1, seconds_ago=60)])
                await asyncio.sleep(0.05)
        assert ears.line.silent_for() > 59
        await world.publish([heartbeat(1)])
        async with asyncio.timeout(20):
            while ears.line.silent_for() > 3:  # noqa: ASYNC110 - told by another task
                await asyncio.sleep(0.02)
    assert ears.gaps == 0


async def test_broadcast_played_again_is_no_gap_and_no_sign_of_life(world: EventsWorld) -> None:
    ears, user = Ears(world), create_user_id()
    (old,) = await world.signers.sign([heartbeat(0, seconds_ago=30)])
    async with world.relaying(service="identity"), running(ears.line.run()):
        async with running(heartbeats(world).run()):
            await ears.line.heard()
        await revoke(world, user)
        await ears.wait_for_news()
        before = ears.line.silent_for()
        await world.bus.publish([old])
        await revoke(world, create_user_id())  # whatever came before it has been heard then
        await ears.wait_for_news()
    assert ears.gaps == 0
    assert before >= 0
