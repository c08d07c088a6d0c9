"""Queries of checkpoints, cosignatures, and logs without an anchor."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from daicho.audit.model import Signed
from daicho.tenancy import TenantId, TenantTransaction, Transaction

READ_CHECKPOINT: Final = (
    "SELECT size, root, note FROM checkpoint WHERE tenant_id = $1 ORDER BY size DESC LIMIT 1"
)
ADD_CHECKPOINT: Final = """
    INSERT INTO checkpoint (tenant_id, size, root, note, key, signed_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, size) DO NOTHING RETURNING true
"""
DROP_CHECKPOINT: Final = """
    DELETE FROM checkpoint c WHERE tenant_id = $1 AND size = $2 AND date_trunc('minute', signed_at) = date_trunc('minute', $3::timestamptz)
      AND NOT EXISTS (SELECT FROM cosignature s WHERE s.tenant_id = $1 AND s.size = c.size)
"""
DROP_CHECKPOINTS_FROM: Final = "DELETE FROM checkpoint WHERE tenant_id = $1 AND size >= $2"
ADD_COSIGNED: Final = """
    INSERT INTO cosignature (tenant_id, size, witness, note, cosigned_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, size, witness) DO NOTHING
"""
READ_COSIGNED: Final = """
    SELECT size, note, cosigned_at FROM cosignature WHERE tenant_id = $1 AND witness = $2 ORDER BY size DESC LIMIT 1
"""
DROP_COSIGNED_FROM: Final = "DELETE FROM cosignature WHERE tenant_id = $1 AND size >= $2"
IS_UNANCHORED: Final = "SELECT true FROM unanchored_log WHERE tenant_id = $1"
SETTLE_UNANCHORED: Final = "DELETE FROM unanchored_log WHERE tenant_id = $1"
READ_UNANCHORED: Final = (
    "/* every tenant: the worker anchors them after the migration */ SELECT tenant_id FROM unanchored_log"
)


class CheckpointRow(NamedTuple):
    """A checkpoint as the database holds it; nothing of it is believed before its note was verified."""

    size: int
    root: bytes
    note: str


class Cosigned(NamedTuple):
    """A checkpoint of ``size`` entries as a note with a witness's cosignature under it."""

    size: int
    note: str
    cosigned_at: datetime


async def read_checkpoint(tx: TenantTransaction) -> CheckpointRow | None:
    """The newest checkpoint."""
    row = await tx.driver.fetchrow(READ_CHECKPOINT, tx.tenant_id)
    return None if row is None else CheckpointRow(*row)


async def add_checkpoint(tx: TenantTransaction, signed: Signed, signed_at: datetime) -> bool:
    """Keep a checkpoint; False when one of its size was there."""
    point = signed.checkpoint
    return bool(
        await tx.driver.fetchval(
            ADD_CHECKPOINT, tx.tenant_id, point.size, point.root, signed.note, signed.key, signed_at
        )
    )


async def drop_checkpoint(tx: TenantTransaction, size: int, now: datetime) -> None:
    """Forget a checkpoint that was signed in the minute of ``now``, unless a witness has cosigned it."""
    await tx.driver.execute(DROP_CHECKPOINT, tx.tenant_id, size, now)


async def drop_checkpoints_from(tx: TenantTransaction, size: int) -> None:
    """Forget every checkpoint of ``size`` entries and more, with their cosignatures."""
    await tx.driver.execute(DROP_CHECKPOINTS_FROM, tx.tenant_id, size)
    await tx.driver.execute(DROP_COSIGNED_FROM, tx.tenant_id, size)


async def add_cosigned(tx: TenantTransaction, witness: str, cosigned: Cosigned) -> None:
    """Keep a checkpoint that ``witness`` cosigned."""
    await tx.driver.execute(
        ADD_COSIGNED, tx.tenant_id, cosigned.size, witness, cosigned.note, cosigned.cosigned_at
    )


async def read_cosigned(tx: TenantTransaction, witness: str) -> Cosigned | None:
    """The newest checkpoint that ``witness`` cosigned."""
    row = await tx.driver.fetchrow(READ_COSIGNED, tx.tenant_id, witness)
    return None if row is None else Cosigned(*row)


async def is_unanchored(tx: TenantTransaction) -> bool:
    """Whether the tenant's log is from before there were anchors and has not got one yet."""
    return bool(await tx.driver.fetchval(IS_UNANCHORED, tx.tenant_id))


async def settle_unanchored(tx: TenantTransaction) -> None:
    """Take the mark away that lets a log be anchored as it is."""
    await tx.driver.execute(SETTLE_UNANCHORED, tx.tenant_id)


async def read_unanchored(tx: Transaction) -> list[TenantId]:
    """The tenants whose logs are from before there were anchors and have not got one yet."""
    return [TenantId(row["tenant_id"]) for row in await tx.driver.fetch(READ_UNANCHORED)]
