"""Shapes of sessions on the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Secret = Annotated[str, Meta(max_length=1_000)]


class SignIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who signs in where. ``cookies`` asks for the tokens as cookies, which only a browser page wants."""

    tenant: Annotated[str, Meta(max_length=100)]
    email: Annotated[str, Meta(max_length=254)]
    password: Secret
    cookies: bool = False


class Refresh(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A refresh token in exchange for new ones; without one the cookie's is taken."""

    refresh_token: Annotated[str, Meta(max_length=500)] | None = None


class Tokens(msgspec.Struct, kw_only=True):
    """The tokens of a session; ``expires_in`` is in seconds. In a cookie session they are left out."""

    access_token: str | None
    refresh_token: str | None
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 the scheme of RFC 6750, no secret


class SessionView(msgspec.Struct, kw_only=True):
    """One of the caller's own sessions."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    address: str | None
    current: bool


class SessionList(msgspec.Struct):
    """The caller's sessions that stand, newest first."""

    items: list[SessionView]
