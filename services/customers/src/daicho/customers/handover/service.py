"""Handing the records of a user who left to their successor, 500 at a time, each batch a transaction.

What is in the bin stays as it is; restored, it is the successor's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from daicho import jobs
from daicho.contracts.customers.events.v1 import events_pb2
from daicho.contracts.identity.events.v1 import events_pb2 as identity_events
from daicho.customers import history
from daicho.customers.model import RESOURCES, Resource
from daicho.events import Aggregate, Envelope, tell
from daicho.faults import NotFound
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, TenantTransaction, UserId

BATCH: Final = 500
HAND_OVER: Final = "hand_over"

# The table's name is one of two of our own.
_TAKE = """
    WITH picked AS (
        SELECT id FROM {table} WHERE tenant_id = $1 AND owner_id = $2 AND deleted_at IS NULL
        ORDER BY id DESC LIMIT $3 FOR UPDATE
    )
    UPDATE {table} r SET owner_id = $4, version = r.version + 1, updated_at = $5
    FROM picked WHERE r.tenant_id = $1 AND r.id = picked.id
    RETURNING r.id, r.version
"""
_WAITING = "SELECT successor_id FROM handover WHERE tenant_id = $1 AND leaver_id = $2"
# A successor may have left, too. Two who name each other do not keep it going for ever.
_HEIR = """
    WITH RECURSIVE heir(id, step) AS (
        SELECT successor_id, 1 FROM handover WHERE tenant_id = $1 AND leaver_id = $2
        UNION ALL
        SELECT h.successor_id, heir.step + 1 FROM heir
        JOIN handover h ON h.tenant_id = $1 AND h.leaver_id = heir.id WHERE heir.step < 20
    )
    SELECT id FROM heir ORDER BY step DESC LIMIT 1
"""
_CALL_OFF = "DELETE FROM handover WHERE tenant_id = $1 AND leaver_id = $2"
# Told again of the same successor, for whatever else of the user changed, it goes on counting.
_ASK = """
    INSERT INTO handover (tenant_id, leaver_id, successor_id) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, leaver_id) DO UPDATE
    SET successor_id = excluded.successor_id, moved = 0, total = NULL, done_at = NULL
    WHERE handover.successor_id <> excluded.successor_id
"""
_COUNT = """
    UPDATE handover SET done_at = NULL, total = moved
        + (SELECT count(*) FROM contact WHERE tenant_id = $1 AND owner_id = $2 AND deleted_at IS NULL)
        + (SELECT count(*) FROM company WHERE tenant_id = $1 AND owner_id = $2 AND deleted_at IS NULL)
    WHERE tenant_id = $1 AND leaver_id = $2
"""
_MOVED = "UPDATE handover SET moved = moved + $3 WHERE tenant_id = $1 AND leaver_id = $2"
_DONE = "UPDATE handover SET total = moved, done_at = $3 WHERE tenant_id = $1 AND leaver_id = $2"
_READ = "SELECT successor_id, moved, total, done_at FROM handover WHERE tenant_id = $1 AND leaver_id = $2"
_HISTORY = """
    INSERT INTO change (tenant_id, resource, record_id, version, kind, at, actor_kind, actor_id, cause_id, sealed)
    SELECT $1, $2, id, version, 'handed_over', $3, $4, $5, $6, sealed
    FROM unnest($7::uuid[], $8::bigint[], $9::bytea[]) AS step(id, version, sealed)
"""


async def on_user_changed(tx: TenantTransaction, event: identity_events.UserChanged, _: Envelope) -> None:
    """A disabled user with a successor: put the hand-over down. A user who is back keeps what is still theirs."""
    leaver = UUID(bytes=event.user_id)
    if event.disabled and event.successor_id:
        await tx.driver.execute(_ASK, tx.tenant_id, leaver, UUID(bytes=event.successor_id))
        await jobs.enqueue(tx, HAND_OVER, leaver)
    else:
        await tx.driver.execute(_CALL_OFF, tx.tenant_id, leaver)


async def heir_of(tx: TenantTransaction, owner_id: UUID) -> UUID:
    """Whose the records of ``owner_id`` are: their own, or the successor's when they left."""
    heir: UUID | None = await tx.driver.fetchval(_HEIR, tx.tenant_id, owner_id)
    return owner_id if heir is None else heir


async def read_hand_over(database: Database, actor: Actor, leaver: UUID) -> Mapping[str, Any]:
    """Successor, how many records were ``moved``, of how many (``total``, None: not counted yet), and when all were.

    Raises NotFound where no hand-over was asked for, or it was called off.
    """
    async with database.reading(actor) as tx:
        row = await tx.driver.fetchrow(_READ, tx.tenant_id, leaver)
    if row is None:
        raise NotFound
    return dict(row)


async def hand_all_over(database: Database, keyring: Keyring, clock: Clock, job: jobs.Job) -> None:
    """The job: everything of the leaver, batch by batch, then nothing is left to do."""
    leaver = UserId(job.subject)
    async with database.transaction(job.tenant_id) as tx:
        await tx.driver.execute(_COUNT, tx.tenant_id, leaver)
    for resource in RESOURCES:
        count = BATCH
        while count == BATCH:
            keys = await keyring.open(job.tenant_id)
            async with database.transaction(job.tenant_id) as tx:
                successor = await tx.driver.fetchval(_WAITING, tx.tenant_id, leaver)
                if successor is None:
                    return
                count = await hand_over(
                    tx, keys, clock, resource=resource, leaver=leaver, successor=UserId(successor)
                )
    async with database.transaction(job.tenant_id) as tx:
        await tx.driver.execute(_DONE, tx.tenant_id, leaver, clock())


async def hand_over(
    tx: TenantTransaction,
    keys: TenantKeys,
    clock: Clock,
    *,
    resource: Resource,
    leaver: UserId,
    successor: UserId,
) -> int:
    """Give up to :data:`BATCH` of the leaver's records to ``successor``; how many there were.

    Call it until it answers less than :data:`BATCH`. It stops for good in the middle at no loss: what is
    handed over is no longer the leaver's.
    """
    now = clock()
    rows = await tx.driver.fetch(_TAKE.format(table=resource), tx.tenant_id, leaver, BATCH, successor, now)
    if not rows:
        return 0
    await tx.driver.execute(_MOVED, tx.tenant_id, leaver, len(rows))
    await _write_history(tx, keys, resource, leaver, successor, rows, now)
    message = events_pb2.RecordsChanged(
        resource=resource,
        change=events_pb2.CHANGE_UPDATED,
        ids=[row["id"].bytes for row in rows],
        cause="handover",
        cause_id=leaver.bytes,
    )
    await tell(tx, None, message, aggregate=Aggregate("handover", UUID(bytes=leaver.bytes), 0))
    return len(rows)


async def _write_history(
    tx: TenantTransaction,
    keys: TenantKeys,
    resource: Resource,
    leaver: UserId,
    successor: UserId,
    rows: list[Any],
    now: Any,
) -> None:
    step = history.encode({"owner_id": (str(leaver), str(successor))})
    await tx.driver.execute(
        _HISTORY,
        tx.tenant_id,
        resource,
        now,
        tx.actor.kind,
        tx.actor.user_id,
        leaver,
        [row["id"] for row in rows],
        [row["version"] for row in rows],
        [keys.seal(history.TABLE, row["id"], str(row["version"]), step) for row in rows],
    )
