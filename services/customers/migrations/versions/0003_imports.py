"""Imports: the file's description, rows staged by the check, rows that were rejected.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from daicho.tenancy.migrations import tenant_index, tenant_table

revision = "0003"
down_revision = "0002"

_COUNTS = ("rows", "valid", "rejected", "created", "updated", "skipped")


def upgrade() -> None:
    """Create the tables. What cells held stands sealed in them, or as the columns of the ledger would hold it."""
    tenant_table(
        op,
        "import",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        # Name of the file, columns with samples, mapping.
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("match_on", sa.Text()),
        sa.Column("on_match", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text()),
        # The custom fields that the check went by; see schema_revision.
        sa.Column("fields_revision", sa.BigInteger(), nullable=False, server_default="0"),
        # The number of the last row whose check is committed.
        sa.Column("read", sa.BigInteger(), nullable=False, server_default="0"),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in _COUNTS),
    )
    tenant_index(op, "ix_import_newest", "import", ["created_by", "id"])
    _create_rows()
    tenant_table(
        op,
        "import_rejected",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("line", sa.BigInteger(), nullable=False),
        # Cells and errors; null for a row that was refused while it was taken over, until the run's end.
        sa.Column("sealed", sa.LargeBinary()),
        # The field whose value somebody else took between check and run.
        sa.Column("conflict", sa.Text()),
    )
    tenant_table(
        op,
        "import_company",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("company_id", sa.Uuid()),
    )
    tenant_table(
        op,
        "import_lane",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("lane", sa.BigInteger(), primary_key=True),
        # The next batch of this lane.
        sa.Column("next", sa.BigInteger(), nullable=False),
    )


def _create_rows() -> None:
    tenant_table(
        op,
        "import_row",
        sa.Column("import_id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        # For a new record: its columns, sealed ones sealed for its place in the ledger.
        sa.Column("plain", JSONB()),
        sa.Column("tokens", ARRAY(sa.BigInteger())),
        sa.Column("card", sa.LargeBinary()),
        sa.Column("rest", sa.LargeBinary()),
        sa.Column("company_name", sa.Text()),
        sa.Column("key_fields", ARRAY(sa.Text())),
        # Digests of key_fields in their order, 32 bytes each.
        sa.Column("digests", sa.LargeBinary()),
        # {kind of index table: [[key, value], …]}
        sa.Column("index_values", JSONB()),
        # [[folded, name], …]
        sa.Column("tags", JSONB()),
        sa.Column("state_digest", sa.LargeBinary()),
        # For a record to be updated: the members to change, sealed.
        sa.Column("change", sa.LargeBinary()),
    )
