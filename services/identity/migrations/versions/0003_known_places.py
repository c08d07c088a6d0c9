"""From where a user got in, and what finds the rows whose time is over.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import tenant_index, tenant_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create ``known_place``, and an index by time for everything that is tidied away."""
    tenant_table(
        op,
        "known_place",
        # The keyed digest of an e-mail address and a network address together.
        sa.Column("subject", sa.LargeBinary(), primary_key=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    tenant_index(op, "ix_known_place_seen", "known_place", ["seen_at"])
    tenant_index(op, "ix_attempt_window", "attempt", ["window_started_at"])
    tenant_index(op, "ix_link_expiry", "link", ["expires_at"])
    tenant_index(op, "ix_session_expiry", "session", ["expires_at"])
