"""How far a hand-over is.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Count what was handed over, and keep the row when all was. Rows of before are hand-overs that wait."""
    op.add_column("handover", sa.Column("moved", sa.BigInteger(), nullable=False, server_default="0"))
    # NULL until it is counted.
    op.add_column("handover", sa.Column("total", sa.BigInteger()))
    op.add_column("handover", sa.Column("done_at", sa.DateTime(timezone=True)))
