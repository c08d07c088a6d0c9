"""The tables of the PostgreSQL bus, in a database of its own (``bus``), and who may do what in it.

Services log in as ``bus_<service>``, members of ``bus_service``: they read, move the offsets of their own groups, and
publish through a function that checks the topic against the caller (the rule of :mod:`daicho.events.topics`).
``bus_app`` is the operator's: it publishes to any topic and moves any group. Nobody updates or deletes messages; the
function ``tidy`` deletes what its topic no longer keeps.
"""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations

from daicho.events.bus import BROADCAST, DEAD, PARTITIONS, retention_of
from daicho.events.topics import ACCESS
from daicho.tenancy.migrations import as_admin, definer_function, roles

SERVICES_ROLE: Final = "bus_service"
"""The role (NOLOGIN) whose members the services' roles are."""

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
_RIGHTS: Final = """
    REVOKE ALL ON slot, message, reader FROM "{app}";
    GRANT SELECT ON slot, message, reader TO "{app}", "{services}";
    GRANT INSERT, UPDATE ON reader TO "{app}", "{services}";
    GRANT SELECT, INSERT, UPDATE ON slot TO "{search}";
    GRANT SELECT, INSERT, DELETE ON message TO "{search}";
    ALTER TABLE reader ENABLE ROW LEVEL SECURITY;
    ALTER TABLE reader FORCE ROW LEVEL SECURITY;
    DROP POLICY IF EXISTS operator ON reader;
    CREATE POLICY operator ON reader TO "{app}" USING (true) WITH CHECK (true);
    DROP POLICY IF EXISTS own_groups ON reader;
    CREATE POLICY own_groups ON reader TO "{services}"
        USING (split_part(consumer, '.', 1) = substr(current_user, 5))
        WITH CHECK (split_part(consumer, '.', 1) = substr(current_user, 5))
"""
_PUBLISH: Final = """
DECLARE
    denied text;
BEGIN
    IF session_user <> '{app}' THEN
        SELECT t INTO denied FROM unnest(topics) AS t
        WHERE NOT (t = '{access}' OR right(t, {dead_length}) = '{dead}'
                   OR split_part(t, '.', 1) = substr(session_user, 5)) LIMIT 1;
        IF FOUND THEN
            RAISE insufficient_privilege USING MESSAGE = format('%s may not publish to %s', session_user, denied);
        END IF;
    END IF;
    WITH placed AS MATERIALIZED (  -- ordinals alone: sorting whole messages costs more than storing them
        SELECT n, topic, partition, row_number() OVER (PARTITION BY topic, partition ORDER BY n) AS place
        FROM (SELECT n, t AS topic, (crc32(k) % {partitions})::smallint AS partition
              FROM unnest(topics, keys) WITH ORDINALITY AS g (t, k, n)) AS g
    ), counted AS (
        SELECT p.topic, p.partition, count(*) AS messages FROM placed p GROUP BY p.topic, p.partition
    ), claimed AS (
        INSERT INTO slot (topic, partition, next_position)
        SELECT c.topic, c.partition, c.messages FROM counted c
        ORDER BY c.topic, c.partition  -- every publisher locks in this order
        ON CONFLICT (topic, partition)
            DO UPDATE SET next_position = slot.next_position + excluded.next_position
        RETURNING topic, partition, next_position
    )
    INSERT INTO message (topic, partition, position, key, value, headers)
    SELECT p.topic, p.partition, s.next_position - c.messages + p.place - 1,
           g.k, g.v, g.h
    FROM unnest(keys, contents, packed_headers) WITH ORDINALITY AS g (k, v, h, n)
    JOIN placed p ON p.n = g.n
    JOIN claimed s ON s.topic = p.topic AND s.partition = p.partition
    JOIN counted c ON c.topic = p.topic AND c.partition = p.partition;
    PERFORM pg_notify('bus', t) FROM (SELECT DISTINCT unnest(topics) AS t) AS told;
END
"""
_TIDY: Final = """
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM message WHERE (topic, partition, position) IN (
        SELECT oldest.topic, oldest.partition, oldest.position FROM slot s CROSS JOIN LATERAL (
            SELECT m.topic, m.partition, m.position, m.time FROM message m
            WHERE m.topic = s.topic AND m.partition = s.partition ORDER BY m.position LIMIT most
        ) AS oldest
        WHERE oldest.time < now() - CASE WHEN right(s.topic, {dead_length}) = '{dead}' THEN interval '{kept_dead}'
            WHEN right(s.topic, {broadcast_length}) = '{broadcast}' THEN interval '{kept_broadcast}'
            ELSE interval '{kept}' END
    );
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
"""


def create(op: Operations) -> None:
    """Create what is missing; safe to repeat: ``tenancy.apply(admin_url, "bus", bus_schema.create)``."""
    for table in _TABLES:
        op.execute(table)
    role = roles(op)
    with as_admin(op):
        op.execute(
            f"DO $$ BEGIN IF to_regrole('{SERVICES_ROLE}') IS NULL THEN"
            f" CREATE ROLE {SERVICES_ROLE} NOLOGIN; END IF; END $$"
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {SERVICES_ROLE}")
    for statement in _RIGHTS.split(";\n"):
        op.execute(statement.format(app=role.app, search=role.search, services=SERVICES_ROLE))
    words = {
        "app": role.app, "access": ACCESS, "partitions": PARTITIONS,
        "dead": DEAD, "dead_length": len(DEAD), "broadcast": BROADCAST, "broadcast_length": len(BROADCAST),
        "kept_dead": f"{retention_of(DEAD).total_seconds():.0f} s",
        "kept_broadcast": f"{retention_of(BROADCAST).total_seconds():.0f} s",
        "kept": f"{retention_of(ACCESS).total_seconds():.0f} s",
    }  # fmt: skip
    for name, arguments, returns, body in (
        (
            "publish",
            "topics text[], keys bytea[], contents bytea[], packed_headers bytea[]",
            "void",
            _PUBLISH,
        ),
        ("tidy", "most integer", "bigint", _TIDY),
    ):
        definer_function(
            op,
            name,
            arguments,
            returns,
            body.format(**words),
            reads={},
            attributes="VOLATILE",
            callers=(role.app, SERVICES_ROLE),
        )
