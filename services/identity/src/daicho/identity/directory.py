"""Looking things up: tenants by code, users by address, what somebody may do at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select

from daicho.contracts.identity.events.v1 import events_pb2
from daicho.faults import Unauthenticated
from daicho.identity.model import RoleRow, Session, Tenant, User
from daicho.identity.permissions import effective
from daicho.tenancy import (
    Actor,
    Database,
    Grants,
    SessionId,
    TeamId,
    TenantId,
    TenantTransaction,
    UserId,
    sql,
)

ACTIVE = events_pb2.TenantChanged.STATUS_ACTIVE

_STANDING = sql(
    select(
        User.role,
        User.team_id,
        User.disabled,
        Tenant.status,
        RoleRow.overrides,
        Session.ended_at,
        Session.expires_at,
    )
    .select_from(User)
    .join(Tenant, Tenant.tenant_id == User.tenant_id)
    .join(RoleRow, (RoleRow.tenant_id == User.tenant_id) & (RoleRow.name == User.role))
    .outerjoin(
        Session,
        (Session.tenant_id == User.tenant_id)
        & (Session.id == bindparam("session_id"))
        & (Session.user_id == User.id)
        & (Session.credential_generation == User.credential_generation),
    )
    .where(User.tenant_id == bindparam("tenant_id"), User.id == bindparam("user_id")),
    whole_tenant="the tenant's own row is one",
)
_MEMBERS = sql(
    select(User.id).where(User.tenant_id == bindparam("tenant_id"), User.team_id == bindparam("team_id"))
)
_OWNERS = sql(
    select(func.count())
    .select_from(User)
    .where(User.tenant_id == bindparam("tenant_id"), User.role == "owner", User.disabled.is_(False))
)


async def tenant_of_code(database: Database, code: str) -> TenantId | None:
    """The tenant with this code; None when there is none."""
    async with database.tenantless() as tx:
        found = await tx.driver.fetchval("SELECT tenant_of_code($1)", code)
    return None if found is None else TenantId(found)


async def all_tenants(database: Database) -> Sequence[TenantId]:
    """Every tenant, for the snapshot that other services take."""
    async with database.tenantless() as tx:
        return [TenantId(row[0]) for row in await tx.driver.fetch("SELECT all_tenants()")]


async def read_grants(tx: TenantTransaction, user_id: UserId, session_id: SessionId | None) -> Grants | None:
    """What a user may do now; None for one who may nothing, or (with a session) whose session has ended."""
    row = await _STANDING.fetchrow(tx, user_id=user_id, session_id=session_id)
    if row is None or row["disabled"] or row["status"] != ACTIVE:
        return None
    if session_id is not None and (row["expires_at"] is None or row["ended_at"] is not None):
        return None
    team_id = row["team_id"]
    members = await _MEMBERS.fetch(tx, team_id=team_id) if team_id else []
    return Grants(
        scopes=effective(row["role"], row["overrides"]),
        role=row["role"],
        user_id=user_id,
        team_id=TeamId(team_id) if team_id else None,
        team_members=frozenset(UserId(member["id"]) for member in members),
    )


async def count_owners(tx: TenantTransaction) -> int:
    """Owners who are not disabled."""
    return int(await _OWNERS.fetchval(tx))


async def lock_tenant(tx: TenantTransaction) -> Tenant:
    """The tenant's row, locked: what must be right about all of its users together is checked behind it."""
    found = await tx.session.scalar(select(Tenant).where(Tenant.tenant_id == tx.tenant_id).with_for_update())
    if found is None:
        raise Unauthenticated
    return found


async def lock_user(tx: TenantTransaction, user_id: UUID) -> User | None:
    """A user's row, locked until ``tx`` ends; None when there is none. After the tenant's row, if both are locked."""
    query = select(User).where(User.tenant_id == tx.tenant_id, User.id == user_id).with_for_update()
    found: User | None = await tx.session.scalar(query)
    return found


async def lock_active_user(tx: TenantTransaction, user_id: UUID, credential_generation: int) -> User | None:
    """The user, locked, if credentials of this generation still let them in; None otherwise.

    Whatever ends the user's sessions changes the same rows, so it happens entirely before or entirely after ``tx``:
    everything that opens or renews a session, or honours a mailed link, calls this in its own transaction.
    """
    status = await tx.session.scalar(
        select(Tenant.status).where(Tenant.tenant_id == tx.tenant_id).with_for_update(read=True)
    )
    user = await lock_user(tx, user_id)
    if status != ACTIVE or user is None or user.disabled:
        return None
    return user if user.credential_generation == credential_generation else None


class OwnPermissions:
    """Identity's own answer to what a caller may do: read from its tables at each request, so never stale."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(self, actor: Actor) -> Grants:
        """Raises Unauthenticated when the user may do nothing any more or their session has ended."""
        if actor.user_id is None or actor.session_id is None:
            raise Unauthenticated
        async with self._database.reading(actor) as tx:
            found = await read_grants(tx, actor.user_id, actor.session_id)
        if found is None:
            raise Unauthenticated
        return found

    async def check(self) -> str | None:
        """Ready whenever the database is, which is checked by itself."""
        return None

    async def run(self) -> None:
        """Nothing goes on beside requests."""


def as_uuid(value: bytes) -> UUID:
    """Sixteen bytes of a message as an id."""
    return UUID(bytes=value)
