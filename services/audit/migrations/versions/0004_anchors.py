"""Logs without an anchor are listed once; cosignatures of witnesses are kept.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import each_tenant, roles, tenant_table, tenantless_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """List the logs that there are: the service anchors each as it is, once. A log that begins later is not listed."""
    tenantless_table(
        op,
        "unanchored_log",
        sa.Column("tenant_id", sa.Uuid(), primary_key=True),
        role=roles(op).app,
        grant="SELECT, DELETE",
    )
    connection = op.get_bind()
    for tenant in each_tenant(op, "log_head"):
        connection.execute(sa.text("INSERT INTO unanchored_log VALUES (:tenant)"), {"tenant": tenant})
    tenant_table(
        op,
        "cosignature",
        sa.Column("size", sa.BigInteger(), primary_key=True),
        sa.Column("witness", sa.Text(), primary_key=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        grant="SELECT, INSERT, DELETE",
    )
