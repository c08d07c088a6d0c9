"""In whose name a job works: the one who asked for it, with what he may do at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from daicho import access
from daicho.faults import Forbidden
from daicho.jobs import RetryLater
from daicho.keyring import Keyring, TenantKeys
from daicho.tenancy import Actor, Database, Grants, TenantId, UserId

_PATIENCE: Final = 6
"""Attempts, a second apart, until a user whom this service's copy does not know counts as gone."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for the work, his tenant's keys, his permissions."""

    actor: Actor
    grants: Grants
    keys: TenantKeys


async def caller_of(
    database: Database, keyring: Keyring, tenant_id: TenantId, user_id: UserId, attempt: int
) -> Caller:
    """The caller behind a job. Raises Forbidden when he may nothing any more, Unavailable, RetryLater."""
    keys = await keyring.open(tenant_id)
    actor = Actor(tenant_id=tenant_id, kind="user", user_id=user_id)
    async with database.reading(actor) as tx:
        grants = await access.read_grants(tx, user_id)
    if grants is None:
        if attempt < _PATIENCE:
            raise RetryLater(timedelta(seconds=1))
        raise Forbidden
    return Caller(actor, grants, keys)
