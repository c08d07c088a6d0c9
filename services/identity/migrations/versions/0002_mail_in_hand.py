"""When a mail's hand-over began.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add ``mail.attempted_at``: what waits has not been attempted."""
    op.add_column("mail", sa.Column("attempted_at", sa.DateTime(timezone=True)))
