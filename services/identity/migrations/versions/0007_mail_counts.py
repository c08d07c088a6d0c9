"""How many mails went to people who had not asked for them.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import roles, tenantless_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the counts of a day, and the salt under which addresses are counted."""
    tenantless_table(
        op,
        "mail_salt",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        role=roles(op).app,
        grant="SELECT, INSERT, DELETE",
    )
    tenantless_table(
        op,
        "mail_count",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("subject", sa.LargeBinary(), primary_key=True),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        role=roles(op).app,
    )
