"""Shapes of users, invitations, roles and teams on the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.identity.sessions.schemas import Secret
from daicho.identity.tenants.schemas import TenantView, Text

ScopeName = Literal["none", "own", "team", "all"]


class UserView(msgspec.Struct, kw_only=True):
    """A user of the company."""

    id: UUID
    version: int
    email: str
    display_name: str
    language: Literal["ja", "en"]
    role: str
    team_id: UUID | None
    disabled: bool
    successor_id: UUID | None
    created_at: datetime


class UserPage(msgspec.Struct):
    """Users, oldest first."""

    items: list[UserView]
    next_cursor: str | None


class UserPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a user. ``successor_id`` gets the records of one who is disabled."""

    display_name: Text | UnsetType = UNSET
    language: Literal["ja", "en"] | UnsetType = UNSET
    role: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    team_id: UUID | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    successor_id: UUID | UnsetType | None = UNSET


class Me(msgspec.Struct, kw_only=True):
    """The caller: who they are, where, and what they may do (action → scope)."""

    user: UserView
    tenant: TenantView
    permissions: dict[str, ScopeName]


class ResetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose password to reset."""

    tenant: Annotated[str, Meta(max_length=100)]
    email: Annotated[str, Meta(max_length=254)]


class ResetCompletion(msgspec.Struct, forbid_unknown_fields=True):
    """The token of the mailed link and the new password."""

    token: Annotated[str, Meta(max_length=500)]
    password: Secret


class InvitationInput(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One address to ask in."""

    email: Annotated[str, Meta(max_length=254)]
    role: Annotated[str, Meta(max_length=40)]
    team_id: UUID | None = None
    language: Literal["ja", "en"] = "ja"


class Invitations(msgspec.Struct, forbid_unknown_fields=True):
    """Several addresses at once: all are asked, or none when one is wrong."""

    invitations: Annotated[list[InvitationInput], Meta(min_length=1, max_length=100)]


class InvitationView(msgspec.Struct, kw_only=True):
    """An invitation; ``status``: open, accepted, withdrawn. ``valid``: whether its link would let somebody in now."""

    id: UUID
    email: str
    role: str
    team_id: UUID | None
    status: str
    invited_by: UUID
    valid: bool
    created_at: datetime
    expires_at: datetime


class InvitationList(msgspec.Struct):
    """Invitations, newest first."""

    items: list[InvitationView]


class Acceptance(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The token of the mailed link, and how the new user wants to be known."""

    token: Annotated[str, Meta(max_length=500)]
    display_name: Text
    password: Secret


class Accepted(msgspec.Struct, kw_only=True):
    """The new user, and what they type to sign in."""

    tenant: str
    email: str
    user_id: UUID


class RoleView(msgspec.Struct, kw_only=True):
    """A role: every action with its scope."""

    name: str
    version: int
    permissions: dict[str, ScopeName]
    editable: bool


class RoleList(msgspec.Struct):
    """The roles of the company, the most powerful first."""

    items: list[RoleView]


class RolePatch(msgspec.Struct, forbid_unknown_fields=True):
    """The actions whose scope changes."""

    permissions: Annotated[dict[str, ScopeName], Meta(max_length=500)]


class TeamInput(msgspec.Struct, forbid_unknown_fields=True):
    """A team."""

    name: Annotated[str, Meta(max_length=100)]


class TeamView(msgspec.Struct, kw_only=True):
    """A team and how many users are in it."""

    id: UUID
    version: int
    name: str
    members: int


class TeamList(msgspec.Struct):
    """The teams of the company, by name."""

    items: list[TeamView]


class Explanation(msgspec.Struct, kw_only=True):
    """Why a user may, or may not, do something."""

    action: str
    scope: ScopeName
    role: str
    source: Literal["role", "override", "none"]
