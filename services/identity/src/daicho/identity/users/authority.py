"""What somebody who manages users may give, take and hand over: never more than they hold themselves.

Rights are read behind the tenant's lock, in the transaction that uses them: whoever was demoted meanwhile acts with
what is left. A record's reach is its owner's: whoever may read or change records of a user at scope ``team`` does so
by the team of both. So moving a user gives records away, in both directions, as does naming a successor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from sqlalchemy import select

from daicho.faults import FieldFault, Forbidden, Invalid, Unauthenticated
from daicho.identity import policy
from daicho.identity.directory import read_grants
from daicho.identity.model import RoleRow, User
from daicho.identity.permissions import NONE, OWNER, SCOPED, Permissions, effective, exceeds
from daicho.tenancy import Grants, Scope, SessionId, TenantTransaction, UserId

MANAGE: Final = "users:manage"
HANDING_OVER: Final = tuple(sorted(action for action in SCOPED if action.split(":")[1] in ("read", "update")))
"""What handing over a user's records takes, as changing the owner of a single one does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a user is, before or after a change."""

    user_id: UserId
    role: str
    team_id: UUID | None
    disabled: bool
    successor_id: UUID | None

    @classmethod
    def of(cls, user: User) -> Self:
        """A user as their row says."""
        return cls(UserId(user.id), user.role, user.team_id, user.disabled, user.successor_id)

    @property
    def rights(self) -> tuple[object, ...]:
        """What decides what the user may do."""
        return self.role, self.team_id, self.disabled


@dataclass(frozen=True, slots=True)
class Authority:
    """A caller's grants, and what every role of the tenant may do."""

    grants: Grants
    roles: Mapping[str, Permissions]

    def require(self, permission: str) -> None:
        """Raises Forbidden without ``permission``."""
        if not self.grants.allows(permission):
            raise Forbidden

    def outranks(self, *roles: str | None) -> bool:
        """Whether the caller stands at or above each of ``roles``; None is no role."""
        return all(
            policy.may_touch_user(caller_role=self.grants.role or "", target_role=role, wanted_role=None)
            for role in roles
            if role is not None
        )

    def faults_of_giving(
        self, role: str, team_id: UUID | None, *, role_pointer: str = "/role", team_pointer: str = "/team_id"
    ) -> list[FieldFault]:
        """What is wrong with letting somebody work as ``role`` in a team: it must not reach beyond the caller."""
        faults = []
        if exceeds(self.roles.get(role, {}), self.grants.scopes):
            faults.append(FieldFault(role_pointer, "beyond_own"))
        if not self._reaches_team(role, team_id):
            faults.append(FieldFault(team_pointer, "beyond_own_team"))
        return faults

    def may_give(self, role: str, team_id: UUID | None) -> bool:
        """Whether the caller could ask somebody in as ``role`` into a team."""
        manages = self.grants.allows(MANAGE) and self.outranks(role)
        return manages and not self.faults_of_giving(role, team_id)

    def check_change(self, before: Standing, after: Standing) -> None:
        """Raises Forbidden, or Invalid with :meth:`faults_of_change`."""
        self.require(MANAGE)
        if not self.outranks(before.role, after.role):
            raise Forbidden
        if wrong := self.faults_of_change(before, after):
            raise Invalid(wrong)

    def faults_of_change(self, before: Standing, after: Standing) -> list[FieldFault]:
        """What is wrong with a change of a user's rights."""
        return [
            *self._faults_of_own(before, after),
            *self._faults_of_role(before, after),
            *self._faults_of_team(before, after),
            *self._faults_of_hand_over(before, after),
        ]

    def widens(self, current: Permissions, wanted: Permissions) -> list[str]:
        """The actions in which a role would reach further than now, into every team, when the caller does not."""
        teamwide = [action for action, scope in wanted.items() if scope == Scope.TEAM]
        return [
            action
            for action in teamwide
            if current.get(action, NONE) < Scope.TEAM and self.grants[action] < Scope.ALL
        ]

    def _faults_of_own(self, before: Standing, after: Standing) -> list[FieldFault]:
        """Nobody changes their own team or role. An owner reaches everything anyway, and may step down."""
        if before.user_id != self.grants.user_id or self.grants.role == OWNER:
            return []
        return [
            FieldFault(f"/{name}", "own_rights")
            for name in ("role", "team_id")
            if getattr(before, name) != getattr(after, name)
        ]

    def _faults_of_role(self, before: Standing, after: Standing) -> list[FieldFault]:
        enabled = before.disabled and not after.disabled
        if before.role == after.role and not enabled:
            return []
        return self.faults_of_giving(after.role, after.team_id)

    def _faults_of_team(self, before: Standing, after: Standing) -> list[FieldFault]:
        """Into a team, a user brings their records; as a role at scope ``team`` they get those of the others."""
        if before.team_id == after.team_id or after.team_id is None:
            return []
        shown = [action for action in SCOPED if self._is_teamwide(action)]
        brings = all(self.grants.covers(action, before.user_id) for action in shown)
        allowed = brings and self._reaches_team(after.role, after.team_id)
        return [] if allowed else [FieldFault("/team_id", "beyond_own_team")]

    def _faults_of_hand_over(self, before: Standing, after: Standing) -> list[FieldFault]:
        """The records of a leaver, to a successor: both must be in the caller's reach."""
        named = before.successor_id != after.successor_id
        leaves = after.disabled and not before.disabled
        if after.successor_id is None or not (named or leaves):
            return []
        people = (before.user_id, UserId(after.successor_id))
        allowed = all(self.grants.covers(action, each) for action in HANDING_OVER for each in people)
        return [] if allowed else [FieldFault("/successor_id", "records_out_of_reach")]

    def _reaches_team(self, role: str, team_id: UUID | None) -> bool:
        """Whether the caller reaches what ``role`` would reach as a member of a team."""
        least = Scope.TEAM if team_id == self.grants.team_id else Scope.ALL
        scopes = self.roles.get(role, {})
        teamwide = [action for action in SCOPED if scopes.get(action) == Scope.TEAM]
        return team_id is None or all(self.grants[action] >= least for action in teamwide)

    def _is_teamwide(self, action: str) -> bool:
        return any(scopes.get(action) == Scope.TEAM for scopes in self.roles.values())


async def authority_of_caller(tx: TenantTransaction) -> Authority:
    """The authority of whoever ``tx`` acts as, now. Raises Unauthenticated when they are disabled or signed out."""
    found = await find_authority(tx, tx.actor.user_id, tx.actor.session_id)
    if found is None:
        raise Unauthenticated
    return found


async def find_authority(
    tx: TenantTransaction, user_id: UserId | None, session_id: SessionId | None = None
) -> Authority | None:
    """The authority of a user now, behind the tenant's lock.

    None for one who is disabled, unknown, or (with ``session_id``) whose session has ended.
    """
    grants = None if user_id is None else await read_grants(tx, user_id, session_id)
    if grants is None:
        return None
    rows = await tx.session.scalars(select(RoleRow).where(RoleRow.tenant_id == tx.tenant_id))
    return Authority(grants, {row.name: effective(row.name, row.overrides) for row in rows})
