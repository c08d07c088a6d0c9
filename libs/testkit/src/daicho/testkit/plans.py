"""How PostgreSQL would run a service's queries, as the service's own role.

A policy keeps operators that are not leakproof out of index scans, so a query that is fast for a superuser
may read a tenant's whole table for the service. :func:`slow_plans` explains each statement that stands
in a service's modules, in a scratch database filled with made-up rows, and names two things:

* a sequential scan of a tenants' table. ``enable_seqscan`` is off, which makes the answer independent of how
  many rows the scratch tables hold: a scan that is left is one for which no index can serve.
* an index scan on ``tenant_id`` alone, unless a LIMIT ends it early or the statement says why it may
  (``sql(…, whole_tenant="why")``): it reads every row of the tenant, which is a sequential scan by another name.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from daicho.tenancy import Prepared, Roles, uuid7

ROWS: Final = 4_000
TENANTS: Final = 20
_BLOCKING: Final = {"Sort", "Aggregate", "Hash", "WindowAgg", "SetOp", "Group", "ModifyTable"}
_VALUES: Final[Mapping[str, str]] = {
    "uuid": "gen_random_uuid()",
    "text": "md5(g::text)",
    "character varying": "md5(g::text)",
    "citext": "md5(g::text)",
    "bytea": "decode(md5(g::text), 'hex')",
    "smallint": "(g % 30000)::smallint",
    "integer": "g",
    "bigint": "g",
    "numeric": "g",
    "double precision": "g",
    "boolean": "(g % 2 = 0)",
    "timestamp with time zone": "now() - g * interval '1 minute'",
    "date": "(now() - g * interval '1 day')::date",
    "inet": "'192.0.2.1'::inet",
    "interval": "g * interval '1 second'",
    "json": "'{}'::json",
    "jsonb": "jsonb_build_object('k', g)",
    "uuid[]": "ARRAY[gen_random_uuid()]",
    "text[]": "ARRAY[md5(g::text)]",
    "bigint[]": "ARRAY[g, g * 7, g * 13]::bigint[]",
    "integer[]": "ARRAY[g]",
    "bytea[]": "ARRAY[decode(md5(g::text), 'hex')]",
}
_SQL: Final = re.compile(r"\s*(/\*.*?\*/\s*)?(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", re.DOTALL)
_WHOLE: Final = re.compile(r"/\*\s*whole tenant:\s*(.+?)\s*\*/", re.DOTALL)
_PLAN: Final = """
    CREATE OR REPLACE FUNCTION public.plan_of(statement text) RETURNS json LANGUAGE plpgsql AS $$
    DECLARE plan json;
    BEGIN
        EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || statement INTO plan;
        RETURN plan;
    END $$;
    GRANT EXECUTE ON FUNCTION public.plan_of(text) TO PUBLIC;
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement's text, and why it may read all of a tenant's rows, if it may."""

    text: str
    whole_tenant: str | None = None


def statements_of(package: str) -> dict[str, Statement]:
    """Every statement that stands in a module of ``package``, by itself, in a class, or in a collection.

    A statement is a :class:`Prepared`, or a text that begins like SQL and has no gaps to fill in; a text may
    say ``/* whole tenant: why */``.
    """
    root = importlib.import_module(package)
    found: dict[str, Statement] = {}
    for name in sorted(_modules(root.__path__, package)):
        found |= {
            f"{name}.{path}": held for path, held in _held(vars(importlib.import_module(name)), package)
        }
    return found


def _modules(paths: Iterable[str], package: str) -> Iterator[str]:
    """By file, for the folders of a service are namespace packages, which pkgutil does not enter."""
    for path in map(Path, paths):
        for file in path.rglob("*.py"):
            parts = file.relative_to(path).with_suffix("").parts
            if parts[-1] != "__main__":
                yield ".".join((package, *(part for part in parts if part != "__init__")))


def _held(names: Mapping[str, Any], package: str) -> Iterator[tuple[str, Statement]]:
    for name, value in names.items():
        if isinstance(value, list | tuple):
            parts: Iterable[tuple[str, Any]] = ((f"{name}[{i}]", part) for i, part in enumerate(value))
        elif isinstance(value, dict):
            parts = ((f"{name}[{key!r}]", part) for key, part in value.items())
        elif isinstance(value, type) and value.__module__.startswith(package):
            parts = ((f"{name}.{part}", held) for part, held in vars(value).items())
        else:
            parts = ((name, value),)
        for path, part in parts:
            statement = _statement(part)
            if statement is not None:
                yield path, statement


def _statement(value: object) -> Statement | None:
    if isinstance(value, Prepared):
        return Statement(value.text, value.whole_tenant)
    if isinstance(value, str) and _SQL.match(value) and "{" not in value and not value.endswith(":"):
        said = _WHOLE.search(value)
        return Statement(value, said.group(1) if said else None)
    return None


async def fill(admin: asyncpg.Connection) -> None:
    """Fill every tenants' table with made-up rows: planning needs volume and spread, not sense.

    Half of the nullable values are NULL, so that partial indexes hold rows. Foreign keys and triggers are off, checks are dropped: the database is thrown away afterwards.
    """
    await admin.execute("SET session_replication_role = replica")
    tenants = [uuid7() for _ in range(TENANTS)]
    for table in await _tenant_tables(admin):
        for check in await admin.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'c'", table
        ):
            await admin.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{check["conname"]}" CASCADE')
        columns = await admin.fetch(
            """
            SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type, attnotnull AS needed
              FROM pg_attribute
             WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
               AND attgenerated = '' AND attidentity <> 'a' AND attname <> 'tenant_id'
            """,
            table,
        )
        values = {column["name"]: _VALUES.get(column["type"]) for column in columns}
        missing = [column["type"] for column in columns if column["needed"] and not values[column["name"]]]
        if missing:
            raise LookupError(f"{table}: no made-up value for {', '.join(missing)}; add one to {__name__}")
        needed = {column["name"] for column in columns if column["needed"]}
        known = {
            name: value if name in needed else f"CASE WHEN (g / 7) % 2 = 0 THEN {value} END"
            for name, value in values.items()
            if value
        }
        await admin.execute(
            f"INSERT INTO {table} ({', '.join(['tenant_id', *known])}) "  # noqa: S608 - names from the catalogue
            f"SELECT {', '.join(['($1::uuid[])[1 + g % $2]', *known.values()])} "
            f"FROM generate_series(1, {ROWS}) g ON CONFLICT DO NOTHING",
            tenants,
            TENANTS,
        )
    await admin.execute("ANALYZE")


async def _tenant_tables(admin: asyncpg.Connection) -> list[str]:
    rows = await admin.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class c
          JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'tenant'
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
        """
    )
    return [row["name"] for row in rows]


async def slow_plans(
    admin: asyncpg.Connection, service: str, statements: Mapping[str, Statement | Prepared]
) -> dict[str, list[str]]:
    """What each statement does that it should not; statements without a finding are left out.

    ``admin`` is a superuser's connection to a scratch database that :func:`fill` has filled.
    """
    await admin.execute(_PLAN)
    rows = await admin.fetch(
        """
        SELECT i.relname AS name, array_agg(a.attname::text) AS columns
          FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
          JOIN pg_attribute a ON a.attrelid = i.oid GROUP BY 1
        """
    )
    columns = {row["name"]: set(row["columns"]) for row in rows}
    tables = {name.strip('"') for name in await _tenant_tables(admin)}
    tables |= {
        row["name"] for row in await admin.fetch("SELECT relname AS name FROM pg_class WHERE relispartition")
    }
    await admin.execute(
        f"SET enable_seqscan = off; SET app.tenant_id = '{uuid7()}'; SET ROLE \"{Roles(service).app}\""
    )
    found = {}
    try:
        for name, statement in statements.items():
            try:
                plan = json.loads(await admin.fetchval("SELECT public.plan_of($1)", statement.text))[0][
                    "Plan"
                ]
            except asyncpg.PostgresError as error:
                found[name] = [f"cannot be explained: {error}"]
                continue
            said = list(_findings(plan, (), tables, columns))
            if statement.whole_tenant:
                said = [line for line in said if not line.startswith("reads")]
            if said:
                found[name] = said
    finally:
        await admin.execute("RESET ROLE; RESET enable_seqscan; RESET app.tenant_id")
    return found


def _findings(
    node: Mapping[str, Any], above: tuple[str, ...], tables: set[str], columns: Mapping[str, set[str]]
) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    if kind == "Seq Scan" and table in tables:
        yield f"scans {table} sequentially: {node.get('Filter', 'no filter')}"
    elif kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
        index = node["Index Name"]
        condition = node.get("Index Cond", "")
        narrowed = any(
            re.search(rf"\b{re.escape(column)}\b", condition) for column in columns[index] - {"tenant_id"}
        )
        ours = table in tables or kind == "Bitmap Index Scan"
        if ours and not narrowed and "tenant_id" in columns[index] and not _ends_early(above):
            yield f"reads all of a tenant's rows by {index}: {node.get('Filter', 'no filter')}"
    for child in node.get("Plans", ()):
        yield from _findings(child, (*above, kind), tables, columns)


def _ends_early(above: tuple[str, ...]) -> bool:
    """Whether a LIMIT stops the scan: none of the nodes between wants all rows first."""
    for kind in reversed(above):
        if kind == "Limit":
            return True
        if kind in _BLOCKING:
            return False
    return False
