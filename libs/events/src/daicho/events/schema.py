"""The tables that every service has for its events; called from its first migration.

========================= ============ ==================================================================
``outbox``                no policy of the app inserts rows of its own tenant (and broadcasts, which have
                          a tenant's  no tenant), the relay reads and deletes; nobody else sees one
``access_outbox``         the same    the app's group writer inserts for many tenants at once
``inbox``                 tenantless  events that this service has had their effect of, by consumer
``seen_version``          tenantless  the newest version heard of each aggregate, by consumer
``broadcast``             tenantless  the number of the last broadcast, by topic
``heard_topic``           tenantless  until when each consumer has heard each topic
========================= ============ ==================================================================
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic.operations import Operations

from daicho.tenancy.migrations import TENANT, roles, tenantless_table

_QUEUE: Final = """
    CREATE TABLE {table} (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        shard smallint NOT NULL,
        {tenant}
        topic text NOT NULL,
        key bytea NOT NULL,
        event_id uuid NOT NULL,
        envelope bytea NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
            autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
    ALTER TABLE {table} ALTER COLUMN envelope SET STORAGE EXTERNAL;
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY tell ON {table} FOR INSERT TO "{app}" WITH CHECK ({check});
    CREATE POLICY relay ON {table} FOR SELECT TO "{relay}" USING (true);
    CREATE POLICY relayed ON {table} FOR DELETE TO "{relay}" USING (true);
    GRANT INSERT ON {table} TO "{app}";
    GRANT SELECT, DELETE ON {table} TO "{relay}";
    CREATE TRIGGER wake AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION wake_relay();
"""
_WAKE: Final = """
    CREATE FUNCTION wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('outbox', TG_TABLE_NAME);
        RETURN NULL;
    END $$
"""


def create(op: Operations) -> None:
    """Create the tables for the service that is being migrated."""
    role = roles(op)
    op.execute(_WAKE)
    for table, tenant, check in (
        (
            "outbox",
            "tenant_id uuid CHECK (tenant_id IS NOT NULL OR key = ''),",
            f"tenant_id IS NULL OR tenant_id = {TENANT}",
        ),
        ("access_outbox", "", "true"),
    ):
        script = _QUEUE.format(table=table, tenant=tenant, check=check, app=role.app, relay=role.relay)
        for statement in script.strip().rstrip(";").split(";\n"):
            op.execute(statement)
    _create_inbox(op, role.app)


def add_heard_topics(op: Operations) -> None:
    """The table in which consumers remember what they have heard of each topic; for services that have consumers."""
    tenantless_table(
        op,
        "heard_topic",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("topic", sa.Text(), primary_key=True),
        sa.Column("heard_until", sa.DateTime(timezone=True), nullable=False),
        role=roles(op).app,
        grant="SELECT, INSERT, UPDATE",
    )


def create_newest(op: Operations) -> None:
    """All tables as the newest migrations leave them."""
    create(op)
    add_heard_topics(op)


def _create_inbox(op: Operations, app: str) -> None:
    tenantless_table(
        op,
        "inbox",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("event_id", sa.Uuid(), primary_key=True),
        role=app,
        grant="SELECT, INSERT, DELETE",
    )
    tenantless_table(
        op,
        "seen_version",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("aggregate_type", sa.Text(), primary_key=True),
        sa.Column("aggregate_id", sa.Uuid(), primary_key=True),
        sa.Column("aggregate_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        role=app,
        grant="SELECT, INSERT, UPDATE",
    )
    tenantless_table(
        op,
        "broadcast",
        sa.Column("topic", sa.Text(), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        role=app,
        grant="SELECT, INSERT, UPDATE",
    )
