"""How far a member of a group reads ahead, and how its position follows. The same tests run against each driver."""

from __future__ import annotations

import asyncio

from daicho.events import Bus, Message, Record, Window, partition_of
from tests.contract.bus_reading import (
    PATIENCE,
    cancel,
    collect,
    comes,
    messages,
    next_of,
    numbers,
    take,
    take_out,
    until,
)


async def test_a_member_reads_ahead_within_its_window(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 30, keys=1))
    async with bus.subscribe("group", [topic], batch=5, window=Window(records=10)) as subscription:
        out = await take_out(subscription, 10)
        async with next_of(subscription) as waiting:
            assert not await comes(waiting, 1.5)
            assert await subscription.commit(*out)
            assert await comes(waiting, PATIENCE)
        more = waiting.result()
        assert next(int(record.value) for batch in more for record in batch.records) == 10
        assert await subscription.commit(*more)
        left = 20 - sum(len(batch.records) for batch in more)
        assert numbers(await take(subscription, left)) == list(range(30 - left, 30))


async def test_window_is_bounded_in_bytes(bus: Bus, topic: str) -> None:
    body = b"x" * 100_000
    await bus.publish([Message(topic, b"key-0", body) for _ in range(30)])
    async with bus.subscribe("group", [topic], batch=5, window=Window(bytes=1_000_000)) as subscription:
        out = await take_out(subscription, 9)
        count = sum(len(batch.records) for batch in out)
        async with next_of(subscription) as waiting:
            assert not await comes(waiting, 1.5)
        assert count < 9 + 5


async def test_position_moves_only_behind_batches_before_which_none_is_out(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 15, keys=1))
    async with bus.subscribe("group", [topic], batch=5) as subscription:
        first, *others = await take_out(subscription, 15)
        assert await subscription.commit(*others)
        assert await bus.backlog("group", topic) == 15
    async with bus.subscribe("group", [topic], batch=5) as subscription:  # the member died in the middle
        first, second, *others = await take_out(subscription, 15)
        assert await subscription.commit(second)
        assert await subscription.commit(first)
        count = len(first.records) + len(second.records)
        assert await bus.backlog("group", topic) == 15 - count
    async with bus.subscribe("group", [topic], batch=5) as subscription:
        assert numbers(await take(subscription, 15 - count)) == list(range(count, 15))


async def test_what_follows_a_batch_given_back_comes_again_with_it(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, 15, keys=1))
    async with bus.subscribe("group", [topic], batch=5) as subscription:
        first, second, *others = await take_out(subscription, 15)
        assert all(map(subscription.keeps, [first, second, *others]))
        await subscription.give_back(second)
        assert not any(map(subscription.keeps, [first, second, *others]))  # nothing may overtake it
        async with next_of(subscription) as waiting:
            await bus.publish(messages(topic, 5, keys=1, start=15))
            assert not await comes(waiting, 1.5)
            assert await subscription.commit(first)
            for batch in others:
                await subscription.give_back(batch)
            assert await comes(waiting, PATIENCE)
        again = waiting.result()
        assert await subscription.commit(*again)
        records = [record for batch in again for record in batch.records]
        records += await take(subscription, 20 - len(first.records) - len(records))
        assert [int(record.value) for record in records] == list(range(len(first.records), 20))


async def test_a_stuck_batch_holds_up_no_other(bus: Bus, topic: str) -> None:
    slow, fast = next(
        (f"a{one}".encode(), f"b{one}".encode())
        for one in range(100)
        if partition_of(f"a{one}".encode()) != partition_of(f"b{one}".encode())
    )
    await bus.publish([Message(topic, slow, b"0")])
    async with bus.subscribe("group", [topic]) as subscription:
        async with asyncio.timeout(PATIENCE):
            (stuck,) = await subscription.next()
        await bus.publish([Message(topic, fast, b"1"), Message(topic, slow, b"2")])
        assert numbers(await take(subscription, 2)) == [1, 2]
        assert await bus.backlog("group", topic) == 2
        assert await subscription.commit(stuck)
        assert await bus.backlog("group", topic) == 0


async def test_member_is_told_of_slots_that_another_waits_for(bus: Bus, topic: str) -> None:
    """It gives back what it has not begun, commits what it has, and the other hears the rest in order."""
    await bus.publish(messages(topic, 400, keys=60))
    async with bus.subscribe("group", [topic], batch=5) as old, bus.subscribe("group", [topic]) as new:
        out = await take_out(old, 400)
        heard: list[Record] = []
        reader = asyncio.ensure_future(collect(new, heard))
        try:
            async with asyncio.timeout(PATIENCE):
                while all(map(old.keeps, out)):
                    out += await old.next()
            begun = {batch.slot: batch for batch in reversed(out)}.values()  # the first of each slot
            for batch in out:
                if batch in begun:
                    assert await old.commit(batch)
                elif not old.keeps(batch):
                    await old.give_back(batch)
            stays = [batch for batch in out if old.keeps(batch)]
            assert await old.commit(*stays)
            done = [record for batch in [*begun, *stays] for record in batch.records]
            other = asyncio.ensure_future(collect(old, heard))
            await until(lambda: len(heard) + len(done) >= 400)
            await cancel(other)
        finally:
            await cancel(reader)
    assert numbers([*heard, *done]) == list(range(400))
