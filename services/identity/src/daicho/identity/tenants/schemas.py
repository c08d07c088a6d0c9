"""Shapes of signing up on the REST API."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from daicho.identity.sessions.schemas import Secret

Text = Annotated[str, Meta(max_length=200)]


class FirstAdmin(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The person who signs the company up and becomes its owner."""

    email: Annotated[str, Meta(max_length=254)]
    display_name: Text
    password: Secret
    language: Literal["ja", "en"] = "ja"


class SignUp(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A new company. ``code`` is its public handle, which its people type when they sign in."""

    code: Annotated[str, Meta(max_length=100)]
    company_name: Text
    admin: FirstAdmin


class TenantView(msgspec.Struct, kw_only=True):
    """A company."""

    id: UUID
    code: str
    company_name: str
    email_confirmed: bool


class LinkToken(msgspec.Struct, forbid_unknown_fields=True):
    """The token of a link that was mailed."""

    token: Annotated[str, Meta(max_length=500)]


class ConfirmationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose confirmation mail to send again."""

    tenant: Annotated[str, Meta(max_length=100)]
    email: Annotated[str, Meta(max_length=254)]
