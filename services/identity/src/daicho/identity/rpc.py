"""The directory as other services ask for it over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from daicho.contracts.identity.events.v1 import events_pb2
from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.faults import FieldFault, Invalid, NotFound
from daicho.identity.cards import email_digest, open_card
from daicho.identity.directory import ACTIVE, all_tenants, read_grants
from daicho.identity.model import RoleRow, Session, Tenant, User
from daicho.identity.policy import LONGEST_EMAIL
from daicho.identity.telling import REVOCATIONS, role_permissions, tenant_message
from daicho.keyring import Keyring
from daicho.rpc import current_actor
from daicho.runtime import Clock, in_slices
from daicho.tenancy import Database, TenantId, TenantTransaction, UserId

MOST = 1_000
_SHARED = 2
"""Users of a shared display name that are given: as many as say that it is shared. With :data:`MOST` names an answer then
has 1.1 MB at most, of the 4 MiB of a message."""
_SEQUENCE = "SELECT sequence FROM broadcast WHERE topic = $1"


@dataclass(frozen=True, slots=True)
class Directory(identity_pb2_grpc.DirectoryServiceServicer):
    """Answers for the tenant that the caller's token, or the calling service, names."""

    database: Database
    keyring: Keyring
    clock: Clock

    async def GetGrants(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 the protocol's names
        """What one user may do now."""
        async with self.database.reading(current_actor()) as tx:
            user_id = UserId(UUID(bytes=request.user_id))
            found = await read_grants(tx, user_id, None)
        if found is None:
            raise NotFound
        return identity_pb2.GetGrantsResponse(
            role=found.role or "",
            permissions=[_permission(action, int(scope)) for action, scope in found.scopes.items()],
            team_id=found.team_id.bytes if found.team_id else b"",
            team_member_ids=[member.bytes for member in found.team_members],
        )

    async def GetUsers(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 as above
        """The named users of the tenant."""
        _check_count(request.user_ids, "/user_ids")
        actor = current_actor()
        keys = await self.keyring.open(actor.tenant_id)
        async with self.database.reading(actor) as tx:
            found = await _users(tx, [UUID(bytes=each) for each in request.user_ids])
        answer = identity_pb2.GetUsersResponse()
        for user in found:
            card = open_card(keys, "account", user.id, user.card)
            answer.users.add(
                user_id=user.id.bytes,
                display_name=card.display_name,
                email=card.email,
                role=user.role,
                team_id=user.team_id.bytes if user.team_id else b"",
                disabled=user.disabled,
            )
        return answer

    async def FindUsers(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 as above
        """Active users by e-mail address or display name."""
        _check_count(request.names, "/names")
        actor = current_actor()
        keys = await self.keyring.open(actor.tenant_id)
        async with self.database.reading(actor) as tx:
            query = select(User).where(User.tenant_id == tx.tenant_id, User.disabled.is_(False))
            users = (await tx.session.scalars(query)).all()
        by_name: dict[str, list[bytes]] = {}
        by_email = {user.email_digest: user.id.bytes for user in users}
        named = await in_slices(
            lambda user: _plain(open_card(keys, "account", user.id, user.card).display_name), users
        )
        for user, name in zip(users, named, strict=True):
            by_name.setdefault(name, []).append(user.id.bytes)

        def named_by(name: str) -> list[bytes]:
            if "@" in name and (found := by_email.get(email_digest(keys, name))):
                return [found]
            return by_name.get(_plain(name), [])

        names = [name for name in dict.fromkeys(request.names) if len(name) <= LONGEST_EMAIL]
        answer = identity_pb2.FindUsersResponse()
        for name, ids in zip(names, await in_slices(named_by, names), strict=True):
            if ids:
                answer.matches.add(name=name, user_ids=ids[:_SHARED])
        return answer

    async def SnapshotPermissions(  # noqa: N802 as above
        self,
        request: Any,  # noqa: ARG002 as above
        context: Any,  # noqa: ARG002 as above
    ) -> AsyncIterator[Any]:
        """Every tenant's users and roles, then the revocation that this is true at."""
        async with self.database.tenantless() as tx:
            sequence = await tx.driver.fetchval(_SEQUENCE, REVOCATIONS) or 0
        for tenant_id in await all_tenants(self.database):
            part = await self._part(tenant_id)
            if part is not None:
                yield part
        yield identity_pb2.SnapshotPermissionsResponse(revocation_sequence=sequence)

    async def CheckSession(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 as above
        """Whether a session still stands."""
        async with self.database.reading(current_actor()) as tx:
            session = await tx.session.get(Session, (tx.tenant_id, UUID(bytes=request.session_id)))
            user = await tx.session.get(User, (tx.tenant_id, UUID(bytes=request.user_id)))
            tenant = await tx.session.get(Tenant, tx.tenant_id)
        active = (
            session is not None
            and user is not None
            and tenant is not None
            and tenant.status == ACTIVE
            and session.user_id == user.id
            and session.credential_generation == user.credential_generation
            and session.ended_at is None
            and session.expires_at > self.clock()
            and not user.disabled
        )
        return identity_pb2.CheckSessionResponse(active=active)

    async def _part(self, tenant_id: TenantId) -> Any:
        async with self.database.reading(tenant_id) as tx:
            tenant = await tx.session.get(Tenant, tenant_id)
            users = (await tx.session.scalars(select(User).where(User.tenant_id == tenant_id))).all()
            roles = (await tx.session.scalars(select(RoleRow).where(RoleRow.tenant_id == tenant_id))).all()
        if tenant is None:
            return None
        part = identity_pb2.SnapshotPermissionsResponse(
            tenant_id=tenant_id.bytes, tenant=tenant_message(tenant), tenant_version=tenant.version
        )
        for user in users:
            part.users.add(
                user_id=user.id.bytes,
                role=user.role,
                team_id=user.team_id.bytes if user.team_id else b"",
                disabled=user.disabled,
                version=user.version,
            )
        for role in roles:
            permissions = role_permissions(role.name, role.overrides)
            part.roles.add(role=role.name, permissions=permissions, version=role.version)
        return part


def _permission(action: str, scope: int) -> Any:
    """One permission as a message."""
    return events_pb2.Permission(action=action, scope=scope)  # type: ignore[arg-type]  # an enum is an integer


async def _users(tx: TenantTransaction, ids: Sequence[UUID]) -> Sequence[User]:
    found = await tx.session.scalars(select(User).where(User.tenant_id == tx.tenant_id, User.id.in_(ids)))
    return found.all()


def _plain(name: str) -> str:
    """A display name without its blanks: 田中 太郎 and 田中太郎 are one."""
    return "".join(name.split()).casefold()


def _check_count(values: Sequence[Any], pointer: str) -> None:
    if len(values) > MOST:
        raise Invalid([FieldFault(pointer, "too_many", {"maximum": MOST})])
