"""Fields that further roles may read: whom to tell.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import tenant_table

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create ``reader_notice``."""
    tenant_table(
        op,
        "reader_notice",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("field_key", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("changed_by", sa.Uuid()),
    )
