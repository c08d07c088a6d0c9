"""Rows that change records which exist: opened, merged and sealed in the transaction that writes them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho import jobs
from daicho.customers import history, merging, record_size
from daicho.customers.companies.records import REINDEX_CONTACTS
from daicho.customers.contacts.schemas import ContactInput
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.imports.callers import Caller
from daicho.customers.imports.model import Import
from daicho.customers.imports.permission import may_change
from daicho.customers.imports.preparing import records_of
from daicho.customers.imports.states import patch_of
from daicho.customers.imports.storing import Changed, Storing
from daicho.customers.imports.taking_over import CONFLICTS
from daicho.customers.model import RESOURCES, Resource
from daicho.customers.records import Records
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction, UserId

LOCK: Final = {
    # In the order of ids, so that two imports do not wait for each other. The table's name is our own.
    resource: f"SELECT id FROM {resource} WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE"  # noqa: S608
    for resource in RESOURCES
}
COMPANIES: Final = """
    SELECT name, company_id FROM import_company
    WHERE tenant_id = $1 AND import_id = $2 AND name = ANY ($3::text[])
"""
KEY_HOLDERS: Final = """
    SELECT w.field, w.digest, held.record_id FROM unnest($3::text[], $4::bytea[]) AS w(field, digest)
    CROSS JOIN LATERAL (
        SELECT k.record_id FROM record_key k WHERE k.tenant_id = $1 AND k.resource = $2 AND k.field = w.field
            AND k.digest = w.digest AND k.slot = w.digest LIMIT 1
    ) held
"""
COLUMN_HOLDERS: Final = {
    resource: f"""
    SELECT w.value, held.id FROM unnest($2::text[]) AS w(value) CROSS JOIN LATERAL (
        SELECT r.id FROM {table} r WHERE r.tenant_id = $1 AND r.{column} = w.value AND r.deleted_at IS NULL LIMIT 1
    ) held
"""  # noqa: S608 table and column are our own names
    for resource, (table, column) in CONFLICTS.items()
}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Updated:
    """What came of a batch's changes. A row that changes nothing is in neither list."""

    changed: list[tuple[UUID, bytes]] = field(default_factory=list)
    """Ids and digests of the new states."""
    refused: list[tuple[int, int, str]] = field(default_factory=list)
    """(number, line, why): the record is gone or out of reach, its new owner is gone, or somebody took a value."""


@dataclass(frozen=True, slots=True)
class Updating:
    """Applies staged changes."""

    catalogue: Catalogue
    caller: Caller
    found: Import
    now: datetime
    gone: frozenset[UserId]
    """Users who are disabled: nothing is given to them any more."""

    async def apply(self, tx: TenantTransaction, rows: Sequence[Any]) -> Updated:
        """Change the records that ``rows`` name."""
        updated = Updated()
        for among in _rounds(rows):
            await self._apply(tx, among, updated)
        return updated

    async def _apply(self, tx: TenantTransaction, rows: Sequence[Any], updated: Updated) -> None:
        """Rows of which each changes another record."""
        schema = await self.catalogue.current(tx, self.found.resource)
        changing = await self._changing(tx, rows, schema, updated)
        taken = await self._taken(tx, changing)
        kept = []
        for row, each in changing:
            if each.record_id in taken:
                updated.refused.append((row["number"], row["line"], taken[each.record_id]))
            else:
                kept.append(each)
        await Storing(self.found.resource, schema, self.caller.keys, self.now, self.found.id).store(tx, kept)
        updated.changed += [(each.record_id, hashlib.sha256(_encode(each.state)).digest()) for each in kept]
        if self.found.resource == "company":
            for each in kept:
                if "name" in each.changes:
                    await jobs.enqueue(tx, REINDEX_CONTACTS, each.record_id)

    async def _changing(
        self, tx: TenantTransaction, rows: Sequence[Any], schema: ResourceSchema, updated: Updated
    ) -> list[tuple[Any, Changed]]:
        """What differs, row by row; whom it cannot change goes to ``updated.refused``."""
        records = records_of(self.found.resource, self.catalogue)
        ids = [row["record_id"] for row in rows]
        await tx.driver.execute(LOCK[self.found.resource], tx.tenant_id, ids)
        held = {each["id"]: each for each in await records.repository.fetch_by_ids(tx, ids, whole=True)}
        tags = await records.repository.fetch_tags_of(tx, ids)
        merged: list[tuple[Any, Any, Any, Any]] = []
        opened = await in_slices(
            lambda row: self._merged(records, row, held.get(row["record_id"]), tags), rows
        )
        for row, outcome in zip(rows, opened, strict=True):
            if isinstance(outcome, str):
                updated.refused.append((row["number"], row["line"], outcome))
            else:
                merged.append((row, *outcome))
        companies = await self._companies(tx, [(before, state) for _, _, before, state in merged])
        differing = []
        for row, stored, before, state in merged:
            if _renames_company(before, state):
                state = msgspec.structs.replace(state, company_id=companies.get(state.company_name))
            changes = history.compare(history.flat(before), history.flat(state))
            if changes:
                differing.append((row, stored, before, state, changes))
        states = [(stored["id"], state) for _, stored, _, state, _ in differing]
        made = await records.columns_of_many(self.caller.keys, states, schema)
        changed = await in_slices(
            lambda each: self._changed(records, schema, *each[0][1:], each[1]),
            zip(differing, made, strict=True),
        )
        return [(each[0], change) for each, change in zip(differing, changed, strict=True)]

    def _merged(
        self, records: Records[Any, Any, Any], row: Any, stored: Any, tags: Mapping[UUID, list[str]]
    ) -> tuple[Any, Any, Any] | str:
        """The stored row, its state and the state after the change of ``row``; or why it is refused."""
        if stored is None or stored["deleted_at"] is not None or not self._covers(stored["owner_id"]):
            return "record_gone"
        before = records.opened(self.caller.keys, stored, tags.get(stored["id"], []))
        sealed = self.caller.keys.unseal("import_row", self.found.id, str(row["number"]), row["change"])
        patch = patch_of(self.found.resource, _decode(sealed), before)
        state = merging.merge(before, patch)
        if state.owner_id != before.owner_id and state.owner_id in self.gone:
            return "owner_gone"
        if record_size.is_too_large(state, before):
            return record_size.CODE
        return stored, before, state

    def _covers(self, owner_id: Any) -> bool:
        return may_change(self.caller.grants, self.found.resource, owner_id)

    def _changed(
        self,
        records: Records[Any, Any, Any],
        schema: ResourceSchema,
        stored: Any,
        before: Any,
        state: Any,
        changes: history.Changes,
        columns: dict[str, Any],
    ) -> Changed:
        keys = self.caller.keys
        return Changed(
            record_id=stored["id"],
            version=stored["version"] + 1,
            before=before,
            state=state,
            columns=columns,
            changes=changes,
            digests=(records.digests(keys, before, schema), records.digests(keys, state, schema)),
        )

    async def _companies(
        self, tx: TenantTransaction, merged: Iterable[tuple[Any, Any]]
    ) -> Mapping[str | None, UUID]:
        """The companies that contacts are now said to belong to; the run has settled them by their names."""
        names = sorted(
            {
                state.company_name
                for before, state in merged
                if _renames_company(before, state) and state.company_name is not None
            }
        )
        rows = await tx.driver.fetch(COMPANIES, tx.tenant_id, self.found.id, names) if names else []
        return {row["name"]: row["company_id"] for row in rows}

    async def _taken(self, tx: TenantTransaction, changing: Sequence[tuple[Any, Changed]]) -> dict[UUID, str]:
        """Records that are to get a value which must be unique and which another record holds: the field by id."""
        resource: Resource = self.found.resource
        column = CONFLICTS[resource][1]
        wanted = {
            (column, value): each.record_id
            for _, each in changing
            if column in each.changes and (value := each.columns[column]) is not None
        }
        digests = {
            (name, digest): each.record_id
            for _, each in changing
            for name, digest, is_unique in set(each.digests[1]) - set(each.digests[0])
            if is_unique
        }
        taken: dict[UUID, str] = {}
        if wanted:
            values = [value for _, value in wanted]
            for row in await tx.driver.fetch(COLUMN_HOLDERS[resource], tx.tenant_id, values):
                taken[wanted[column, row["value"]]] = column
        if digests:
            fields, keyed = map(list, zip(*digests, strict=True))
            for row in await tx.driver.fetch(KEY_HOLDERS, tx.tenant_id, resource, fields, keyed):
                taken[digests[row["field"], row["digest"]]] = row["field"]
        return taken


def _rounds(rows: Iterable[Any]) -> list[list[Any]]:
    """``rows`` in rounds, none of which has two for one record: two e-mails of a record may each have their row."""
    rounds: list[list[Any]] = []
    seen: Counter[UUID] = Counter()
    for row in rows:
        place = seen[row["record_id"]]
        seen[row["record_id"]] += 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(row)
    return rounds


def _renames_company(before: Any, state: Any) -> bool:
    return isinstance(state, ContactInput) and state.company_name != before.company_name
