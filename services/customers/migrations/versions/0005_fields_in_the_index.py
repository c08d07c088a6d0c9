"""Which custom fields the blind index holds of every record.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the mark. Fields that are there lack it until they are made searchable anew: nothing tells whether the job
    that brings their records up to them has ended."""
    op.add_column("field", sa.Column("indexed", sa.Boolean(), nullable=False, server_default=sa.false()))
