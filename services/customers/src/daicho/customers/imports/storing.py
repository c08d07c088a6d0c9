"""Changed records written many at a time: one statement a table, however many rows a batch holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers import history
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.imports.columns import PLAIN, typed
from daicho.customers.imports.preparing import array, index_values, plain_columns
from daicho.customers.index import Digest
from daicho.customers.model import RESOURCES, Resource, model_of
from daicho.fields import IndexKind
from daicho.keyring import TenantKeys
from daicho.nihongo import fold
from daicho.tenancy import TenantTransaction


@dataclass(frozen=True, slots=True)
class Changed:
    """A record as it was and as it is to be. ``columns``: see ``Records.columns``."""

    record_id: UUID
    version: int
    before: Any
    state: Any
    columns: Mapping[str, Any]
    changes: history.Changes
    digests: tuple[Sequence[Digest], Sequence[Digest]]
    """Before and after."""


def _update(resource: Resource) -> str:
    table = model_of(resource).__table__
    sealed = [name for name in ("card", "rest", "company_id") if name in table.columns]
    sets = ", ".join(f"{name} = p.{name}" for name in PLAIN[resource])
    sets += "".join(f", {name} = c.{name}" for name in sealed)
    # Every name is a column's of our own.
    return f"""
        UPDATE {resource} r SET version = r.version + 1, updated_at = $8, tokens = c.tokens::bigint[], {sets}
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::uuid[])
            AS c(id, plain, tokens, card, rest, company_id)
        CROSS JOIN LATERAL jsonb_to_record(c.plain::jsonb) AS p({typed(resource)})
        WHERE r.tenant_id = $1 AND r.id = c.id
    """  # noqa: S608


UPDATE: Final = {resource: _update(resource) for resource in RESOURCES}
DROP_KEYS: Final = """
    DELETE FROM record_key WHERE tenant_id = $1 AND resource = $2 AND record_id = ANY ($3::uuid[])
"""
ADD_KEYS: Final = """
    INSERT INTO record_key (tenant_id, resource, field, digest, slot, record_id)
    SELECT $1, $2, field, digest, CASE WHEN is_unique THEN digest ELSE uuid_send(record_id) END, record_id
    FROM unnest($3::text[], $4::bytea[], $5::boolean[], $6::uuid[]) AS k(field, digest, is_unique, record_id)
"""
DROP_TAGS: Final = "DELETE FROM tag WHERE tenant_id = $1 AND resource = $2 AND record_id = ANY ($3::uuid[])"
ADD_TAGS: Final = """
    INSERT INTO tag (tenant_id, resource, folded, name, record_id)
    SELECT $1, $2, folded, name, record_id FROM unnest($3::text[], $4::text[], $5::uuid[]) AS t(folded, name, record_id)
    ON CONFLICT DO NOTHING
"""
DROP_VALUES: Final = {
    kind: f"""
    DELETE FROM value_{kind} v USING unnest($3::uuid[], $4::text[]) AS gone(record_id, key)
    WHERE v.tenant_id = $1 AND v.resource = $2 AND v.record_id = gone.record_id AND v.key = gone.key
"""  # noqa: S608 the table's name is one of five of our own
    for kind in IndexKind
}
ADD_VALUES: Final = {
    kind: f"""
    INSERT INTO value_{kind} (tenant_id, resource, key, value, record_id)
    SELECT $1, $2, v.value ->> 0, (v.value ->> 1)::{kind}, f.record_id
    FROM unnest($3::uuid[], $4::text[]) AS f(record_id, found)
    CROSS JOIN LATERAL jsonb_array_elements(f.found::jsonb) AS v(value)
"""  # noqa: S608 as above
    for kind in IndexKind
}
ADD_STEPS: Final = """
    INSERT INTO change (tenant_id, resource, record_id, version, kind, at, actor_kind, actor_id, cause_id, sealed)
    SELECT $1, $2, record_id, version, 'updated', $6, $7, $8, $9, sealed
    FROM unnest($3::uuid[], $4::bigint[], $5::bytea[]) AS c(record_id, version, sealed)
"""
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Storing:
    """Writes what changed of one resource, with ``cause_id`` as the reason in its history."""

    resource: Resource
    schema: ResourceSchema
    keys: TenantKeys
    now: datetime
    cause_id: UUID

    async def store(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        """All of it, in the transaction ``tx``; the rows are locked already."""
        if not changed:
            return
        await self._rows(tx, changed)
        await self._keys(tx, changed)
        await self._tags(tx, changed)
        await self._values(tx, changed)
        await self._steps(tx, changed)

    async def _rows(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        rows = [
            (
                each.record_id,
                plain_columns(each.columns),
                array(each.columns["tokens"]),
                each.columns.get("card"),
                each.columns.get("rest"),
                each.columns.get("company_id"),
            )
            for each in changed
        ]
        await tx.driver.execute(UPDATE[self.resource], tx.tenant_id, *_turned(rows), self.now)

    async def _keys(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        ids = [each.record_id for each in changed if set(each.digests[0]) != set(each.digests[1])]
        if not ids:
            return
        touched = set(ids)
        await tx.driver.execute(DROP_KEYS, tx.tenant_id, self.resource, ids)
        rows = [
            (*digest, each.record_id)
            for each in changed
            if each.record_id in touched
            for digest in sorted(set(each.digests[1]))
        ]
        if rows:
            await tx.driver.execute(ADD_KEYS, tx.tenant_id, self.resource, *_turned(rows))

    async def _tags(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        retagged = [each for each in changed if each.before.tags != each.state.tags]
        if not retagged:
            return
        ids = [each.record_id for each in retagged]
        await tx.driver.execute(DROP_TAGS, tx.tenant_id, self.resource, ids)
        rows = [(fold(name), name, each.record_id) for each in retagged for name in each.state.tags]
        if rows:
            await tx.driver.execute(ADD_TAGS, tx.tenant_id, self.resource, *_turned(rows))

    async def _values(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        gone: dict[str, list[tuple[UUID, str]]] = {}
        added: dict[str, list[tuple[UUID, str]]] = {}
        for each in changed:
            before, _ = self.schema.split(each.before.custom)
            after, _ = self.schema.split(each.state.custom)
            differing = {key for key in before | after if before.get(key) != after.get(key)}
            for found, values in ((gone, before), (added, after)):
                among = {key: value for key, value in values.items() if key in differing}
                for kind, rows in index_values(self.schema, among).items():
                    if found is added:
                        found.setdefault(kind, []).append((each.record_id, _json(rows).decode()))
                    else:
                        found.setdefault(kind, []).extend((each.record_id, key) for key, _ in rows)
        for kind, dropped in gone.items():
            await tx.driver.execute(
                DROP_VALUES[IndexKind(kind)], tx.tenant_id, self.resource, *_turned(dropped)
            )
        for kind, wanted in added.items():
            await tx.driver.execute(
                ADD_VALUES[IndexKind(kind)], tx.tenant_id, self.resource, *_turned(wanted)
            )

    async def _steps(self, tx: TenantTransaction, changed: Sequence[Changed]) -> None:
        rows = [
            (
                each.record_id,
                each.version,
                history.seal(self.keys, each.record_id, each.version, each.changes),
            )
            for each in changed
        ]
        await tx.driver.execute(
            ADD_STEPS,
            tx.tenant_id,
            self.resource,
            *_turned(rows),
            self.now,
            tx.actor.kind,
            tx.actor.user_id,
            self.cause_id,
        )


def _turned(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as columns, the way that ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
