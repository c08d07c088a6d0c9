"""The log: entries, by what they are found, the tree over them, and what was signed.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho import access, events, keyring, web
from daicho.tenancy.migrations import tenant_index, tenant_table, unique

revision = "0001"
down_revision = None

APPEND_ONLY = "SELECT, INSERT"


def upgrade() -> None:
    """Create every table of the log and those of the rails it stands on."""
    keyring.schema.create(op)
    events.schema.create(op)
    web.schema.create(op)
    access.schema.create(op)
    _create_entries()
    _create_tree()
    _create_checkpoints()


def _create_entries() -> None:
    tenant_table(
        op,
        "entry",
        sa.Column("sequence", sa.BigInteger(), primary_key=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("actor_kind", sa.SmallInteger(), nullable=False),
        sa.Column("actor_user_id", sa.Uuid()),
        sa.Column("actor_session_id", sa.Uuid()),
        sa.Column("actor_service", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Uuid()),
        # NULL after an erasure.
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("payload_digest", sa.LargeBinary(), nullable=False),
        unique("uq_entry_id", "entry_id"),
        grant=APPEND_ONLY,
    )
    # Sealed bytes do not compress.
    op.execute("ALTER TABLE entry ALTER COLUMN payload SET STORAGE EXTERNAL")
    for column in ("actor_user_id", "action", "resource_type"):
        tenant_index(op, f"ix_entry_{column}", "entry", [column, "time", "sequence"])
    tenant_index(op, "ix_entry_time", "entry", ["time", "sequence"])
    # Every record that an entry is about: the one that changed, those that a list showed.
    tenant_table(
        op,
        "entry_record",
        sa.Column("record_id", sa.Uuid(), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), primary_key=True),
        grant=APPEND_ONLY,
    )
    # Wrapped keys of the events in payloads. They stand beside the log, for wrapping anew must not change it.
    tenant_table(
        op,
        "event_key",
        sa.Column("service", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger(), primary_key=True),
        sa.Column("wrapped", sa.Text(), nullable=False),
        grant="SELECT, INSERT, UPDATE",
    )


def _create_tree() -> None:
    # Leaves (level 0) and the nodes over whole blocks; those between are made of a block's leaves when needed.
    tenant_table(
        op,
        "tree_node",
        sa.Column("level", sa.SmallInteger(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        grant=APPEND_ONLY,
    )
    # The log's size and the roots that it is made of; whoever appends holds the row.
    tenant_table(
        op,
        "log_head",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        one_per_tenant=True,
        grant="SELECT, INSERT, UPDATE",
    )


def _create_checkpoints() -> None:
    tenant_table(
        op,
        "checkpoint",
        sa.Column("size", sa.BigInteger(), primary_key=True),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        # The verifier key as text.
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        grant="SELECT, INSERT, DELETE",
    )
