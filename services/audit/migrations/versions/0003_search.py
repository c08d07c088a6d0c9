"""Every search walks an index, whatever it asks for together.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from daicho.tenancy.migrations import each_tenant, tenant_index

revision = "0003"
down_revision = "0002"

# As daicho.audit.leaf.deed_of says it; a test holds them equal.
_FILL = """
    UPDATE entry_record r SET time = e.time, deed = substring(sha256(
        coalesce(uuid_send(e.actor_user_id), decode(repeat('00', 16), 'hex'))
        || convert_to(e.resource_type || ' ' || e.action, 'UTF8')) FOR 8)::bigint
    FROM entry e WHERE e.tenant_id = r.tenant_id AND e.sequence = r.sequence
"""


def upgrade() -> None:
    """Let the look-up by record say when and what; one index finds by action and resource, one an actor's entries."""
    op.add_column("entry_record", sa.Column("deed", sa.BigInteger()))
    op.add_column("entry_record", sa.Column("time", sa.DateTime(timezone=True)))
    connection = op.get_bind()
    for tenant in each_tenant(op, "entry_record"):
        held = connection.exec_driver_sql("SELECT count(*) FROM entry_record").scalar_one()
        filled = connection.exec_driver_sql(_FILL).rowcount
        if filled != held:
            raise RuntimeError(
                f"tenant {tenant}: {held - filled} look-ups belong to no entry; compare with an export"
            )
    op.alter_column("entry_record", "deed", nullable=False)
    op.alter_column("entry_record", "time", nullable=False)
    op.drop_constraint("pk_entry_record", "entry_record")
    op.create_primary_key(
        "pk_entry_record", "entry_record", ["tenant_id", "record_id", "deed", "time", "sequence"]
    )
    for name in ("action", "resource_type", "actor_user_id", "actor_action"):
        op.drop_index(f"ix_entry_{name}", "entry")
    deed = ["resource_type", "action", "time", "sequence"]
    tenant_index(op, "ix_entry_deed", "entry", deed)
    tenant_index(op, "ix_entry_actor_deed", "entry", ["actor_user_id", *deed])
