"""In whose name a job works: the one who asked for it, with what they may do at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from daicho import access
from daicho.customers.imports.permission import permission
from daicho.customers.model import Resource
from daicho.faults import Forbidden
from daicho.jobs import RetryLater
from daicho.keyring import Keyring, TenantKeys
from daicho.tenancy import Actor, Database, Grants

_PATIENCE: Final = 6
"""Attempts, a second apart, until a user whom this service's copy does not know counts as gone."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for the work, their tenant's keys, their permissions: good for one batch."""

    actor: Actor
    grants: Grants
    keys: TenantKeys


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a job. Each batch asks :meth:`now` again: work that takes long ends when they may no longer
    import, and when their tenant's key is destroyed."""

    database: Database
    keyring: Keyring
    actor: Actor
    resource: Resource

    async def now(self) -> Caller:
        """With the keys and permissions of this moment.

        Raises Forbidden when they are gone or may not import any more, Unavailable without keys.
        """
        keys = await self.keyring.open(self.actor.tenant_id)
        grants = await self._grants()
        if grants is None or not grants.allows(permission(self.resource)):
            raise Forbidden
        return Caller(self.actor, grants, keys)

    async def be_known(self, attempt: int) -> None:
        """Raises RetryLater while the copy of users may just not have heard of them yet."""
        if attempt < _PATIENCE and await self._grants() is None:
            raise RetryLater(timedelta(seconds=1))

    async def _grants(self) -> Grants | None:
        assert self.actor.user_id is not None  # noqa: S101 a user asks for imports
        async with self.database.reading(self.actor) as tx:
            return await access.read_grants(tx, self.actor.user_id)
