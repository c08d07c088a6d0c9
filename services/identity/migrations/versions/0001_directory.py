"""Tenants, users, sessions, links, teams, roles and mail.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from daicho import events, jobs, keyring, web
from daicho.tenancy.migrations import (
    definer_function,
    roles,
    tenant_index,
    tenant_table,
    tenantless_table,
    unique,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the directory and those of the rails it stands on."""
    keyring.schema.create(op)
    events.schema.create(op)
    web.schema.create(op)
    jobs.create(op, roles(op).app)
    _create_tenants()
    _create_users()
    _create_sessions()
    _create_mail()


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_tenants() -> None:
    tenantless_table(
        op,
        "tenant_code",
        sa.Column("code", sa.Text(), primary_key=True),
        sa.Column("owner_tenant_id", sa.Uuid(), nullable=False),
        role=roles(op).app,
        grant="INSERT",
    )
    # Which tenants there are, for the snapshot that other services take; ids alone.
    definer_function(
        op,
        "tenant_of_code",
        "wanted text",
        "uuid",
        "SELECT owner_tenant_id FROM tenant_code WHERE code = wanted",
        reads={"tenant_code": ("code", "owner_tenant_id")},
        language="sql",
    )
    definer_function(
        op,
        "all_tenants",
        "",
        "SETOF uuid",
        "SELECT owner_tenant_id FROM tenant_code ORDER BY owner_tenant_id",
        reads={"tenant_code": ("code", "owner_tenant_id")},
        language="sql",
    )
    tenant_table(
        op,
        "tenant",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _moment("created_at", nullable=False),
        _moment("confirmed_at"),
        one_per_tenant=True,
    )
    tenant_table(
        op,
        "role",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("overrides", JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    tenant_table(
        op,
        "team",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        unique("uq_team_name", "name"),
    )


def _create_users() -> None:
    tenant_table(
        op,
        "account",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Uuid()),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("successor_id", sa.Uuid()),
        sa.Column("email_digest", sa.LargeBinary(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _moment("created_at", nullable=False),
        _moment("updated_at", nullable=False),
        unique("uq_account_email", "email_digest"),
    )
    tenant_index(op, "ix_account_team", "account", ["team_id"])
    tenant_index(op, "ix_account_role", "account", ["role"])
    tenant_table(
        op,
        "invitation",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("email_digest", sa.LargeBinary(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Uuid()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _moment("created_at", nullable=False),
        _moment("expires_at", nullable=False),
        unique("uq_invitation_digest", "digest"),
    )
    tenant_index(
        op,
        "uq_invitation_open",
        "invitation",
        ["email_digest"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )


def _create_sessions() -> None:
    tenant_table(
        op,
        "session",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text()),
        _moment("created_at", nullable=False),
        _moment("rotated_at", nullable=False),
        _moment("expires_at", nullable=False),
        _moment("ended_at"),
        sa.Column("end_reason", sa.Text()),
    )
    tenant_index(op, "ix_session_user", "session", ["user_id"], postgresql_where=sa.text("ended_at IS NULL"))
    tenant_table(
        op,
        "link",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _moment("expires_at", nullable=False),
        _moment("used_at"),
    )
    tenant_index(op, "ix_link_user", "link", ["user_id"])
    tenant_table(
        op,
        "attempt",
        sa.Column("subject", sa.LargeBinary(), primary_key=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        _moment("window_started_at", nullable=False),
        _moment("locked_until"),
    )


def _create_mail() -> None:
    tenant_table(
        op,
        "mail",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        _moment("created_at", nullable=False),
    )
