"""What identity keeps. E-mail addresses and names of users stand sealed in ``card``; addresses are found by digest."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, MetaData, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from daicho import tenancy
from daicho.tenancy import TenantId, TenantMixin


class Base(tenancy.Base):
    """The base of this service's mapped classes."""

    __abstract__ = True
    metadata = MetaData()


class Tenant(Base):
    """A client company. ``status`` is an events' ``TenantChanged.Status``."""

    __tablename__ = "tenant"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    code: Mapped[str]
    company_name: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[int]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class RoleRow(Base):
    """What a tenant changed of a built-in role: action → scope as a number."""

    __tablename__ = "role"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    overrides: Mapped[dict[str, Any]]
    version: Mapped[int]


class Team(TenantMixin, Base):
    """A team; a user is in one at most."""

    __tablename__ = "team"

    name: Mapped[str]
    version: Mapped[int]


class User(TenantMixin, Base):
    """Somebody who signs in.

    ``credential_generation`` grows when the password changes and when the user is disabled: sessions and links of an
    earlier generation are worth nothing.
    """

    __tablename__ = "account"

    role: Mapped[str]
    team_id: Mapped[UUID | None]
    disabled: Mapped[bool]
    successor_id: Mapped[UUID | None]
    email_digest: Mapped[bytes] = mapped_column(LargeBinary)
    card: Mapped[bytes] = mapped_column(LargeBinary)
    password_hash: Mapped[str]
    credential_generation: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Invitation(TenantMixin, Base):
    """An address that was asked in; ``status``: open, accepted, withdrawn."""

    __tablename__ = "invitation"

    digest: Mapped[bytes] = mapped_column(LargeBinary)
    email_digest: Mapped[bytes] = mapped_column(LargeBinary)
    card: Mapped[bytes] = mapped_column(LargeBinary)
    role: Mapped[str]
    team_id: Mapped[UUID | None]
    status: Mapped[str]
    invited_by: Mapped[UUID]
    version: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Session(TenantMixin, Base):
    """A sign-in, and the family of its refresh tokens; ``secret`` is sealed, ``generation`` the newest one's."""

    __tablename__ = "session"

    user_id: Mapped[UUID]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    generation: Mapped[int]
    credential_generation: Mapped[int]
    address: Mapped[str | None]
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class LinkRow(Base):
    """A link that was mailed, by the digest of its secret; ``kind``: confirmation, reset."""

    __tablename__ = "link"

    tenant_id: Mapped[TenantId] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    kind: Mapped[str]
    user_id: Mapped[UUID]
    credential_generation: Mapped[int]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ReaderNotice(TenantMixin, Base):
    """A custom field that further roles may read. ``roles`` could read it before, and are told by mail."""

    __tablename__ = "reader_notice"

    field_key: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    changed_by: Mapped[UUID | None]


class Mail(TenantMixin, Base):
    """A mail that waits to leave; its text is sealed. Its row goes when it has left.

    ``attempted_at``: since when it is being handed over, and no answer is known.
    """

    __tablename__ = "mail"

    kind: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    failures: Mapped[int]
    created_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]
