"""Companies, contacts, their keys, tags, history and custom fields.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from daicho import access, events, jobs, keyring, web
from daicho.tenancy.migrations import reference, roles, tenant_index, tenant_table, unique

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the ledger and those of the rails it stands on."""
    keyring.schema.create(op)
    events.schema.create(op)
    web.schema.create(op)
    access.schema.create(op)
    jobs.create(op, roles(op).app)
    _create_companies()
    _create_contacts()
    _create_tags_and_keys()
    _create_history()
    _create_fields()


# The indexes of tokens hold deleted records as well: PostgreSQL does not intersect two partial indexes that share a
# predicate, and two words, or a word and an owner, are an intersection.


def _record_columns() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("custom", JSONB(), nullable=False, server_default="{}"),
        sa.Column("tokens", ARRAY(sa.BigInteger()), nullable=False, server_default="{}"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    ]


def _create_companies() -> None:
    tenant_table(
        op,
        "company",
        *_record_columns(),
        sa.Column("name", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text())
            for name in (
                "name_kana",
                "corporate_number",
                "registration_number",
                "phone",
                "url",
                "postal_code",
                "prefecture",
                "city",
                "street",
                "building",
            )
        ),
        sa.Column("capital", sa.BigInteger()),
        sa.Column("closing_month", sa.SmallInteger()),
        sa.Column("founded_on", sa.Date()),
        sa.Column("rest", sa.LargeBinary()),
    )
    live = sa.text("deleted_at IS NULL")
    tenant_index(op, "ix_company_newest", "company", ["id"], postgresql_where=live)
    tenant_index(op, "ix_company_owner", "company", ["owner_id", "id"], postgresql_where=live)
    tenant_index(op, "ix_company_updated", "company", ["updated_at", "id"], postgresql_where=live)
    tenant_index(op, "ix_company_name", "company", ["name", "id"], postgresql_where=live)
    tenant_index(
        op,
        "uq_company_corporate_number",
        "company",
        ["corporate_number"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND corporate_number IS NOT NULL"),
    )
    op.create_index("ix_company_tokens", "company", ["tokens"], postgresql_using="gin")


def _create_contacts() -> None:
    tenant_table(
        op,
        "contact",
        *_record_columns(),
        sa.Column("company_id", sa.Uuid()),
        *(sa.Column(name, sa.Text()) for name in ("customer_code", "department", "title")),
        sa.Column("lifecycle", sa.Text(), nullable=False),
        sa.Column("prefecture", sa.Text()),
        sa.Column("first_kana", sa.Text()),
        sa.Column("has_email", sa.Boolean(), nullable=False),
        sa.Column("has_phone", sa.Boolean(), nullable=False),
        sa.Column("card", sa.LargeBinary(), nullable=False),
        sa.Column("rest", sa.LargeBinary()),
        reference("fk_contact_company", ["company_id"], "company"),
    )
    live = sa.text("deleted_at IS NULL")
    tenant_index(op, "ix_contact_newest", "contact", ["id"], postgresql_where=live)
    tenant_index(op, "ix_contact_owner", "contact", ["owner_id", "id"], postgresql_where=live)
    tenant_index(op, "ix_contact_updated", "contact", ["updated_at", "id"], postgresql_where=live)
    tenant_index(op, "ix_contact_company", "contact", ["company_id", "id"], postgresql_where=live)
    tenant_index(op, "ix_contact_first_kana", "contact", ["first_kana", "id"], postgresql_where=live)
    tenant_index(
        op,
        "uq_contact_customer_code",
        "contact",
        ["customer_code"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL AND customer_code IS NOT NULL"),
    )
    op.create_index("ix_contact_tokens", "contact", ["tokens"], postgresql_using="gin")


def _create_tags_and_keys() -> None:
    tenant_table(
        op,
        "tag",
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("folded", sa.Text(), primary_key=True),
        sa.Column("record_id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
    )
    tenant_index(op, "ix_tag_record", "tag", ["record_id"])
    tenant_table(
        op,
        "record_key",
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("field", sa.Text(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("slot", sa.LargeBinary(), primary_key=True),
        sa.Column("record_id", sa.Uuid(), nullable=False),
    )
    tenant_index(op, "ix_record_key_record", "record_key", ["record_id"])


def _create_history() -> None:
    tenant_table(
        op,
        "change",
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("record_id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.BigInteger(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("cause_id", sa.Uuid()),
        sa.Column("sealed", sa.LargeBinary()),
        grant="SELECT, INSERT",
    )


def _create_fields() -> None:
    tenant_table(
        op,
        "field",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("definition", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        unique("uq_field_key", "resource", "key"),
    )
    tenant_table(
        op,
        "handover",
        sa.Column("leaver_id", sa.Uuid(), primary_key=True),
        sa.Column("successor_id", sa.Uuid(), nullable=False),
    )
    tenant_table(
        op,
        "schema_revision",
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
    )
    for kind, column in (
        ("text", sa.Text(collation="C")),  # prefixes are ranges in code point order
        ("bigint", sa.BigInteger()),
        ("uuid", sa.Uuid()),
        ("date", sa.Date()),
        ("timestamptz", sa.DateTime(timezone=True)),
    ):
        _create_index_table(f"value_{kind}", column)


def _create_index_table(name: str, column: sa.types.TypeEngine[object]) -> None:
    """Values of plain custom fields by which records are filtered and sorted."""
    tenant_table(
        op,
        name,
        sa.Column("resource", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", column, primary_key=True),
        sa.Column("record_id", sa.Uuid(), primary_key=True),
    )
    tenant_index(op, f"ix_{name}_record", name, ["record_id"])
