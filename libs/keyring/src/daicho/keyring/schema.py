"""The table of wrapped data keys, for a service's migration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

from daicho.tenancy.migrations import tenant_table


def create(op: Operations) -> None:
    """Create ``data_key``: one row a tenant, purpose and version."""
    tenant_table(
        op,
        "data_key",
        sa.Column("purpose", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger(), primary_key=True),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        grant="SELECT, INSERT, UPDATE",
    )
