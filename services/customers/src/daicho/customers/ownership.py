"""Who may own a record."""

from __future__ import annotations

from uuid import UUID

from daicho import access
from daicho.customers.reader import Reader
from daicho.faults import FieldFault
from daicho.tenancy import TenantTransaction, UserId


async def is_active(tx: TenantTransaction, reader: Reader, user_id: UUID) -> bool:
    """Whether there is such a user: by this service's copy, or by identity's word given before ``tx`` began."""
    if user_id == tx.actor.user_id or user_id in reader.confirmed:
        return True
    return await access.is_active_user(tx, UserId(user_id))


async def check(
    tx: TenantTransaction, reader: Reader, permission: str, owner_id: UUID | None
) -> list[FieldFault]:
    """What is wrong with ``owner_id`` as the owner of a record: no such active user, or out of the caller's reach."""
    if owner_id is not None and not await is_active(tx, reader, owner_id):
        return [FieldFault("/owner_id", "unknown_user")]
    if not reader.grants.covers(permission, None if owner_id is None else UserId(owner_id)):
        return [FieldFault("/owner_id", "not_permitted")]
    return []
