"""Which record of the ledger a row means, and which values are taken already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from daicho.customers.imports.cells import read_cell
from daicho.customers.imports.detection import Column
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.model import OnMatch
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.permission import may_change
from daicho.customers.imports.preparing import Aim
from daicho.customers.imports.rows import SourceRow
from daicho.customers.model import RESOURCES, Resource
from daicho.fields import FieldDefinition, FieldValidator
from daicho.keyring import TenantKeys
from daicho.nihongo import Unreadable
from daicho.runtime import in_slices
from daicho.tenancy import Grants, TenantTransaction, UserId

COLUMNS: Final[Mapping[Resource, tuple[str, ...]]] = {
    "contact": ("customer_code",),
    "company": ("corporate_number", "name"),
}
"""Fields that stand in a column of their own, by which records are found."""
_DIGESTS: Final = {"email": "email", "phone": "phone", "mobile": "phone"}
"""Fields found by keyed digest, and the name that their digest is kept under."""
_NOT_UNIQUE: Final = frozenset({"email", "phone", "mobile", "name"})

_BY_COLUMN: Final = """
    SELECT id, owner_id, {column} AS key FROM {table}
    WHERE tenant_id = $1 AND {column} = ANY ($2) AND deleted_at IS NULL
"""
_BY_DIGEST: Final = """
    SELECT r.id, r.owner_id, k.digest AS key FROM record_key k
    JOIN {table} r ON r.tenant_id = k.tenant_id AND r.id = k.record_id AND r.deleted_at IS NULL
    WHERE k.tenant_id = $1 AND k.resource = $2 AND k.field = $3 AND k.digest = ANY ($4)
"""


def match_fields(resource: Resource, definitions: Sequence[FieldDefinition]) -> frozenset[str]:
    """The fields by which an import can find records."""
    built_in = {*COLUMNS[resource], *(("email", "phone", "mobile") if resource == "contact" else ())}
    return frozenset(built_in | {f"custom.{each.key}" for each in definitions if each.unique})


@dataclass(slots=True)
class _Key:
    """One mapped field by whose values records are told apart."""

    name: str
    column: int
    header: str | None
    is_unique: bool
    read: Any
    seen: set[Any] = field(default_factory=set)
    """Values of the rows before, as they are looked up by."""


Values = list[Any]
"""A row's value for each key, as it is looked up by; None for an empty or unreadable cell."""
Holders = dict[Any, list[tuple[UUID, UUID | None]]]


class Matcher:
    """Decides what becomes of each row, in the order of the file."""

    def __init__(
        self,
        resource: Resource,
        columns: Sequence[Column],
        mapping: Sequence[ColumnMapping],
        fields: Mapping[str, FieldDefinition],
        *,
        match_on: str | None,
        on_match: OnMatch,
    ) -> None:
        self._resource, self._match_on, self._on_match = resource, match_on, on_match
        headers = {column.index: column.name for column in columns}
        self._keys: list[_Key] = []
        for each in mapping:
            name = each.field
            if name is None:
                continue
            is_unique = (name in COLUMNS[resource] and name not in _NOT_UNIQUE) or fields[name].unique
            if is_unique or name == match_on:
                reader = FieldValidator(fields[name]).from_trimmed
                self._keys.append(_Key(name, each.column, headers.get(each.column), is_unique, reader))

    async def values(self, rows: Sequence[SourceRow], keys: TenantKeys) -> list[Values]:
        """The key of each of ``rows``; every distinct cell is read once."""
        columns = []
        for key in self._keys:
            cells = [row.readable(key.column) for row in rows]
            distinct = list(dict.fromkeys(cells))
            values = await in_slices(partial(self._value, key, keys), distinct)
            columns.append(map(dict(zip(distinct, values, strict=True)).__getitem__, cells))
        return [list(each) for each in zip(*columns, strict=True)] if columns else [[] for _ in rows]

    def _value(self, key: _Key, keys: TenantKeys, cell: str) -> Any:
        text = read_cell(cell)
        try:
            value = key.read(text) if text else None
        except Unreadable:
            return None
        if value is None or key.name in COLUMNS[self._resource]:
            return value
        label = f"{self._resource}.{_DIGESTS[key.name]}" if key.name in _DIGESTS else key.name
        return keys.unique(label, str(value))

    async def aims(
        self, tx: TenantTransaction, rows: Sequence[SourceRow], values: Sequence[Values], grants: Grants
    ) -> list[Aim]:
        """What is to become of ``rows``, as the ledger is now; of rows before in the file see :meth:`repeated`."""
        if not self._keys:
            return [Aim("create")] * len(rows)
        holders = [
            await self._holders(tx, key, {each[place] for each in values} - {None})
            for place, key in enumerate(self._keys)
        ]
        return [self._aim(each, holders, grants) for each in values]

    async def _holders(self, tx: TenantTransaction, key: _Key, wanted: set[Any]) -> Holders:
        table, found = self._resource, Holders()
        if not wanted:
            return found
        if key.name in COLUMNS[self._resource]:
            # Table and column are our own names.
            statement = _BY_COLUMN.format(table=table, column=key.name)
            rows = await tx.driver.fetch(statement, tx.tenant_id, list(wanted))
        else:
            place = _DIGESTS.get(key.name, key.name)
            statement = _BY_DIGEST.format(table=table)
            rows = await tx.driver.fetch(statement, tx.tenant_id, self._resource, place, list(wanted))
        for row in rows:
            found.setdefault(row["key"], []).append((row["id"], row["owner_id"]))
        return found

    def _aim(self, values: Values, holders: Sequence[Holders], grants: Grants) -> Aim:
        aim = Aim("create")
        for value, held, key in zip(values, holders, self._keys, strict=True):
            if key.name == self._match_on and value in held:
                aim = self._matched(held[value], key, grants)
        for value, held, key in zip(values, holders, self._keys, strict=True):
            others = {record_id for record_id, _ in held.get(value, ())} - {aim.record_id}
            if aim.error is None and key.is_unique and others and aim.action != "skip":
                return replace(aim, error=CellError(key.header, "not_unique"))
        return aim

    def _matched(self, held: list[tuple[UUID, UUID | None]], key: _Key, grants: Grants) -> Aim:
        """A record out of the caller's reach does not exist for them: its row makes a new record."""
        reach = {
            record_id: owner
            for record_id, owner in held
            if self._reaches(grants, None if owner is None else UserId(owner))
        }
        if self._on_match == "create" or not reach:
            return Aim("create")
        if self._on_match == "skip":
            return Aim("skip")
        if len(reach) > 1:
            return Aim("update", None, CellError(key.header, "ambiguous_match"))
        record_id, owner = reach.popitem()
        return Aim("update", record_id, owner_id=owner)

    def _reaches(self, grants: Grants, owner_id: UserId | None) -> bool:
        if self._on_match == "skip":
            return grants.covers(f"{RESOURCES[self._resource]}:read", owner_id)
        return may_change(grants, self._resource, owner_id)

    def repeated(self, values: Values) -> CellError | bool | None:
        """Whether a row before, which was not rejected, has a value of ``values``: an error, True to skip the row.

        None when not; the values then count as seen.
        """
        for value, key in zip(values, self._keys, strict=True):
            if value is None or value not in key.seen:
                continue
            if key.name == self._match_on and self._on_match == "skip":
                return True
            if key.is_unique or self._on_match == "update":
                return CellError(key.header, "repeated_in_file")
        for value, key in zip(values, self._keys, strict=True):
            if value is not None:
                key.seen.add(value)
        return None
