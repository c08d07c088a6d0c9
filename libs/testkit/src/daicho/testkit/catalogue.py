"""What a database's own catalogue says about the walls between tenants.

:func:`complaints` looks at every table, partition, view, function and role, and names what stands outside
of the rules. What may stand outside is listed in a TOML file (``tests/architecture/tenantless.toml``), each
with its reason; a list that names what is not there is a complaint as well, so that it cannot rot.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from daicho.tenancy import Roles
from daicho.tenancy.migrations import POLICY

_EXPRESSION: Final = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
_OURS: Final = """n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = {oid} AND e.deptype = 'e')"""


@dataclass(frozen=True, slots=True)
class Exempt:
    """One entry of the list: a table without the tenant's policy, or a SECURITY DEFINER function.

    ``roles`` are the short names (app, relay, search) with what each may do; nobody else may do anything.
    """

    name: str
    services: tuple[str, ...]
    reason: str
    roles: dict[str, frozenset[str]]
    policies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exemptions:
    """The whole list."""

    tables: tuple[Exempt, ...]
    functions: tuple[Exempt, ...]

    @classmethod
    def read(cls, path: Path) -> Exemptions:
        """Parse the TOML file; KeyError on an entry without a reason."""
        found = tomllib.loads(path.read_text())
        return cls(
            tables=tuple(_exempt(entry) for entry in found.get("table", ())),
            functions=tuple(_exempt(entry) for entry in found.get("function", ())),
        )


def _exempt(entry: dict[str, Any]) -> Exempt:
    if not entry["reason"].strip():
        raise KeyError("reason")
    return Exempt(
        name=entry["name"],
        services=tuple(entry["services"]),
        reason=entry["reason"],
        roles={role: frozenset(rights) for role, rights in entry.get("roles", {}).items()},
        policies=frozenset(entry.get("policies", ())),
    )


async def complaints(connection: asyncpg.Connection, service: str, exemptions: Exemptions) -> list[str]:
    """What is wrong with the database that ``connection`` (a superuser's) looks at; empty when all is well."""
    roles = Roles(service)
    tables = {entry.name: entry for entry in exemptions.tables if service in entry.services}
    functions = {entry.name: entry for entry in exemptions.functions if service in entry.services}
    found = [
        *await _relations(connection, roles, tables),
        *await _keys(connection, tables),
        *await _functions(connection, roles, functions),
        *await _roles(connection, roles),
    ]
    return sorted(found)


async def _relations(connection: asyncpg.Connection, roles: Roles, exempt: dict[str, Exempt]) -> list[str]:
    rows = await connection.fetch(
        f"""
        SELECT c.oid, c.relname AS name, c.relkind::text AS kind, pg_get_userbyid(c.relowner) AS owner,
               c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
               coalesce('security_invoker=true' = ANY (c.reloptions), false) AS invoker,
               (SELECT format_type(a.atttypid, NULL) || CASE WHEN a.attnotnull THEN '' ELSE ' null' END
                  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') AS tenant
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_OURS.format(oid="c.oid")}
        """  # noqa: S608 - of constants
    )
    found: list[str] = []
    for row in rows:
        policies = await _policies(connection, row["oid"], roles)
        rights = await _rights(connection, row["oid"], roles)
        entry = exempt.get(row["name"])
        if entry is not None:
            found += _exempt_table(row["name"], entry, policies, rights)
        elif row["kind"] in {"v", "m", "f"}:
            found += _view(row)
        else:
            found += _tenant_table(row, policies)
            found += _table_rights(row["name"], rights)
        if row["owner"] != roles.owner:
            found.append(f"{row['name']}: is owned by {row['owner']}, not by {roles.owner}")
    there = {row["name"] for row in rows}
    found += [f"{name}: is on the list and not in the database" for name in exempt if name not in there]
    return found


def _view(row: asyncpg.Record) -> Iterator[str]:
    """A view reads as its owner unless told otherwise, a materialised one has no policies, nor has a foreign table."""
    if row["kind"] == "m":
        yield f"{row['name']}: a materialized view has no policies"
    elif row["kind"] == "f":
        yield f"{row['name']}: a foreign table has no policies"
    elif not row["invoker"]:
        yield f"{row['name']}: a view without security_invoker looks past the policies"


def _tenant_table(row: asyncpg.Record, policies: frozenset[str]) -> Iterator[str]:
    name = row["name"]
    if row["tenant"] != "uuid":
        yield f"{name}: has no column tenant_id uuid NOT NULL"
    if not row["enabled"]:
        yield f"{name}: row-level security is not enabled"
    if not row["forced"]:
        yield f"{name}: row-level security is not forced on the owner"
    expected = f"{POLICY} ALL TO public USING {_EXPRESSION} WITH CHECK {_EXPRESSION}"
    if policies != {expected}:
        yield f"{name}: its policies are {sorted(policies)}, not the tenant's one"


def _table_rights(name: str, rights: dict[str, frozenset[str]]) -> Iterator[str]:
    """The app reads and writes rows; the search role reads single columns; nobody else does anything."""
    allowed = {
        "app": {"SELECT", "INSERT", "UPDATE", "DELETE"},
        "search": {"SELECT (columns)"},
    }
    for role, held in rights.items():
        extra = held - allowed.get(role, set())
        if extra:
            yield f"{name}: {role} holds {', '.join(sorted(extra))}"


def _exempt_table(
    name: str, entry: Exempt, policies: frozenset[str], rights: dict[str, frozenset[str]]
) -> Iterator[str]:
    if policies != entry.policies:
        yield f"{name}: its policies are {sorted(policies)}, the list says {sorted(entry.policies)}"
    if rights != entry.roles:
        yield f"{name}: rights are {_said(rights)}, the list says {_said(entry.roles)}"


def _said(rights: dict[str, frozenset[str]]) -> str:
    return (
        "; ".join(f"{role} {', '.join(sorted(held))}" for role, held in sorted(rights.items())) or "nobody's"
    )


async def _policies(connection: asyncpg.Connection, table: int, roles: Roles) -> frozenset[str]:
    rows = await connection.fetch(
        """
        SELECT p.polname, p.polpermissive, pg_get_expr(p.polqual, p.polrelid) AS using,
               pg_get_expr(p.polwithcheck, p.polrelid) AS checked,
               CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                             WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END AS command,
               ARRAY(SELECT CASE WHEN role = 0 THEN 'public' ELSE pg_get_userbyid(role)::text END
                       FROM unnest(p.polroles) role ORDER BY 1) AS roles
          FROM pg_policy p WHERE p.polrelid = $1
        """,
        table,
    )
    return frozenset(
        f"{row['polname']}{'' if row['polpermissive'] else ' RESTRICTIVE'} {row['command']}"
        f" TO {', '.join(_short(role, roles) for role in row['roles'])}"
        + (f" USING {row['using']}" if row["using"] else "")
        + (f" WITH CHECK {row['checked']}" if row["checked"] else "")
        for row in rows
    )


async def _rights(connection: asyncpg.Connection, table: int, roles: Roles) -> dict[str, frozenset[str]]:
    """Who but the owner may do what, by short role names; rights on single columns are marked."""
    rows = await connection.fetch(
        """
        SELECT g.grantee, g.privilege_type AS held
          FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = $1 AND g.grantee <> c.relowner
        UNION
        SELECT g.grantee, g.privilege_type || ' (columns)'
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g
         WHERE c.oid = $1 AND g.grantee <> c.relowner
        """,
        table,
    )
    names: dict[int, str] = dict(await connection.fetch("SELECT oid, rolname FROM pg_roles"))
    held: dict[str, set[str]] = {}
    for row in rows:
        name = "public" if row["grantee"] == 0 else names[row["grantee"]]
        held.setdefault(_short(name, roles), set()).add(row["held"])
    return {role: frozenset(rights) for role, rights in held.items()}


def _short(name: str, roles: Roles) -> str:
    known = {roles.app: "app", roles.relay: "relay", roles.search: "search", roles.owner: "owner"}
    return known.get(name, name)


async def _keys(connection: asyncpg.Connection, exempt: dict[str, Exempt]) -> list[str]:
    """Primary, unique, exclusion and foreign keys of tenants' tables begin with the tenant."""
    indexes = await connection.fetch(
        f"""
        SELECT c.relname AS name, i.relname AS key, x.indisprimary AS main, x.indisunique AS uniq,
               (SELECT a.attname FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum = x.indkey[0]) AS first
          FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE (x.indisunique OR x.indisexclusion) AND {_OURS.format(oid="c.oid")}
        """  # noqa: S608 - of constants
    )
    references = await connection.fetch(
        f"""
        SELECT c.relname AS name, k.conname AS key, t.relname AS target,
               (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = k.conkey[1]) AS first,
               (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = k.confkey[1]) AS meets
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE k.contype = 'f' AND {_OURS.format(oid="c.oid")}
        """  # noqa: S608 - of constants
    )
    tables = await connection.fetch(
        f"""
        SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND {_OURS.format(oid="c.oid")}
        """  # noqa: S608 - of constants
    )
    keyed = {row["name"] for row in indexes if row["main"]}
    return [
        *(f"{row['name']}: has no primary key" for row in tables if row["name"] not in keyed),
        *(
            f"{row['name']}: key {row['key']} does not begin with tenant_id"
            for row in indexes
            if row["name"] not in exempt and row["first"] != "tenant_id"
        ),
        *(
            f"{row['name']}: foreign key {row['key']} to {row['target']} does not begin with tenant_id on both sides"
            for row in references
            if row["name"] not in exempt and (row["first"], row["meets"]) != ("tenant_id", "tenant_id")
        ),
    ]


async def _functions(connection: asyncpg.Connection, roles: Roles, exempt: dict[str, Exempt]) -> list[str]:
    rows = await connection.fetch(
        f"""
        SELECT p.proname AS name, pg_get_userbyid(p.proowner) AS owner,
               coalesce(array_to_string(p.proconfig, ' '), '') LIKE '%search_path=%' AS pinned,
               ARRAY(SELECT CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_get_userbyid(g.grantee)::text END
                       FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
                      WHERE g.grantee <> p.proowner) AS callers
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.prosecdef AND {_OURS.format(oid="p.oid")}
        """  # noqa: S608 - of constants
    )
    found: list[str] = []
    for row in rows:
        entry, name = exempt.get(row["name"]), f"{row['name']}()"
        if entry is None:
            found.append(f"{name}: SECURITY DEFINER and not on the list")
            continue
        if row["owner"] != roles.search:
            found.append(f"{name}: is owned by {row['owner']}, not by {roles.search}")
        if not row["pinned"]:
            found.append(f"{name}: SECURITY DEFINER without a search_path of its own")
        callers = {_short(caller, roles) for caller in row["callers"]}
        if callers != entry.roles.keys():
            found.append(f"{name}: may be called by {sorted(callers)}, the list says {sorted(entry.roles)}")
    there = {row["name"] for row in rows}
    return found + [
        f"{name}(): is on the list and not in the database" for name in exempt if name not in there
    ]


async def _roles(connection: asyncpg.Connection, roles: Roles) -> list[str]:
    """Of the whole server: who logs in obeys the policies, and nobody can become who does not."""
    rows = await connection.fetch(
        """
        SELECT r.rolname AS name, r.rolcanlogin AS login, r.rolbypassrls AS bypass, r.rolsuper AS super,
               ARRAY(SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.roleid = r.oid) AS members
          FROM pg_roles r WHERE r.rolname NOT LIKE 'pg\\_%' AND r.rolname <> session_user
        """
    )
    found = []
    for row in rows:
        if row["login"] and (row["bypass"] or row["super"]):
            found.append(f"role {row['name']}: logs in and bypasses row-level security")
        if row["bypass"] and not row["name"].endswith("_search"):
            found.append(f"role {row['name']}: bypasses row-level security")
        if row["members"] and row["name"] in {roles.owner, roles.search, roles.app, roles.relay}:
            found.append(f"role {row['name']}: has members {', '.join(row['members'])}")
    open_to_all = await connection.fetchval(
        """
        SELECT bool_or(g.grantee = 0) FROM pg_database d,
               aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g WHERE d.datname = current_database()
        """
    )
    if open_to_all:
        found.append("the database is open to PUBLIC")
    return found


def services_with_migrations(root: Path) -> Sequence[str]:
    """The services that have a schema."""
    return sorted({path.parents[2].name for path in root.glob("services/*/migrations/versions/*.py")})
