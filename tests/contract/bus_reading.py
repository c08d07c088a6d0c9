"""Reading from a bus as its tests do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from daicho.events import Batch, Message, Record, Subscription

PATIENCE = 30


def messages(topic: str, count: int, *, keys: int = 20, start: int = 0) -> list[Message]:
    return [
        Message(topic, f"key-{number % keys}".encode(), str(number).encode(), (("id", str(number).encode()),))
        for number in range(start, start + count)
    ]


async def take(subscription: Subscription, count: int) -> list[Record]:
    """The next ``count`` records, committed."""
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(taken) < count:
            batches = await subscription.next()
            taken.extend(record for batch in batches for record in batch.records)
            assert await subscription.commit(*batches)
    return taken


def numbers(records: Sequence[Record]) -> list[int]:
    return sorted(int(record.value) for record in records)


async def take_out(subscription: Subscription, count: int) -> list[Batch]:
    """Batches of at least ``count`` records, not committed."""
    out: list[Batch] = []
    async with asyncio.timeout(PATIENCE):
        while sum(len(batch.records) for batch in out) < count:
            out.extend(await subscription.next())
    return out


@asynccontextmanager
async def next_of(subscription: Subscription) -> AsyncIterator[asyncio.Future[Sequence[Batch]]]:
    """What comes next, asked for while the block runs."""
    waiting = asyncio.ensure_future(subscription.next())
    try:
        yield waiting
    finally:
        await cancel(waiting)


async def comes(waiting: asyncio.Future[Sequence[Batch]], seconds: float) -> bool:
    """Whether it has come within ``seconds``; it is waited for further on."""
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    return bool(done)


async def collect(member: Subscription, heard: list[Record], *, pause: float = 0.0) -> None:
    """Deal with batches as a consumer does: each in a task, while the next is asked for."""
    async with asyncio.TaskGroup() as tasks:
        while True:
            for batch in await member.next():
                tasks.create_task(_deal(member, batch, heard, pause))


async def _deal(member: Subscription, batch: Batch, heard: list[Record], pause: float) -> None:
    await asyncio.sleep(pause)  # the work
    if await member.commit(batch):
        heard.extend(batch.records)


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a server's state, which nobody announces
            await asyncio.sleep(0.02)


async def cancel(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
