"""Consumers remember what they have heard of each topic.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

from daicho import events

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table that tells a new consumer from one that missed events."""
    events.schema.add_heard_topics(op)
