"""Keeping this service's copy of tenants, users and roles: from identity's events, and from its snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from google.protobuf.message import Message as ProtoMessage

from daicho.contracts.identity.events.v1 import events_pb2
from daicho.contracts.identity.v1 import identity_pb2
from daicho.events import Envelope, Handler
from daicho.tenancy import Database, Grants, Scope, TeamId, TenantId, TenantTransaction, UserId

TOPIC: Final = "identity.events"
CLOSED: Final = events_pb2.TenantChanged.STATUS_CLOSED
SUSPENDED: Final = events_pb2.TenantChanged.STATUS_SUSPENDED

_TENANT: Final = """
    INSERT INTO tenant_state AS s (tenant_id, status, version) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id) DO UPDATE SET status = excluded.status, version = excluded.version
    WHERE s.version <= excluded.version
"""
_USER: Final = """
    INSERT INTO grant_user AS u (tenant_id, user_id, role, team_id, disabled, version) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, team_id = excluded.team_id,
        disabled = excluded.disabled, version = excluded.version
    WHERE u.version <= excluded.version
"""
_ROLE: Final = """
    INSERT INTO grant_role AS r (tenant_id, role, permissions, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, role) DO UPDATE SET permissions = excluded.permissions, version = excluded.version
    WHERE r.version <= excluded.version
"""
_READ: Final = """
    SELECT u.role, u.team_id, u.disabled, r.permissions, s.status,
        (SELECT array_agg(m.user_id) FROM grant_user m
         WHERE m.tenant_id = $1 AND m.team_id = u.team_id) AS team_members
    FROM grant_user u
    LEFT JOIN grant_role r ON r.tenant_id = $1 AND r.role = u.role
    LEFT JOIN tenant_state s ON s.tenant_id = $1
    WHERE u.tenant_id = $1 AND u.user_id = $2
"""
_ACTIVE: Final = """
    SELECT true FROM grant_user WHERE tenant_id = $1 AND user_id = $2 AND NOT disabled
"""

_ROLES: Final = "SELECT role FROM grant_role WHERE tenant_id = $1 AND permissions <> '{}' ORDER BY role"
_DISABLED: Final = "SELECT user_id FROM grant_user WHERE tenant_id = $1 AND disabled"


def handlers() -> Mapping[type[ProtoMessage], Handler]:
    """What a service's consumer does with identity's events for its copy."""
    return {
        events_pb2.TenantChanged: _on_tenant,
        events_pb2.UserChanged: on_user,
        events_pb2.RoleChanged: _on_role,
    }


async def _on_tenant(tx: TenantTransaction, event: events_pb2.TenantChanged, envelope: Envelope) -> None:
    await tx.driver.execute(_TENANT, tx.tenant_id, event.status, envelope.aggregate.version)


async def on_user(tx: TenantTransaction, event: events_pb2.UserChanged, envelope: Envelope) -> None:
    """Hold what a user now may do; a service that does more with this event calls it first."""
    await write_user(tx, event, envelope.aggregate.version)


async def _on_role(tx: TenantTransaction, event: events_pb2.RoleChanged, envelope: Envelope) -> None:
    await _write_role(tx, event.role, [] if event.deleted else event.permissions, envelope.aggregate.version)


async def write_user(tx: TenantTransaction, user: Any, version: int) -> None:
    """Hold a user from an event or from the snapshot, unless a newer version is held."""
    await tx.driver.execute(
        _USER,
        tx.tenant_id,
        UUID(bytes=user.user_id),
        user.role,
        UUID(bytes=user.team_id) if user.team_id else None,
        user.disabled,
        version,
    )


async def _write_role(
    tx: TenantTransaction, role: str, permissions: Sequence[events_pb2.Permission], version: int
) -> None:
    scopes = msgspec.json.encode({each.action: int(each.scope) for each in permissions}).decode()
    await tx.driver.execute(_ROLE, tx.tenant_id, role, scopes, version)


async def write_snapshot(database: Database, part: identity_pb2.SnapshotPermissionsResponse) -> None:
    """Hold one tenant of the snapshot; newer versions that events brought meanwhile stay."""
    tenant_id = TenantId(UUID(bytes=part.tenant_id))
    async with database.transaction(tenant_id) as tx:
        await tx.driver.execute(_TENANT, tenant_id, part.tenant.status, part.tenant_version)
        for user in part.users:
            await write_user(tx, user, user.version)
        for role in part.roles:
            await _write_role(tx, role.role, role.permissions, role.version)


async def read_grants(tx: TenantTransaction, user_id: UserId) -> Grants | None:
    """What this service's copy lets ``user_id`` do; None for one who may nothing (unknown, disabled, closed)."""
    row = await tx.driver.fetchrow(_READ, tx.tenant_id, user_id)
    if row is None or row["disabled"] or row["status"] in {CLOSED, SUSPENDED}:
        return None
    scopes: Mapping[str, int] = row["permissions"] or {}
    return Grants(
        scopes={action: Scope(scope) for action, scope in scopes.items()},
        role=row["role"],
        user_id=user_id,
        team_id=TeamId(row["team_id"]) if row["team_id"] else None,
        team_members=frozenset(UserId(member) for member in row["team_members"] or ()),
    )


async def is_active_user(tx: TenantTransaction, user_id: UserId) -> bool:
    """Whether the tenant has such a user and they are not disabled, by this service's copy."""
    return bool(await tx.driver.fetchval(_ACTIVE, tx.tenant_id, user_id))


async def role_names(tx: TenantTransaction) -> tuple[str, ...]:
    """The tenant's roles, by this service's copy."""
    return tuple(row["role"] for row in await tx.driver.fetch(_ROLES, tx.tenant_id))


async def disabled_users(tx: TenantTransaction) -> frozenset[UserId]:
    """The tenant's users who are disabled, by this service's copy."""
    return frozenset(row["user_id"] for row in await tx.driver.fetch(_DISABLED, tx.tenant_id))
