"""The access log: an entry for each answer that shows records, committed before the answer leaves.

Every list page waits for its entry, so one writer in each process takes all waiting entries into one statement and
one commit. The next group gathers while it commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from google.protobuf.message import Message as ProtoMessage

from daicho.contracts.audit.events.v1 import events_pb2
from daicho.events.envelope import Aggregate, HasEventKey, enclose, partition_key
from daicho.events.outbox import shard_of
from daicho.faults import Fault, Unavailable
from daicho.tenancy import Actor, Database

_log = structlog.get_logger()

TOPIC: Final = "access.events"
MAX_IDS: Final = 1_000
_WRITE: Final = """
    INSERT INTO access_outbox (shard, topic, key, event_id, envelope)
    SELECT w.shard, 'access.events', w.key, w.event_id, w.envelope
    FROM unnest($1::smallint[], $2::bytea[], $3::uuid[], $4::bytea[]) AS w (shard, key, event_id, envelope)
"""


class AccessLogFull(Unavailable):
    """More answers wait for their entry than the writer keeps up with; none of this one's was written."""

    code = "access_log_full"


class AccessLogUnavailable(Unavailable):
    """The entry could not be written, so the answer may not leave."""

    code = "access_log_unavailable"


class _Entry(NamedTuple):
    shard: int
    key: bytes
    event_id: UUID
    envelope: bytes


class _Waiting(NamedTuple):
    entries: Sequence[_Entry]
    done: asyncio.Future[None]


class AccessLog:
    """The group writer of one process. Needs no start; :meth:`close` waits for what is being written."""

    def __init__(self, database: Database, *, waiting: int = 2_000, together: int = 500) -> None:
        """``waiting``: how many calls may wait; ``together``: how many go into one commit."""
        self._database = database
        self._limit = waiting
        self._together = together
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(
        self,
        actor: Actor,
        *,
        action: str,
        resource: str,
        ids: Sequence[UUID],
        detail: bytes | None = None,
        keys: HasEventKey | None = None,
    ) -> None:
        """Enter that ``actor`` saw ``ids`` of ``resource``; returns once that is committed.

        ``action``: "contact.list"; ``resource``: "contact". ``detail`` is what was searched for, sealed with
        the tenant's events key, which ``keys`` holds. More than 1,000 ids make several entries. Raises
        :class:`~daicho.faults.Unavailable` when it could not be written: the answer must not leave then.
        """
        await self.enter(actor, _accessed(action, resource, ids, detail), keys=keys)

    async def enter(
        self, actor: Actor, messages: Sequence[ProtoMessage], *, keys: HasEventKey | None = None
    ) -> None:
        """Enter ``messages`` about what ``actor`` did; returns once they are committed. See :meth:`record`."""
        if len(self._waiting) >= self._limit:
            raise AccessLogFull
        entries = [_entry(actor, message, keys) for message in messages]
        waiting = _Waiting(entries, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await waiting.done

    async def close(self) -> None:
        """Wait for the calls that are under way."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._together], self._waiting[self._together :]
            try:
                await self._write([entry for waiting in group for entry in waiting.entries])
            except Exception as error:  # noqa: BLE001 - a loop of the process: every waiter hears of it
                _log.warning("access_log_failed", error=type(error).__name__, entries=len(group))
                _fail(group, error)
            else:
                for waiting in group:
                    if not waiting.done.done():
                        waiting.done.set_result(None)

    async def _write(self, entries: Sequence[_Entry]) -> None:
        await self._database.execute_alone(
            _WRITE,
            [entry.shard for entry in entries],
            [entry.key for entry in entries],
            [entry.event_id for entry in entries],
            [entry.envelope for entry in entries],
        )


def _accessed(
    action: str, resource: str, ids: Sequence[UUID], detail: bytes | None
) -> list[events_pb2.Accessed]:
    """The events of one answer, of at most :data:`MAX_IDS` ids each. An answer without records has an event too.

    The ids are sorted, because the order of the answer would reveal how a field ranks the records.
    """
    shown = sorted(item.bytes for item in ids)
    return [
        events_pb2.Accessed(
            action=action,
            resource=resource,
            ids=shown[start : start + MAX_IDS],
            sealed_query=detail or b"",
        )
        for start in range(0, max(len(shown), 1), MAX_IDS)
    ]


def _entry(actor: Actor, message: ProtoMessage, keys: HasEventKey | None) -> _Entry:
    who = actor.user_id or actor.tenant_id
    key = partition_key(actor.tenant_id, who)
    event_id, envelope = enclose(
        message,
        actor=actor,
        tenant_id=actor.tenant_id,
        aggregate=Aggregate("access", who, 0),
        keys=keys,
    )
    return _Entry(shard_of(key), key, UUID(bytes=event_id), envelope)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.done.done():
            fault = AccessLogUnavailable() if not isinstance(error, Fault) else type(error)()
            fault.__cause__ = error
            waiting.done.set_exception(fault)
