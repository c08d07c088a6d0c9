"""From the outbox to the bus, in order, at least once.

Each round reads what is there, publishes it and deletes it. Whatever dies in between, the rows are still
there and are published again; inboxes know them by their id. What a relay owns it holds by an advisory lock
on the connection that reads and deletes. A relay that has lost its connection in mid-publish can only
repeat, in order, what its successor publishes too. A bus that hangs ends the round, and with it the relay's hold on
its shards, until the bus answers again; the server takes the shards of a relay that falls silent (:data:`LEASE`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import structlog
from opentelemetry import metrics

from daicho.events.bus import Bus, Message
from daicho.events.outbox import SHARDS
from daicho.events.shares import Shares
from daicho.events.signatures import BatchSigner
from daicho.faults import Unavailable
from daicho.tenancy import LEASE, LEASE_SECONDS, keep_alive

_log = structlog.get_logger()
_relayed = metrics.get_meter("daicho.events").create_counter("daicho.outbox.relayed", unit="{event}")

CHANNEL: Final = "outbox"
"""PostgreSQL's notifications when something was told; the payload is the table's name."""

_PART: Final = 1_000
"""Messages that are signed and published at a time."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0
_READ = (
    "SELECT id, topic, key, event_id, envelope FROM {table}"
    " WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2"
)
_DELETE = "DELETE FROM {table} WHERE id = ANY($1::bigint[])"
_TABLES: Final = ("outbox", "access_outbox")
_AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable)


class Relay:
    """Moves a service's outbox and access outbox to the bus. Run as many as there are processes."""

    def __init__(
        self,
        database_url: str,
        bus: Bus,
        signer: BatchSigner,
        *,
        batch: int = 4_000,
        idle_seconds: float = 1.0,
        balance_seconds: float = 2.0,
    ) -> None:
        """``database_url`` is the relay role's; ``signer`` signs in the service's name. ``idle_seconds``: a look without being woken, the net
        under notifications. ``balance_seconds``: how soon shards of a dead relay are taken over."""
        self._url = database_url
        self._bus = bus
        self._signer = signer
        self._batch = batch
        self._idle = idle_seconds
        self._balance = balance_seconds
        self._told = asyncio.Event()
        self._pause = _FIRST_PAUSE

    async def run(self) -> None:
        """Relay until cancelled. A database or a bus that is away is waited for."""
        while True:
            try:
                await self._serve()
            except _AWAY as error:
                _log.warning("relay_waits", error=type(error).__name__, seconds=self._pause)
            except Exception:  # noqa: BLE001 - a loop of the process: what cannot be relayed now must not be forgotten
                _log.exception("relay_failed", seconds=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _serve(self) -> None:
        """One connection's life: ends with an error. Takes no shard before the bus answers."""
        await self._bus.ping()
        connection = await asyncpg.connect(
            self._url,
            timeout=5,
            command_timeout=LEASE_SECONDS,
            # A deletion that a crash forgets is an event published again.
            server_settings={"application_name": "daicho-relay", "synchronous_commit": "off", **LEASE},
        )
        try:
            await keep_alive(connection)
            await connection.add_listener(CHANNEL, self._heard)
            connection.add_termination_listener(self._heard)
            shares = Shares(connection, {"outbox": range(SHARDS)})
            loop = asyncio.get_running_loop()
            due = loop.time()
            while True:
                if loop.time() >= due:
                    await shares.balance()
                    due = loop.time() + self._balance
                self._told.clear()
                more = await self._round(connection, sorted(shares.held))
                self._pause = _FIRST_PAUSE
                if not more:
                    await self._wait(min(self._idle, max(due - loop.time(), 0.001)))
        finally:
            connection.terminate()

    async def _round(self, connection: asyncpg.Connection[Any], shards: Sequence[int]) -> bool:
        """Move up to a batch of each table; whether a table may hold more."""
        more = False
        for table in _TABLES:
            rows = await connection.fetch(_READ.format(table=table), shards, self._batch)
            if rows:
                await self._move(connection, table, rows)
                _relayed.add(len(rows), {"table": table})
                more = True
        return more

    async def _move(
        self, connection: asyncpg.Connection[Any], table: str, rows: Sequence[asyncpg.Record]
    ) -> None:
        """Publish ``rows`` in order, and delete them.

        A part is signed, which is work for this process, while the bus takes the part before it; that one is deleted
        while the bus takes the next.
        """
        published: asyncio.Future[None] | None = None
        deleted: asyncio.Future[None] | None = None
        try:
            for start in range(0, len(rows), _PART):
                part = rows[start : start + _PART]
                signed = await self._signer.sign([message_of(row) for row in part])
                if published is not None:
                    await published
                published = asyncio.ensure_future(self._bus.publish(signed))
                if deleted is not None:
                    await deleted
                deleted = asyncio.ensure_future(_delete(connection, table, part, published))
            if deleted is not None:
                await deleted
        finally:
            await _end(published, deleted)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return

    def _heard(self, *_: object) -> None:
        self._told.set()


async def _delete(
    connection: asyncpg.Connection[Any],
    table: str,
    rows: Sequence[asyncpg.Record],
    published: asyncio.Future[None],
) -> None:
    """Delete ``rows`` once they are ``published``; raises what publishing raised."""
    await published
    await connection.execute(_DELETE.format(table=table), [row["id"] for row in rows])


async def _end(*futures: asyncio.Future[None] | None) -> None:
    """Cancel those that are under way, and wait for their end."""
    begun = [future for future in futures if future is not None]
    for future in begun:
        future.cancel()
    await asyncio.gather(*begun, return_exceptions=True)


def message_of(row: asyncpg.Record) -> Message:
    """An outbox row as it goes to the bus, with the event's id beside it."""
    return Message(row["topic"], row["key"], row["envelope"], (("id", row["event_id"].bytes),))
