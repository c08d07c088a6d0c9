"""Queries of erasures: whose payloads are there, taking them away, and the register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction

READ_HELD: Final = """
    SELECT r.deed, r.time, r.sequence, e.entry_id, e.payload
    FROM entry_record r JOIN entry e ON e.tenant_id = $1 AND e.sequence = r.sequence
    WHERE r.tenant_id = $1 AND r.record_id = $2 AND (r.deed, r.time, r.sequence) > ($3, $4, $5)
      AND r.time <= $6 AND e.payload IS NOT NULL AND e.kind <> 3
    ORDER BY r.deed, r.time, r.sequence LIMIT $7
"""
ERASE: Final = "UPDATE entry SET payload = NULL WHERE tenant_id = $1 AND entry_id = ANY($2::uuid[])"
ADD_ERASURE: Final = """
    INSERT INTO erasure (tenant_id, id, record_id, sealed_reason, erased, actor_user_id, erased_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
IS_ERASED: Final = "SELECT true FROM erasure WHERE tenant_id = $1 AND id = $2"
READ_ERASURES: Final = """
    SELECT id, record_id, sealed_reason, erased, actor_user_id, erased_at FROM erasure
    WHERE tenant_id = $1 AND (erased_at, id) < ($2, $3) ORDER BY erased_at DESC, id DESC LIMIT $4
"""

_TABLE, _REASON = "erasure", "reason"
EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_LAST: Final = (EVER, UUID(int=0))

Place = tuple[int, datetime, int]
"""Where a record's entry stands in the look-up: deed, time, sequence."""
BEFORE_ALL: Final[Place] = (-(1 << 63), datetime(1970, 1, 1, tzinfo=UTC), -1)
Held = tuple[Place, UUID, bytes]
"""Place, entry and sealed payload."""


class Erasure(NamedTuple):
    """One round of an erasure, as the register holds it; ``id`` is that of the entry that names it."""

    id: UUID
    record_id: UUID
    reason: str
    erased: int
    actor_user_id: UUID | None
    erased_at: datetime


async def read_held(
    tx: TenantTransaction, record_id: UUID, *, after: Place, until: datetime, limit: int
) -> list[Held]:
    """Entries found by a record that still have their payload, in the look-up's order; erasures never go."""
    rows = await tx.driver.fetch(READ_HELD, tx.tenant_id, record_id, *after, until, limit)
    return [((row["deed"], row["time"], row["sequence"]), row["entry_id"], row["payload"]) for row in rows]


async def erase_payloads(tx: TenantTransaction, entries: Sequence[UUID]) -> None:
    """Take payloads away."""
    await tx.driver.execute(ERASE, tx.tenant_id, list(entries))


async def add_erasure(tx: TenantTransaction, keys: TenantKeys, erasure: Erasure) -> None:
    """Enter it into the register; why somebody was erased is nobody else's to read, so the reason is sealed."""
    reason = keys.seal(_TABLE, erasure.id, _REASON, erasure.reason.encode())
    await tx.driver.execute(
        ADD_ERASURE,
        tx.tenant_id,
        erasure.id,
        erasure.record_id,
        reason,
        erasure.erased,
        erasure.actor_user_id,
        erasure.erased_at,
    )


async def is_registered(tx: TenantTransaction, erasure_id: UUID) -> bool:
    """Whether the register has this erasure."""
    return bool(await tx.driver.fetchval(IS_ERASED, tx.tenant_id, erasure_id))


async def read_erasures(
    tx: TenantTransaction, keys: TenantKeys, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Erasure]:
    """A page of the register, the newest first."""
    rows = await tx.driver.fetch(READ_ERASURES, tx.tenant_id, *(before or _LAST), limit)
    return [
        Erasure(
            row["id"],
            row["record_id"],
            keys.unseal(_TABLE, row["id"], _REASON, row["sealed_reason"]).decode(),
            row["erased"],
            row["actor_user_id"],
            row["erased_at"],
        )
        for row in rows
    ]
