"""A member of a group on the PostgreSQL bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from types import TracebackType
from typing import Any, Final, Self

import asyncpg

from daicho.events.bus import PARTITIONS, Batch, BusUnavailable, Slot, Subscription
from daicho.events.missed_events import EventsMissed
from daicho.events.postgres_bus import (
    CHANNEL,
    IDLE_SECONDS,
    READ,
    REMEMBER,
    begin,
    connect,
    pool_name,
    reachable,
    record_of,
    wait_for,
    waker,
)
from daicho.events.shares import Shares

_BALANCE_SECONDS: Final = 0.5
_HELD = "SELECT topic, partition, next_position FROM reader WHERE consumer = $1 AND topic = ANY($2::text[])"


class PostgresSubscription(Subscription):
    """Locks, reads and commits over one connection: who has lost it can no longer commit."""

    def __init__(self, url: str, group: str, topics: Sequence[str], batch: int) -> None:
        self._url, self._group, self._topics, self._batch = url, group, tuple(topics), batch
        self._connection: asyncpg.Connection[Any] | None = None
        self._using = asyncio.Lock()
        self._woken = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._shares: Shares[Slot] | None = None
        self._next: dict[Slot, int] = {}
        self._out: dict[Slot, object] = {}
        self._balance_at = 0.0

    @property
    def slots(self) -> Collection[Slot]:
        return frozenset(self._next)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        self._forget()

    async def next(self) -> Sequence[Batch]:
        while True:
            self._woken.clear()
            if batches := await self._look():
                return batches
            left = self._balance_at - asyncio.get_running_loop().time()
            await wait_for(self._woken, max(min(left, IDLE_SECONDS), 0.001))

    async def commit(self, *batches: Batch) -> bool:
        mine = self._still_out(batches)
        by_topic: dict[str, list[Batch]] = {}
        for batch in mine:
            by_topic.setdefault(batch.slot.topic, []).append(batch)
        async with self._used() as connection:
            for topic, done in by_topic.items():
                partitions = [batch.slot.partition for batch in done]
                positions = [batch.records[-1].position + 1 for batch in done]
                await connection.execute(REMEMBER, self._group, topic, partitions, positions)
        mine = self._still_out(mine)
        for batch in mine:
            del self._out[batch.slot]
            if self._shares is not None and batch.slot in self._shares.leaving:
                self._balance_at = 0.0  # let it go at once
        self._woken.set()
        return len(mine) == len(batches)

    def _still_out(self, batches: Sequence[Batch]) -> list[Batch]:
        return [batch for batch in batches if self._out.get(batch.slot) is batch.ticket]

    async def give_back(self, batch: Batch) -> None:
        if self._out.get(batch.slot) is batch.ticket:
            del self._out[batch.slot]
            self._next[batch.slot] = batch.records[0].position
            self._woken.set()

    async def _look(self) -> list[Batch]:
        """Share out anew when it is time, then read what is new in the slots without a batch out."""
        async with self._used() as connection:
            now = asyncio.get_running_loop().time()
            if now >= self._balance_at:
                await self._balance(connection)
                self._balance_at = now + _BALANCE_SECONDS
            shut = self._out.keys() | (self._shares.leaving if self._shares else frozenset())
            free = [(slot, at) for slot, at in self._next.items() if slot not in shut]
            if not free:
                return []
            rows = await connection.fetch(
                READ,
                [slot.topic for slot, _ in free],
                [slot.partition for slot, _ in free],
                [at for _, at in free],
                self._batch,
            )
        batches = []
        records = [record_of(row) for row in rows]
        for slot, group in groupby(records, key=lambda record: Slot(record.topic, record.partition)):
            batch = Batch(slot, tuple(group), ticket=object())
            if self._next[slot] and batch.records[0].position != self._next[slot]:
                raise EventsMissed  # positions have no gaps but those that retention makes
            self._out[slot] = batch.ticket
            self._next[slot] = batch.records[-1].position + 1
            batches.append(batch)
        return batches

    async def _balance(self, connection: asyncpg.Connection[Any]) -> None:
        if self._shares is None:
            pools = {
                pool_name(self._group, topic): [Slot(topic, number) for number in range(PARTITIONS)]
                for topic in self._topics
            }
            self._shares = Shares(connection, pools)
        held = await self._shares.balance(frozenset(self._out))
        for slot in self._next.keys() - held:
            del self._next[slot]
        if new := held - self._next.keys():
            rows = await connection.fetch(_HELD, self._group, list(self._topics))
            kept = {Slot(row["topic"], row["partition"]): row["next_position"] for row in rows}
            self._next.update({slot: kept.get(slot, 0) for slot in new})

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """The connection, made anew when it was lost; whatever breaks it ends this member's hold on all."""
        async with self._using:
            try:
                with reachable():
                    yield await self._connected()
            except (BusUnavailable, EventsMissed, asyncio.CancelledError):
                if self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                self._forget()
                raise

    async def _connected(self) -> asyncpg.Connection[Any]:
        if self._connection is None or self._connection.is_closed():
            self._forget()
            self._connection = await connect(self._url)
            # A commit that a crash forgets is a batch that comes again, which inboxes are there for.
            await self._connection.execute("SET synchronous_commit = off")
            if await begin(self._connection, self._group, self._topics, ()):
                raise EventsMissed
            await self._connection.add_listener(CHANNEL, waker(self._woken, set(self._topics)))
        return self._connection
