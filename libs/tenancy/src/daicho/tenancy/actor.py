"""Who acts, and how far they may reach."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Literal, Protocol
from uuid import UUID

from daicho.tenancy.ids import SessionId, TeamId, TenantId, UserId

ActorKind = Literal["user", "service", "system", "public"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something within a tenant.

    ``kind``: a signed-in user, another service acting on its own, this service's own jobs ("system"), or the
    public (a form, a confirmation link). ``address`` is the caller's IP address as the gateway saw it.
    ``token`` is the raw access token, passed on when another service is asked in the user's name.
    """

    tenant_id: TenantId
    kind: ActorKind
    user_id: UserId | None = None
    session_id: SessionId | None = None
    service: str | None = None
    address: str | None = None
    request_id: str | None = None
    token: str | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.kind == "user") != (self.user_id is not None):
            raise ValueError("a user, and only a user, has a user_id")

    @classmethod
    def system(cls, tenant_id: TenantId, service: str | None = None) -> Actor:
        """A service's own job within a tenant."""
        return cls(tenant_id=tenant_id, kind="system", service=service)


class RefusalLog(Protocol):
    """Records that somebody was refused; REST and gRPC tell it of each refusal before the answer leaves."""

    def note(
        self, actor: Actor, *, resource: str, method: str, ids: Sequence[UUID], status: int
    ) -> Awaitable[None]:
        """``actor`` was answered ``status`` (403 or 404) when they asked for ``ids`` of ``resource`` by ``method``.

        Returns once it is recorded; raises Unavailable, and then that is the answer.
        """
        ...


class Scope(IntEnum):
    """Whose records an action may touch; a wider scope includes the narrower."""

    NONE = 0
    OWN = 1
    TEAM = 2
    ALL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a user may do, from this service's own copy of roles and teams.

    ``scopes`` maps ``resource:action`` ("contacts:read") to the scope; what is missing is not allowed.
    ``team_members`` are the users of the actor's own team, the actor included.
    """

    scopes: Mapping[str, Scope] = field(default_factory=lambda: MappingProxyType({}))
    role: str | None = None
    user_id: UserId | None = None
    team_id: TeamId | None = None
    team_members: frozenset[UserId] = frozenset()

    def __getitem__(self, permission: str) -> Scope:
        return self.scopes.get(permission, Scope.NONE)

    def allows(self, permission: str) -> bool:
        """Whether the action is allowed at any scope."""
        return self[permission] > Scope.NONE

    def owners(self, permission: str) -> frozenset[UserId] | None:
        """The owners whose records the action may touch: None is everyone's, an empty set nobody's."""
        match self[permission]:
            case Scope.ALL:
                return None
            case Scope.TEAM:
                return self.team_members | self._self()
            case Scope.OWN:
                return self._self()
            case _:
                return frozenset()

    def covers(self, permission: str, owner_id: UserId | None) -> bool:
        """Whether the action may touch a record of ``owner_id`` (None: nobody owns it)."""
        owners = self.owners(permission)
        return owners is None or owner_id in owners

    def _self(self) -> frozenset[UserId]:
        return frozenset() if self.user_id is None else frozenset({self.user_id})
