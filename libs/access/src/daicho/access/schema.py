"""This service's copy of who may do what; called from its first migration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

from daicho.tenancy.migrations import tenant_index, tenant_table


def create(op: Operations) -> None:
    """Create ``tenant_state``, ``grant_user`` and ``grant_role``."""
    tenant_table(
        op,
        "tenant_state",
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        one_per_tenant=True,
    )
    tenant_table(
        op,
        "grant_user",
        sa.Column("user_id", sa.Uuid(), primary_key=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Uuid()),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    tenant_index(op, "ix_grant_user_team", "grant_user", ["team_id"])
    tenant_table(
        op,
        "grant_role",
        sa.Column("role", sa.Text(), primary_key=True),
        # {"contacts:read": 3}: the scope as a number of daicho.tenancy.Scope.
        sa.Column("permissions", JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
