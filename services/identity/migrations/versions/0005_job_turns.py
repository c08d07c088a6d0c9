"""Jobs are claimed in turns by tenant.

Revision ID: 0005
"""

from __future__ import annotations

from alembic import op

from daicho import jobs
from daicho.tenancy.migrations import roles

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table of turns and the function that claims jobs."""
    jobs.add_fair_claim(op, roles(op).app)
