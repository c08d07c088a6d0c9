"""Statements that take staged rows over into the ledger. Arguments: tenant, import, first and last number, moment."""

from __future__ import annotations

from typing import Final

from daicho.customers.imports.columns import PLAIN, typed
from daicho.customers.model import RESOURCES, Resource, model_of
from daicho.fields import IndexKind

# A staged row is taken apart before it is joined (MATERIALIZED): ``->>`` and ``substring`` are not
# leakproof, so under row-level security a condition that has them in it never reaches the other table's index.
# The look-up for each row is a LATERAL or scalar subquery: the planner, which knows nothing yet of
# tables that the import itself has just filled, would otherwise walk the whole table for each row.
_AMONG: Final = "s.tenant_id = $1 AND s.import_id = $2 AND s.number > $3 AND s.number <= $4"
NEW: Final = f"{_AMONG} AND s.action = 'create'"
_COMPANY: Final = """(
        SELECT c.company_id FROM import_company c WHERE c.tenant_id = $1 AND c.import_id = $2 AND c.name = s.company_name
    )"""
PLAN_ANEW: Final = "SET LOCAL plan_cache_mode = force_custom_plan"
"""For a batch's transaction: a plan kept from when the tables were empty is wrong by orders once they are not."""


def _insert_records(resource: Resource) -> str:
    """New rows of ``contact`` or ``company``."""
    table = model_of(resource).__table__
    names = ", ".join(PLAIN[resource])
    values = ", ".join(f"p.{name}" for name in PLAIN[resource])
    sealed = [name for name in ("card", "rest") if name in table.columns]
    more, source = ", ".join(sealed), ", ".join(f"s.{name}" for name in sealed)
    if "company_id" in table.columns:
        more, source = f"{more}, company_id", f"{source}, {_COMPANY}"
    # Every name is a column's of our own.
    return f"""
        INSERT INTO {resource} (tenant_id, id, version, created_at, updated_at, tokens, {more}, {names})
        SELECT s.tenant_id, s.record_id, 1, $5, $5, s.tokens, {source}, {values}
        FROM import_row s CROSS JOIN LATERAL jsonb_to_record(s.plain) AS p({typed(resource)})
        WHERE {NEW} ORDER BY s.number
    """  # noqa: S608


INSERT_RECORDS: Final = {resource: _insert_records(resource) for resource in RESOURCES}
TOLD: Final = f"""
    SELECT s.record_id, s.state_digest FROM import_row s WHERE {NEW} ORDER BY s.number
"""  # noqa: S608 our own words
INSERT_KEYS: Final = f"""
    INSERT INTO record_key (tenant_id, resource, field, digest, slot, record_id)
    SELECT s.tenant_id, $5, k.field, k.digest, CASE WHEN k.field LIKE 'custom.%' THEN k.digest ELSE uuid_send(s.record_id) END,
        s.record_id
    FROM import_row s CROSS JOIN LATERAL (
        SELECT f.field, substring(s.digests FROM (32 * (f.place - 1) + 1)::integer FOR 32) AS digest
        FROM unnest(s.key_fields) WITH ORDINALITY AS f(field, place)
    ) k
    WHERE {NEW} AND s.key_fields IS NOT NULL
"""  # noqa: S608 as above
INSERT_TAGS: Final = f"""
    INSERT INTO tag (tenant_id, resource, folded, name, record_id)
    SELECT s.tenant_id, $5, t.value ->> 0, t.value ->> 1, s.record_id
    FROM import_row s CROSS JOIN LATERAL jsonb_array_elements(s.tags) AS t(value)
    WHERE {NEW} AND s.tags IS NOT NULL
    ON CONFLICT DO NOTHING
"""  # noqa: S608 as above
INSERT_HISTORY: Final = f"""
    INSERT INTO change (tenant_id, resource, record_id, version, kind, at, actor_kind, actor_id, cause_id)
    SELECT s.tenant_id, $5, s.record_id, 1, 'created', $6, $7, $8, s.import_id
    FROM import_row s WHERE {NEW}
"""  # noqa: S608 as above


def _insert_values(kind: IndexKind) -> str:
    """Rows of one typed index table."""
    # The table's name is one of five of our own.
    return f"""
        INSERT INTO value_{kind} (tenant_id, resource, key, value, record_id)
        SELECT s.tenant_id, $5, v.value ->> 0, (v.value ->> 1)::{kind}, s.record_id
        FROM import_row s CROSS JOIN LATERAL jsonb_array_elements(s.index_values -> '{kind}') AS v(value)
        WHERE {NEW} AND s.index_values ? '{kind}'
    """  # noqa: S608


INSERT_VALUES: Final = {kind: _insert_values(kind) for kind in IndexKind}

CONFLICTS: Final[dict[Resource, tuple[str, str]]] = {
    "contact": ("contact", "customer_code"),
    "company": ("company", "corporate_number"),
}


def _find_column_conflicts(resource: Resource) -> str:
    """Staged rows whose unique column somebody took since the check: (number, field)."""
    table, column = CONFLICTS[resource]
    # Table and column are our own names.
    return f"""
        WITH wanted AS MATERIALIZED (
            SELECT s.number, s.line, s.plain ->> '{column}' AS value FROM import_row s WHERE {NEW}
        )
        SELECT w.number, w.line, '{column}' AS field FROM wanted w CROSS JOIN LATERAL (
            SELECT 1 FROM {table} r WHERE r.tenant_id = $1 AND r.{column} = w.value AND r.deleted_at IS NULL LIMIT 1
        ) taken
    """  # noqa: S608


FIND_COLUMN_CONFLICTS: Final = {resource: _find_column_conflicts(resource) for resource in RESOURCES}
FIND_KEY_CONFLICTS: Final = f"""
    WITH wanted AS MATERIALIZED (
        SELECT s.number, s.line, f.field,
            substring(s.digests FROM (32 * (f.place - 1) + 1)::integer FOR 32) AS digest
        FROM import_row s CROSS JOIN LATERAL unnest(s.key_fields) WITH ORDINALITY AS f(field, place)
        WHERE {NEW} AND s.key_fields IS NOT NULL AND f.field LIKE 'custom.%'
    )
    SELECT w.number, w.line, w.field FROM wanted w CROSS JOIN LATERAL (
        SELECT 1 FROM record_key k WHERE k.tenant_id = $1 AND k.resource = $5 AND k.field = w.field
            AND k.digest = w.digest AND k.slot = w.digest LIMIT 1
    ) taken
"""  # noqa: S608 our own words
FIND_NOT_PERMITTED: Final = f"""
    SELECT s.number, s.line, 'owner' AS field FROM import_row s
    WHERE {NEW} AND NOT coalesce(s.plain ->> 'owner_id' = ANY ($5::text[]), false)
"""  # noqa: S608 as above
FIND_OWNER_GONE: Final = f"""
    SELECT s.number, s.line, 'owner_gone' AS field FROM import_row s
    WHERE {NEW} AND s.plain ->> 'owner_id' = ANY ($5::text[])
"""  # noqa: S608 as above
LEFT: Final = f"""
    SELECT s.number, s.line, 'fields_changed' AS field FROM import_row s WHERE {_AMONG}
"""  # noqa: S608 as above
UPDATES: Final = f"""
    SELECT s.number, s.line, s.record_id, s.change FROM import_row s WHERE {_AMONG} AND s.action = 'update'
    ORDER BY s.record_id, s.number
"""  # noqa: S608 as above
REFUSE: Final = """
    WITH gone AS (
        DELETE FROM import_row WHERE tenant_id = $1 AND import_id = $2 AND number = ANY ($3)
    )
    INSERT INTO import_rejected (tenant_id, import_id, number, line, conflict)
    SELECT $1, $2, number, line, conflict
    FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS r(number, line, conflict)
    ON CONFLICT (tenant_id, import_id, number) DO NOTHING
"""
