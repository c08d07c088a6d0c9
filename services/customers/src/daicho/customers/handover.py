"""Handing the records of a user who left to his successor, 500 at a time, each batch a transaction."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import UUID

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers import history
from daicho.events import Aggregate, tell
from daicho.keyring import TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import TenantTransaction, UserId

BATCH: Final = 500
Resource = Literal["contact", "company"]

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
_HISTORY = """
    INSERT INTO change (tenant_id, resource, record_id, version, kind, at, actor_kind, actor_id, cause_id, sealed)
    SELECT $1, $2, id, version, 'handed_over', $3, $4, $5, $6, sealed
    FROM unnest($7::uuid[], $8::bigint[], $9::bytea[]) AS step(id, version, sealed)
"""


async def hand_over(
    tx: TenantTransaction,
    keys: TenantKeys,
    clock: Clock,
    *,
    resource: Resource,
    leaver: UserId,
    successor: UserId | None,
) -> int:
    """Give up to :data:`BATCH` of the leaver's records to ``successor`` (nobody when None); how many there were.

    Call it until it answers less than :data:`BATCH`. It stops for good in the middle at no loss: what is
    handed over is no longer the leaver's.
    """
    now = clock()
    rows = await tx.driver.fetch(_TAKE.format(table=resource), tx.tenant_id, leaver, BATCH, successor, now)
    if not rows:
        return 0
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
    successor: UserId | None,
    rows: list[Any],
    now: Any,
) -> None:
    step = history.encode({"owner_id": (str(leaver), str(successor) if successor else None)})
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
