"""Payloads that may go, the register of those that went, and a rare action of one actor found at once.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import roles, tenant_index, tenant_table

revision = "0002"
down_revision = "0001"

# The right to update is the whole row's; this leaves of it what an erasure needs.
_ERASES_ALONE = """
    CREATE FUNCTION erase_alone() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE erased entry := OLD;
    BEGIN
        erased.payload := NULL;
        IF current_user = '{app}' AND NEW IS DISTINCT FROM erased THEN
            RAISE insufficient_privilege USING MESSAGE = 'of an entry nothing changes but that its payload goes';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    """Let the service take payloads away, and nothing else of an entry."""
    app = roles(op).app
    op.execute(_ERASES_ALONE.format(app=app))
    op.execute(
        "CREATE TRIGGER erase_alone BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION erase_alone()"
    )
    op.execute(f'GRANT UPDATE ON entry TO "{app}"')
    tenant_index(op, "ix_entry_actor_action", "entry", ["actor_user_id", "action", "time", "sequence"])
    # What a restored backup must be told again. Its id is that of the entry that names the erasure.
    tenant_table(
        op,
        "erasure",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=False),
        sa.Column("erased", sa.BigInteger(), nullable=False),
        sa.Column("actor_user_id", sa.Uuid()),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        grant="SELECT, INSERT",
    )
    tenant_index(op, "ix_erasure_time", "erasure", ["erased_at", "id"])
