"""A member of a group on the PostgreSQL bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from types import TracebackType
from typing import Any, Final, Self

import asyncpg

from daicho.events.bus import PARTITIONS, Batch, BusUnavailable, Slot, Subscription, Window
from daicho.events.missed_events import EventsMissed
from daicho.events.postgres_bus import (
    CHANNEL,
    IDLE_SECONDS,
    REMEMBER,
    begin,
    connect,
    pool_name,
    reachable,
    record_of,
    wait_for,
    waker,
)
from daicho.events.read_ahead import RECORD_BYTES, ReadAhead
from daicho.events.shares import Shares

_BALANCE_SECONDS: Final = 0.5
_READ = """
    SELECT m.topic, m.partition, m.position, m.time, m.key, m.value, m.headers, m.predates_signatures
    FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS w (topic, partition, after)
    CROSS JOIN LATERAL (
        SELECT l.*, sum(octet_length(l.key) + octet_length(l.value) + octet_length(l.headers) + $6::int)
            OVER (ORDER BY l.position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
        FROM (
            SELECT * FROM message AS l
            WHERE l.topic = w.topic AND l.partition = w.partition AND l.position >= w.after
            ORDER BY l.position LIMIT $4
        ) AS l
    ) AS m
    WHERE coalesce(m.bytes_before, 0) < $5::bigint
"""
_HELD = "SELECT topic, partition, next_position FROM reader WHERE consumer = $1 AND topic = ANY($2::text[])"


class PostgresSubscription(Subscription):
    """Locks, reads and commits over one connection: who has lost it can no longer commit."""

    def __init__(self, url: str, group: str, topics: Sequence[str], batch: int, window: Window) -> None:
        self._url, self._group, self._topics, self._batch = url, group, tuple(topics), batch
        self._connection: asyncpg.Connection[Any] | None = None
        self._read_ahead = ReadAhead(window)
        self._using = asyncio.Lock()
        self._woken = asyncio.Event()
        self._forget()

    def _forget(self) -> None:
        self._shares: Shares[Slot] | None = None
        self._next: dict[Slot, int] = {}
        self._was_full = False
        self._lost = bool(self._read_ahead.busy)
        self._read_ahead.forget()
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
            batches = await self._look()
            if batches or self._lost:
                self._lost = False
                return batches
            left = self._balance_at - asyncio.get_running_loop().time()
            await wait_for(self._woken, max(min(left, IDLE_SECONDS), 0.001))

    def keeps(self, batch: Batch) -> bool:
        return self._read_ahead.keeps(batch)

    async def commit(self, *batches: Batch) -> bool:
        async with self._used() as connection:
            reached = self._read_ahead.reach(batches)
            for topic in {slot.topic for slot in reached}:
                places = {slot.partition: at for slot, at in reached.items() if slot.topic == topic}
                await connection.execute(REMEMBER, self._group, topic, list(places), list(places.values()))
            held = all(map(self._read_ahead.holds, batches))
            self._go_on(self._read_ahead.finish(batches))
        return held

    async def give_back(self, batch: Batch) -> None:
        async with self._using:  # not amid a read, which would go on behind the batch
            self._go_on(self._read_ahead.give_back(batch))

    def _go_on(self, again: Mapping[Slot, int]) -> None:
        """Read on: from ``again`` in slots with a batch given back, and let go what another waits for."""
        self._next.update(again)
        free = self._shares is not None and not self._shares.leaving <= set(self._read_ahead.busy)
        if free:
            self._balance_at = 0.0
        if free or again or self._was_full:
            self._woken.set()

    async def _look(self) -> list[Batch]:
        """Share out anew when it is time, then read what is new in the slots, as far as the window has room."""
        async with self._used() as connection:
            now = asyncio.get_running_loop().time()
            if now >= self._balance_at:
                await self._balance(connection)
                self._balance_at = now + _BALANCE_SECONDS
            shut = frozenset(self._read_ahead.closed) | (
                self._shares.leaving if self._shares else frozenset()
            )
            free = [(slot, at) for slot, at in self._next.items() if slot not in shut]
            room, size = self._read_ahead.records_left, self._read_ahead.bytes_left
            self._was_full = room <= 0 or size <= 0
            if self._lost or not free or self._was_full:
                return []
            rows = await connection.fetch(
                _READ,
                [slot.topic for slot, _ in free],
                [slot.partition for slot, _ in free],
                [at for _, at in free],
                min(self._batch, room),
                -(-size // len(free)),
                RECORD_BYTES,
            )
        batches = []
        records = [record_of(row) for row in rows]
        for slot, group in groupby(records, key=lambda record: Slot(record.topic, record.partition)):
            batch = self._read_ahead.add(slot, tuple(group))
            if self._next[slot] and batch.records[0].position != self._next[slot]:
                raise EventsMissed  # positions have no gaps but those that retention makes
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
        held = await self._shares.balance(frozenset(self._read_ahead.busy))
        self._lost = self._read_ahead.retire(self._shares.leaving) or self._lost
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
