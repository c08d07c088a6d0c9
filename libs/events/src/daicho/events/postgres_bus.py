"""The bus in a PostgreSQL database, for one machine. It guarantees what the Kafka bus does.

The function ``publish`` (:mod:`daicho.events.bus_schema`) checks that the caller may publish to each topic, and draws
positions from the row of each slot. The row stays locked until the commit, so a position becomes visible after all
earlier ones. Members share slots by advisory locks (:mod:`shares`). Notifications wake waiting members, which also poll
once a second in case a notification is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from sys import intern
from typing import Any, Final

import asyncpg
import msgpack
import structlog

from daicho.events.bus import (
    ANSWERS_WITHIN,
    PARTITIONS,
    WINDOW,
    Bus,
    BusUnavailable,
    Gap,
    GroupIsRunning,
    Message,
    Record,
    Slot,
    Subscription,
    Window,
)
from daicho.events.missed_events import find_gaps
from daicho.events.shares import count_members
from daicho.tenancy import KEEPALIVE, LEASE, LEASE_SECONDS, keep_alive

_log = structlog.get_logger()

CHANNEL: Final = "bus"
"""PostgreSQL's notifications when something was published; the payload is the topic."""
IDLE_SECONDS: Final = 1.0
_TIDY_SECONDS: Final = 600.0
_CHUNK: Final = 5_000

_PUBLISH = "SELECT publish($1::text[], $2::bytea[], $3::bytea[], $4::bytea[])"
READ = """
    SELECT m.topic, m.partition, m.position, m.time, m.key, m.value, m.headers,
           m.predates_signatures
    FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS w (topic, partition, after)
    CROSS JOIN LATERAL (
        SELECT * FROM message AS l
        WHERE l.topic = w.topic AND l.partition = w.partition AND l.position >= w.after
        ORDER BY l.position LIMIT $4
    ) AS m
"""
_HEADS = "SELECT partition, next_position FROM slot WHERE topic = $1"
_FIRST_SINCE = """
    SELECT s.partition, coalesce(
        (SELECT min(m.position) FROM message m
         WHERE m.topic = s.topic AND m.partition = s.partition AND m.time >= $2), s.next_position)
    FROM slot s WHERE s.topic = $1
"""
REMEMBER = """
    INSERT INTO reader (consumer, topic, partition, next_position)
    SELECT $1, $2, * FROM unnest($3::smallint[], $4::bigint[])
    ON CONFLICT (consumer, topic, partition) DO UPDATE SET next_position = excluded.next_position
"""
_KEPT = """
    SELECT s.topic, s.partition, s.next_position, coalesce(
        (SELECT min(m.position) FROM message m WHERE m.topic = s.topic AND m.partition = s.partition),
        s.next_position) AS first
    FROM slot s WHERE s.topic = ANY($1::text[])
"""
_STANDS = "SELECT topic, partition, next_position FROM reader WHERE consumer = $1 AND topic = ANY($2::text[])"
_BEGIN = """
    INSERT INTO reader (consumer, topic, partition, next_position)
    SELECT $1, * FROM unnest($2::text[], $3::smallint[], $4::bigint[])
    ON CONFLICT (consumer, topic, partition) DO NOTHING
"""
_BACKLOG = """
    SELECT count(*) FROM slot s
    LEFT JOIN reader r ON r.topic = s.topic AND r.partition = s.partition AND r.consumer = $1
    JOIN message m ON m.topic = s.topic AND m.partition = s.partition
        AND m.position >= coalesce(r.next_position, 0)
    WHERE s.topic = $2
"""
_TIDY = "SELECT tidy($1)"


class PostgresBus(Bus):
    """See :class:`daicho.events.bus.Bus`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> PostgresBus:
        """Open ``postgresql://role:password@host/bus``; connects when first needed."""
        return cls(url)

    async def close(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    async def ping(self) -> None:
        with reachable():
            async with asyncio.timeout(ANSWERS_WITHIN), self._connection() as connection:
                await connection.execute("SELECT 1")

    async def publish(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), _CHUNK):
            chunk = messages[start : start + _CHUNK]
            with reachable():
                async with asyncio.timeout(ANSWERS_WITHIN), self._connection() as connection:
                    await connection.execute(
                        _PUBLISH,
                        [message.topic for message in chunk],
                        [message.key for message in chunk],
                        [message.value for message in chunk],
                        [pack(message.headers) for message in chunk],
                    )

    async def begin(self, group: str, topics: Collection[str], heard: Collection[str]) -> Sequence[Gap]:
        with reachable():
            async with self._connection() as connection:
                return await begin(connection, group, topics, heard)

    async def resume(self, group: str, topic: str) -> Sequence[Gap]:
        with reachable():
            async with self._connection() as connection:
                gaps, _ = await _find_gaps(connection, group, [topic], [topic])
        if gaps:
            await self.rewind(group, topic, {gap.slot.partition: gap.kept_from for gap in gaps})
        return gaps

    def subscribe(
        self, group: str, topics: Sequence[str], *, batch: int = 500, window: Window = WINDOW
    ) -> Subscription:
        from daicho.events.postgres_subscription import PostgresSubscription  # it imports this module

        return PostgresSubscription(self._url, group, topics, batch, window)

    @asynccontextmanager
    async def hear(self, topic: str) -> AsyncIterator[AsyncIterator[Record]]:
        with reachable():
            connection = await connect(self._url)
            try:
                woken = asyncio.Event()
                await connection.add_listener(CHANNEL, waker(woken, {topic}))
                heads = {
                    row["partition"]: row["next_position"] for row in await connection.fetch(_HEADS, topic)
                }
                positions = {number: heads.get(number, 0) for number in range(PARTITIONS)}
                yield _follow(connection, topic, positions, woken)
            finally:
                connection.terminate()

    async def read(self, topic: str, *, since: datetime | None = None) -> AsyncIterator[Record]:
        with reachable():
            async with self._connection() as connection:
                ends = {
                    row["partition"]: row["next_position"] for row in await connection.fetch(_HEADS, topic)
                }
                starts = await _starts(connection, topic, since)
        for partition in sorted(ends):
            position = starts[partition]
            while position < ends[partition]:
                with reachable():
                    async with self._connection() as connection:
                        rows = await connection.fetch(READ, [topic], [partition], [position], _CHUNK)
                records = [record_of(row) for row in rows if row["position"] < ends[partition]]
                for record in records:
                    yield record
                if not records:
                    break
                position = records[-1].position + 1

    async def rewind(self, group: str, topic: str, to: datetime | Mapping[int, int]) -> None:
        with reachable():
            async with self._connection() as connection, connection.transaction():
                if await count_members(connection, pool_name(group, topic)):
                    raise GroupIsRunning
                places = dict(to) if isinstance(to, Mapping) else await _starts(connection, topic, to)
                await connection.execute(REMEMBER, group, topic, list(places), list(places.values()))

    async def backlog(self, group: str, topic: str) -> int:
        with reachable():
            async with self._connection() as connection:
                return int(await connection.fetchval(_BACKLOG, group, topic))

    async def tidy(self) -> int:
        """Delete what is older than its topic's retention; answers how many records."""
        deleted = 0
        with reachable():
            async with self._connection() as connection:
                while count := int(await connection.fetchval(_TIDY, _CHUNK)):
                    deleted += count
        return deleted

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self._url,
                        min_size=0,
                        max_size=4,
                        timeout=5,
                        command_timeout=60,
                        init=keep_alive,
                        server_settings=KEEPALIVE,
                    )
                    self._tidying = asyncio.create_task(self._tidy_forever())
        async with self._pool.acquire() as connection:
            try:
                yield connection
            except asyncpg.PostgresError:
                raise
            except BaseException:
                connection.terminate()  # the pool would wait for the end of what was given up
                raise

    async def _tidy_forever(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            try:
                deleted = await self.tidy()
            except BusUnavailable:
                continue
            _log.info("bus_tidied", deleted=deleted)


async def connect(url: str) -> asyncpg.Connection[Any]:
    """A connection of its own, for locks or notifications; whoever holds it asks something every few seconds."""
    connection = await asyncpg.connect(
        url,
        timeout=5,
        command_timeout=LEASE_SECONDS,
        server_settings={"application_name": "daicho-bus", **LEASE},
    )
    await keep_alive(connection)
    return connection


def pool_name(group: str, topic: str) -> str:
    """How a group's share of a topic is called among advisory locks."""
    return f"{group}/{topic}"


@contextmanager
def reachable() -> Iterator[None]:
    """Errors of the connection as :class:`BusUnavailable`."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, asyncpg.DataError | asyncpg.SyntaxOrAccessError):
            raise  # a program error: waiting would not help
        raise BusUnavailable from error
    except (OSError, TimeoutError) as error:
        raise BusUnavailable from error


def waker(event: asyncio.Event, topics: set[str]) -> Any:
    """A listener that sets ``event`` when something was published to one of ``topics``."""

    def heard(_connection: object, _pid: int, _channel: str, topic: object) -> None:
        if topic in topics:
            event.set()

    return heard


def record_of(row: asyncpg.Record) -> Record:
    topic, partition, position, time, key, value, headers, predates = row
    return Record(intern(topic), partition, position, time, key, value, unpack(headers), predates)


def pack(headers: Sequence[tuple[str, bytes]]) -> bytes:
    return msgpack.packb(headers)  # type: ignore[no-any-return]  # msgpack is untyped


def unpack(packed: bytes) -> tuple[tuple[str, bytes], ...]:
    return tuple((intern(name), value) for name, value in msgpack.unpackb(packed))


async def begin(
    connection: asyncpg.Connection[Any], group: str, topics: Collection[str], heard: Collection[str]
) -> Sequence[Gap]:
    """See :meth:`Bus.begin`."""
    gaps, beginnings = await _find_gaps(connection, group, topics, heard)
    slots = list(beginnings)
    names, numbers = [slot.topic for slot in slots], [slot.partition for slot in slots]
    await connection.execute(_BEGIN, group, names, numbers, list(beginnings.values()))
    return gaps


async def _find_gaps(
    connection: asyncpg.Connection[Any], group: str, topics: Collection[str], heard: Collection[str]
) -> tuple[list[Gap], dict[Slot, int]]:
    kept = {Slot(topic, number): (0, 0) for topic in topics for number in range(PARTITIONS)}
    # Positions first: what is kept may only grow older meanwhile.
    rows = await connection.fetch(_STANDS, group, list(topics))
    stands = {Slot(row["topic"], row["partition"]): row["next_position"] for row in rows}
    for row in await connection.fetch(_KEPT, list(topics)):
        kept[Slot(row["topic"], row["partition"])] = (row["first"], row["next_position"])
    return find_gaps(topics, heard, stands, kept)


async def _starts(connection: asyncpg.Connection[Any], topic: str, since: datetime | None) -> dict[int, int]:
    if since is None:
        return dict.fromkeys(range(PARTITIONS), 0)
    return {row[0]: row[1] for row in await connection.fetch(_FIRST_SINCE, topic, since)}


async def _follow(
    connection: asyncpg.Connection[Any], topic: str, positions: dict[int, int], woken: asyncio.Event
) -> AsyncIterator[Record]:
    while True:
        woken.clear()
        with reachable():
            rows = await connection.fetch(
                READ, [topic] * len(positions), list(positions), list(positions.values()), _CHUNK
            )
        for row in rows:
            positions[row["partition"]] = row["position"] + 1
            yield record_of(row)
        if not rows:
            await wait_for(woken, IDLE_SECONDS)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait until ``event`` is set, no longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
