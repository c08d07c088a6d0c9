"""Who may own a record."""

from __future__ import annotations

from uuid import UUID

from daicho import access
from daicho.faults import FieldFault
from daicho.tenancy import Grants, TenantTransaction, UserId


async def check(
    tx: TenantTransaction, grants: Grants, permission: str, owner_id: UUID | None
) -> list[FieldFault]:
    """What is wrong with ``owner_id`` as the owner of a record: no such active user, or out of the caller's reach."""
    if owner_id is not None and not await access.is_active_user(tx, UserId(owner_id)):
        return [FieldFault("/owner_id", "unknown_user")]
    if not grants.covers(permission, None if owner_id is None else UserId(owner_id)):
        return [FieldFault("/owner_id", "not_permitted")]
    return []
