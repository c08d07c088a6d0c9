"""Imports remember by which index keys the check made its rows' tokens.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Null where it was by several, or before this was kept: such rows get their tokens anew when they are taken over."""
    op.add_column("import", sa.Column("index_keys", sa.LargeBinary()))
