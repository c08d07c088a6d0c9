"""A number for a user's credentials, which sessions and mailed links carry.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add ``credential_generation`` to users, sessions and links: existing rows agree at 0."""
    for table in ("account", "session", "link"):
        op.add_column(
            table, sa.Column("credential_generation", sa.BigInteger(), nullable=False, server_default="0")
        )
