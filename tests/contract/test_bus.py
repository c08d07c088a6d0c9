"""What every driver of the bus promises (daicho.events.bus). The same tests run against each."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from statistics import median

import pytest

from daicho.events import (
    Bus,
    EventsMissed,
    GroupIsRunning,
    Message,
    Record,
    Subscription,
    Window,
    open_bus,
    partition_of,
)
from daicho.events.bus import PARTITIONS, Gap, Slot
from daicho.testkit.databases import TestDatabase
from tests.contract.bus_reading import PATIENCE, cancel, collect, messages, numbers, take, until
from tests.contract.bus_retention import forget


async def test_messages_of_one_key_arrive_whole_and_in_order(bus: Bus, topic: str) -> None:
    sent = messages(topic, 300)
    for start in range(0, 300, 60):
        await bus.publish(sent[start : start + 60])
    async with bus.subscribe("group", [topic], batch=7) as subscription:
        records = await take(subscription, 300)
    for key in {message.key for message in sent}:
        assert [record.value for record in records if record.key == key] == [
            message.value for message in sent if message.key == key
        ]
    record = records[0]
    assert record.topic == topic
    assert record.partition == partition_of(record.key)
    assert record.headers == (("id", record.value),)
    assert abs((datetime.now(UTC) - record.time).total_seconds()) < 60


async def test_positions_grow_by_one_along_a_partition(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 50, keys=1))
    await bus.publish(messages(topic, 50, keys=1, start=50))
    assert [record.position async for record in bus.read(topic)] == list(range(100))


async def test_each_group_hears_everything(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 40))
    async with bus.subscribe("one", [topic]) as one, bus.subscribe("two", [topic]) as two:
        heard = await asyncio.gather(take(one, 40), take(two, 40))
    assert numbers(heard[0]) == numbers(heard[1]) == list(range(40))


async def test_a_waiting_group_hears_what_is_published_later_and_soon(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 1, keys=1))
    took = []
    async with bus.subscribe("group", [topic]) as subscription:
        await take(subscription, 1)
        for number in range(1, 6):
            waiting = asyncio.ensure_future(take(subscription, 1))
            await asyncio.sleep(0)
            begun = asyncio.get_running_loop().time()
            await bus.publish(messages(topic, 1, keys=1, start=number))
            assert numbers(await waiting) == [number]
            took.append(asyncio.get_running_loop().time() - begun)
    assert median(took) < 1  # a machine that stands still for a moment spoils one of them


async def test_a_group_goes_on_behind_its_last_commit(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 30, keys=1))
    async with bus.subscribe("group", [topic], batch=10) as subscription, asyncio.timeout(PATIENCE):
        (first,) = await subscription.next()
        assert await subscription.commit(first)
        (second,) = await subscription.next()  # handed out, never committed: the member dies
        assert numbers(second.records)[0] == len(first.records)
    async with bus.subscribe("group", [topic], batch=10) as subscription:
        assert numbers(await take(subscription, 30 - len(first.records))) == list(
            range(len(first.records), 30)
        )


async def test_a_batch_given_back_comes_again(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 5, keys=1))
    async with bus.subscribe("group", [topic]) as subscription:
        async with asyncio.timeout(PATIENCE):
            (batch,) = await subscription.next()
        await subscription.give_back(batch)
        assert not await subscription.commit(batch)
        assert numbers(await take(subscription, 5)) == list(range(5))


async def test_two_members_share_the_partitions_and_the_work(bus: Bus, topic: str) -> None:
    async with bus.subscribe("group", [topic]) as one, bus.subscribe("group", [topic]) as two:
        heard: dict[Subscription, list[Record]] = {one: [], two: []}
        readers = [asyncio.ensure_future(collect(member, heard[member])) for member in (one, two)]
        try:
            await until(lambda: len(one.slots) == len(two.slots) == PARTITIONS // 2)
            assert not set(one.slots) & set(two.slots)
            await bus.publish(messages(topic, 200, keys=60))
            await until(lambda: len(heard[one]) + len(heard[two]) >= 200)
        finally:
            await cancel(*readers)
    assert heard[one]
    assert heard[two]
    assert numbers([*heard[one], *heard[two]]) == list(range(200))


async def test_what_a_leaving_member_held_goes_to_the_one_who_stays(bus: Bus, topic: str) -> None:
    heard: list[Record] = []
    async with bus.subscribe("group", [topic]) as stays:
        async with bus.subscribe("group", [topic]) as leaves:
            readers = [asyncio.ensure_future(collect(member, heard)) for member in (stays, leaves)]
            await until(lambda: len(stays.slots) == len(leaves.slots) == PARTITIONS // 2)
            await bus.publish(messages(topic, 100, keys=60))
            await until(lambda: len(heard) >= 100)
            await cancel(readers[1])
        try:
            await until(lambda: len(stays.slots) == PARTITIONS)
            await bus.publish(messages(topic, 100, keys=60, start=100))
            await until(lambda: len(heard) >= 200)
        finally:
            await cancel(readers[0])
    assert numbers(heard) == list(range(200))


async def test_a_member_under_load_lets_newcomers_have_their_share(bus: Bus, topic: str) -> None:
    heard: list[Record] = []
    async with (
        bus.subscribe("group", [topic], batch=2, window=Window(records=32)) as old,
        bus.subscribe("group", [topic]) as new,
    ):
        await bus.publish(messages(topic, 2_000, keys=60))
        readers = [asyncio.ensure_future(collect(old, heard, pause=0.02))]
        await until(lambda: len(old.slots) == PARTITIONS)
        readers.append(asyncio.ensure_future(collect(new, heard)))
        try:
            await until(lambda: len(new.slots) == PARTITIONS // 2)
            await until(lambda: len({record.value for record in heard}) == 2_000)
        finally:
            await cancel(*readers)


async def test_a_group_plays_again_from_a_position(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 20, keys=1))
    async with bus.subscribe("group", [topic]) as subscription:
        slot = (await take(subscription, 20))[0].partition
    await _idle(bus, "group", topic, {slot: 15})
    async with bus.subscribe("group", [topic]) as subscription:
        assert numbers(await take(subscription, 5)) == list(range(15, 20))


async def test_a_group_plays_again_from_a_time(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 20))
    await asyncio.sleep(0.05)  # times have a resolution of a millisecond
    since = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await bus.publish(messages(topic, 10, start=20))
    async with bus.subscribe("group", [topic]) as subscription:
        await take(subscription, 30)
    await _idle(bus, "group", topic, since)
    assert await bus.backlog("group", topic) == 10
    async with bus.subscribe("group", [topic]) as subscription:
        assert numbers(await take(subscription, 10)) == list(range(20, 30))
    assert await bus.backlog("group", topic) == 0


async def test_a_running_group_cannot_be_rewound(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 1))
    async with bus.subscribe("group", [topic]) as subscription:
        await take(subscription, 1)
        with pytest.raises(GroupIsRunning):
            await bus.rewind("group", topic, {0: 0})


async def test_reading_shows_what_lies_there_from_a_time_on(bus: Bus, topic: str) -> None:
    assert [record async for record in bus.read(topic)] == []
    await bus.publish(messages(topic, 30))
    await asyncio.sleep(0.05)
    since = datetime.now(UTC)
    await asyncio.sleep(0.05)
    await bus.publish(messages(topic, 5, start=30))
    assert numbers([record async for record in bus.read(topic)]) == list(range(35))
    assert numbers([record async for record in bus.read(topic, since=since)]) == list(range(30, 35))


async def test_everyone_hears_what_is_said_from_now_on(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 5, keys=1))
    async with bus.hear(topic) as one, bus.hear(topic) as two:
        await bus.publish(messages(topic, 5, keys=1, start=5))
        async with asyncio.timeout(PATIENCE):
            for listener in (one, two):
                assert [int((await listener.__anext__()).value) for _ in range(5)] == list(range(5, 10))


async def test_a_big_batch_goes_through_whole(bus: Bus, topic: str) -> None:
    body = b"x" * 600
    sent = [
        Message(topic, f"{number % 97}".encode(), f"{number}:".encode() + body) for number in range(20_000)
    ]
    sent.append(Message(topic, b"large", b"20000:" + b"y" * 900_000))
    await bus.publish(sent)
    count = 0
    last: dict[bytes, int] = {}
    async with bus.subscribe("group", [topic], batch=2_000) as subscription, asyncio.timeout(60):
        while count < len(sent):
            batches = await subscription.next()
            for record in (record for batch in batches for record in batch.records):
                number = int(record.value.partition(b":")[0])
                assert number > last.get(record.key, -1)
                last[record.key] = number
                count += 1
            await subscription.commit(*batches)
    assert count == len(sent)


async def test_publishers_side_by_side_lose_and_disturb_nothing(bus: Bus, bus_url: str, topic: str) -> None:
    others = [await open_bus(bus_url) for _ in range(3)]
    try:
        await asyncio.gather(
            *(
                publisher.publish(
                    [Message(topic, f"{who}-{n % 5}".encode(), str(n).encode()) for n in range(200)]
                )
                for who, publisher in enumerate(others)
            )
        )
    finally:
        for other in others:
            await other.close()
    seen: dict[bytes, list[int]] = {}
    async for record in bus.read(topic):
        seen.setdefault(record.key, []).append(int(record.value))
    assert all(values == sorted(values) for values in seen.values())
    assert sum(map(len, seen.values())) == 600


async def _idle(bus: Bus, group: str, topic: str, to: datetime | dict[int, int]) -> None:
    """Rewind as soon as the broker has noticed that the last member left."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await bus.rewind(group, topic, to)
            except GroupIsRunning:
                await asyncio.sleep(0.1)
            else:
                return


async def test_new_group_begins_at_the_oldest_kept_and_an_old_one_does_not_jump_a_gap(
    bus: Bus, bus_url: str, bus_database: TestDatabase | None, topic: str
) -> None:
    await bus.publish(messages(topic, 10, keys=1))
    async with bus.subscribe("group", [topic]) as subscription:
        await take(subscription, 10)
    await bus.publish(messages(topic, 10, keys=1, start=10))
    await forget(bus_url, bus_database, topic, 13)
    assert await bus.begin("group", [topic], [topic]) == [Gap(Slot(topic, partition_of(b"key-0")), 10, 13)]
    async with bus.subscribe("group", [topic]) as subscription, asyncio.timeout(PATIENCE):
        with pytest.raises(EventsMissed):
            await subscription.next()
    async with bus.subscribe("newcomer", [topic]) as subscription:
        assert numbers(await take(subscription, 7)) == list(range(13, 20))
    assert len(await bus.resume("group", topic)) == 1
    assert await bus.begin("group", [topic], [topic]) == []
    async with bus.subscribe("group", [topic]) as subscription:
        assert numbers(await take(subscription, 7)) == list(range(13, 20))


async def test_group_that_the_bus_does_not_know_any_more_has_missed_events(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 3, keys=1))
    assert len(await bus.begin("group", [topic], [topic])) == PARTITIONS
    assert await bus.begin("group", [topic], []) == []
