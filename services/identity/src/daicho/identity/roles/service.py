"""Use cases of roles and teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select

from daicho.faults import FieldFault, Forbidden, Invalid, NotFound, PreconditionFailed
from daicho.identity import policy
from daicho.identity.directory import lock_tenant
from daicho.identity.faults import OwnRole, TeamInUse
from daicho.identity.model import RoleRow, Team, User
from daicho.identity.permissions import (
    ACTIONS,
    OWNER,
    ROLES,
    SCOPE_NAMES,
    SCOPES_BY_NAME,
    allows_scope,
    effective,
    exceeds,
    overridden,
)
from daicho.identity.telling import revoke_grants, tell_role, tell_team
from daicho.identity.users.authority import authority_of_caller
from daicho.identity.users.schemas import Explanation, RoleView, ScopeName, TeamView
from daicho.tenancy import Actor, Database, Grants, Scope, TenantTransaction, translates, uuid7


class _NameTaken(Invalid):
    """Another team has this name."""

    def __init__(self) -> None:
        super().__init__([FieldFault("/name", "not_unique")])


TEAM_NAMES = translates({"uq_team_name": _NameTaken})


@dataclass(frozen=True, slots=True)
class Roles:
    """Shows and changes what the roles of a tenant may do, and its teams."""

    database: Database

    async def list_roles(self, actor: Actor) -> list[RoleView]:
        """Every role, the most powerful first."""
        async with self.database.reading(actor) as tx:
            found = await tx.session.scalars(select(RoleRow).where(RoleRow.tenant_id == tx.tenant_id))
            rows = {row.name: row for row in found}
        return [_role_view(rows[name]) for name in ROLES if name in rows]

    async def change_role(
        self, actor: Actor, grants: Grants, name: str, version: int, wanted: Mapping[str, ScopeName]
    ) -> RoleView:
        """Change the scopes that ``wanted`` names; every service follows within a second.

        Raises NotFound, Forbidden for the owner's role and for one above the caller's own, OwnRole for the caller's
        own, PreconditionFailed, Invalid.
        """
        above = not policy.may_touch_user(caller_role=grants.role or "", target_role=name, wanted_role=None)
        if name == OWNER or above:
            raise Forbidden
        if wrong := faults_of(grants, wanted):
            raise Invalid(wrong)
        scopes = {action: SCOPES_BY_NAME[each] for action, each in wanted.items()}
        async with self.database.transaction(actor) as tx:
            # Behind the tenant's lock the caller is who they were, and what they give is what an invitation gives.
            await lock_tenant(tx)
            authority = await authority_of_caller(tx)
            authority.require("roles:manage")
            if not authority.outranks(name):
                raise Forbidden
            if authority.grants.role == name:
                raise OwnRole
            row = await tx.session.get(RoleRow, (tx.tenant_id, name), with_for_update=True)
            if row is None:
                raise NotFound
            if row.version != version:
                raise PreconditionFailed(version=row.version)
            beyond = {
                *exceeds(scopes, authority.grants.scopes),
                *authority.widens(authority.roles[name], scopes),
            }
            if beyond:
                raise Invalid([FieldFault(f"/permissions/{each}", "beyond_own") for each in sorted(beyond)])
            now = {**dict.fromkeys(ACTIONS, Scope.NONE), **effective(name, row.overrides), **scopes}
            row.overrides = overridden(name, now)
            row.version += 1
            await tell_role(tx, row)
            await revoke_grants(tx, None)
            return _role_view(row)

    async def explain(self, actor: Actor, user_id: UUID, action: str) -> Explanation:
        """Why a user may or may not do ``action``. Raises NotFound for an unknown user or action."""
        if action not in ACTIONS:
            raise NotFound
        async with self.database.reading(actor) as tx:
            user = await tx.session.get(User, (tx.tenant_id, user_id))
            if user is None:
                raise NotFound
            row = await tx.session.get(RoleRow, (tx.tenant_id, user.role))
        overrides = row.overrides if row else {}
        scope = effective(user.role, overrides).get(action, Scope.NONE)
        source: Literal["role", "override", "none"] = "role" if scope else "none"
        if action in overrides:
            source = "override"
        return Explanation(action=action, scope=_name(scope), role=user.role, source=source)

    async def list_teams(self, actor: Actor) -> list[TeamView]:
        """Every team, by name."""
        members = (
            select(func.count())
            .select_from(User)
            .where(User.tenant_id == Team.tenant_id, User.team_id == Team.id)
            .scalar_subquery()
        )
        async with self.database.reading(actor) as tx:
            found = await tx.session.execute(
                select(Team, members).where(Team.tenant_id == tx.tenant_id).order_by(Team.name)
            )
            return [
                TeamView(id=team.id, version=team.version, name=team.name, members=count)
                for team, count in found
            ]

    async def create_team(self, tx: TenantTransaction, name: str) -> TeamView:
        """A new team. Raises Invalid."""
        _check_name(name)
        team = Team(id=uuid7(), name=name.strip(), version=1)
        tx.session.add(team)
        await tell_team(tx, team)
        return TeamView(id=team.id, version=1, name=team.name, members=0)

    @TEAM_NAMES
    async def rename_team(self, actor: Actor, team_id: UUID, version: int, name: str) -> TeamView:
        """Another name for a team. Raises NotFound, PreconditionFailed, Invalid."""
        _check_name(name)
        async with self.database.transaction(actor) as tx:
            team = await tx.session.get(Team, (tx.tenant_id, team_id), with_for_update=True)
            if team is None:
                raise NotFound
            if team.version != version:
                raise PreconditionFailed(version=team.version)
            team.name, team.version = name.strip(), team.version + 1
            await tell_team(tx, team)
            count = await tx.session.scalar(
                select(func.count())
                .select_from(User)
                .where(User.tenant_id == tx.tenant_id, User.team_id == team_id)
            )
            return TeamView(id=team.id, version=team.version, name=team.name, members=count or 0)

    async def delete_team(self, actor: Actor, team_id: UUID, version: int) -> None:
        """Remove an empty team. Raises NotFound, PreconditionFailed, TeamInUse."""
        async with self.database.transaction(actor) as tx:
            await lock_tenant(tx)
            team = await tx.session.get(Team, (tx.tenant_id, team_id), with_for_update=True)
            if team is None:
                raise NotFound
            if team.version != version:
                raise PreconditionFailed(version=team.version)
            member = await tx.session.scalar(
                select(User.id).where(User.tenant_id == tx.tenant_id, User.team_id == team_id).limit(1)
            )
            if member is not None:
                raise TeamInUse
            team.version += 1
            await tell_team(tx, team, deleted=True)
            await tx.session.delete(team)


def faults_of(grants: Grants, wanted: Mapping[str, ScopeName]) -> list[FieldFault]:
    """What is wrong with scopes that somebody with ``grants`` wants a role to have."""
    scopes = {action: SCOPES_BY_NAME[name] for action, name in wanted.items()}
    faults = [
        FieldFault(f"/permissions/{action}", "unknown_action") for action in scopes if action not in ACTIONS
    ]
    faults += [
        FieldFault(f"/permissions/{action}", "scope_not_applicable")
        for action, scope in scopes.items()
        if action in ACTIONS and not allows_scope(action, scope)
    ]
    faults += [
        FieldFault(f"/permissions/{action}", "beyond_own")
        for action in exceeds(scopes, grants.scopes)
        if action in ACTIONS
    ]
    return faults


def _check_name(name: str) -> None:
    if fault := policy.line_fault("/name", name, maximum=100):
        raise Invalid([fault])


def _role_view(row: RoleRow) -> RoleView:
    held = effective(row.name, row.overrides)
    return RoleView(
        name=row.name,
        version=row.version,
        permissions={action: _name(held.get(action, Scope.NONE)) for action in ACTIONS},
        editable=row.name != OWNER,
    )


def _name(scope: Scope) -> ScopeName:
    return SCOPE_NAMES[scope]  # type: ignore[return-value]  # its values are these names
