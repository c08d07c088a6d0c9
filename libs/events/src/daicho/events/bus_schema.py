"""The tables of the PostgreSQL bus, in a database of its own (``bus``, entered by ``bus_app`` alone)."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations

from daicho.tenancy.migrations import roles

_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS slot (
        topic text NOT NULL,
        partition smallint NOT NULL,
        next_position bigint NOT NULL,
        PRIMARY KEY (topic, partition)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE IF NOT EXISTS message (
        topic text NOT NULL,
        partition smallint NOT NULL,
        position bigint NOT NULL,
        time timestamptz NOT NULL DEFAULT clock_timestamp(),
        key bytea NOT NULL,
        value bytea STORAGE EXTERNAL NOT NULL,
        headers bytea NOT NULL,
        PRIMARY KEY (topic, partition, position)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS reader (
        consumer text NOT NULL,
        topic text NOT NULL,
        partition smallint NOT NULL,
        next_position bigint NOT NULL,
        PRIMARY KEY (consumer, topic, partition)
    ) WITH (fillfactor = 50)
    """,
    # Messages of before events were signed are marked once, when the column is added; publishers cannot mark any.
    "ALTER TABLE message ADD COLUMN IF NOT EXISTS predates_signatures boolean NOT NULL DEFAULT true",
    "ALTER TABLE message ALTER COLUMN predates_signatures SET DEFAULT false",
)


def create(op: Operations) -> None:
    """Create what is missing; safe to repeat: ``tenancy.apply(admin_url, "bus", bus_schema.create)``."""
    for table in _TABLES:
        op.execute(table)
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON slot, message, reader TO "{roles(op).app}"')
