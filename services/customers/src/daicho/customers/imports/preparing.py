"""Rows of a file → rows ready to be taken over: checked, sealed for their place, with everything they are found by.

Pure but for time and randomness, so that it runs in child processes (:mod:`daicho.customers.imports.preparer_pool`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers.companies.records import Companies
from daicho.customers.contacts.records import Contacts
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.imports.detection import Column
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.normalising import CellError, NormalisedRow, RowNormaliser
from daicho.customers.imports.rejections import seal_rejection
from daicho.customers.imports.rows import SourceRow
from daicho.customers.imports.states import state_of
from daicho.customers.model import Resource
from daicho.customers.records import Records
from daicho.fields import FieldDefinition, Schema, index_kind, index_rows
from daicho.keyring import KeyMaterial, TenantKeys
from daicho.nihongo import fold
from daicho.runtime import utc_now
from daicho.tenancy import uuid7

SEALED: Final = frozenset({"card", "rest", "tokens", "company_id"})
"""Columns of a record that do not stand among the staged row's plain ones."""
_MAX_TAGS, _MAX_TAG = 50, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a whole import has in common; goes to child processes through a pipe."""

    import_id: UUID
    resource: Resource
    columns: tuple[Column, ...]
    mapping: tuple[ColumnMapping, ...]
    definitions: tuple[FieldDefinition, ...]
    defaults: Mapping[str, Any]
    makes_new: bool
    """Whether new records can be made of what is mapped."""
    owner_id: UUID
    owners: frozenset[UUID] | None
    """Who may own what is created; None lets everybody."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to become of a row if it is right. ``record_id`` is that of the record that it matches."""

    action: str
    record_id: UUID | None = None
    error: CellError | None = None
    owner_id: UUID | None = None
    """The owner of the record that it matches."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows, what becomes of each, whom and what their cells name (field → cell → id), and the keys of the moment."""

    rows: list[SourceRow]
    aims: list[Aim]
    named: Mapping[str, Mapping[str, str]]
    keys: KeyMaterial = field(repr=False)


class Staged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of ``import_row``, in the order of its columns after the number."""

    number: int
    line: int
    action: str
    record_id: UUID
    plain: str | None = None
    tokens: str | None = None
    card: bytes | None = None
    rest: bytes | None = None
    company_name: str | None = None
    key_fields: str | None = None
    digests: bytes | None = None
    index_values: str | None = None
    tags: str | None = None
    state_digest: bytes | None = None
    change: bytes | None = None


@dataclass(slots=True)
class Prepared:
    """What came of a chunk. Rows of neither list are skipped."""

    staged: list[Staged] = field(default_factory=list)
    rejected: list[tuple[int, int, bytes]] = field(default_factory=list)


_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode


def records_of(resource: Resource, catalogue: Catalogue) -> Records[Any, Any, Any]:
    """The use cases of ``resource``."""
    companies = Companies(catalogue, utc_now)
    return companies if resource == "company" else Contacts(catalogue, utc_now, companies)


def prepare_chunks(plan: Plan, chunks: Iterator[Chunk]) -> Iterator[Prepared]:
    """What a child does: one answer for each chunk."""
    preparer = Preparer(plan)
    for chunk in chunks:
        yield preparer.prepare(chunk)


class Preparer:
    """Prepares the chunks of one import."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._material: KeyMaterial | None = None
        self._keys: TenantKeys
        self._named: dict[str, dict[str, str]] = {
            each.field: {} for each in plan.mapping if each.field is not None
        }
        self._normaliser = RowNormaliser(
            plan.columns,
            plan.mapping,
            import_fields(plan.resource, plan.definitions),
            {name: found.get for name, found in self._named.items()},
        )
        self._schema = ResourceSchema(0, Schema(plan.definitions))
        self._records = records_of(plan.resource, Catalogue())
        names = {column.index: column.name for column in plan.columns}
        self._column_of = {each.field: names.get(each.column) for each in plan.mapping if each.field}

    def prepare(self, chunk: Chunk) -> Prepared:
        """Every row of ``chunk``, in order."""
        if chunk.keys != self._material:
            self._material, self._keys = chunk.keys, TenantKeys.of_material(chunk.keys)
        for name, found in chunk.named.items():
            self._named[name].update(found)
        prepared = Prepared()
        for row, aim in zip(chunk.rows, chunk.aims, strict=True):
            normalised = self._normaliser.normalise(row)
            errors = self._errors(normalised, aim)
            if aim.action == "update" and "notes" in normalised.values and "notes" not in self._column_of:
                # An extension would replace notes that the file does not hold.
                errors.append(CellError(None, "invalid_phone"))
            if errors:
                owner_id = self._owner(normalised, aim)
                sealed = seal_rejection(self._keys, self._plan.import_id, row, errors, owner_id)
                prepared.rejected.append((row.number, row.line, sealed))
            elif aim.action == "update":
                prepared.staged.append(self._change(normalised, aim))
            elif aim.action == "create":
                prepared.staged.append(self._record(normalised))
        return prepared

    def _owner(self, row: NormalisedRow, aim: Aim) -> UUID | None:
        """Whose record the row is about; None where its cell names nobody."""
        if aim.record_id is not None:
            return aim.owner_id
        if "owner" not in self._column_of:
            return self._plan.owner_id if aim.action == "create" else None
        if "owner" not in row.values:
            return None
        owner = row.values["owner"]
        return self._plan.owner_id if owner is None else UUID(owner)

    def _errors(self, row: NormalisedRow, aim: Aim) -> list[CellError]:
        errors = row.errors
        if errors and aim.record_id is not None:
            # Found by another key; an empty cell changes nothing of a record.
            code = self._column_of.get("customer_code")
            errors = [each for each in errors if (each.column, each.code) != (code, "required")]
        if aim.error is not None and aim.error.column not in {each.column for each in errors}:
            errors = [*errors, aim.error]
        if aim.action == "create" and not errors and not self._plan.makes_new:
            errors = [CellError(None, "unmatched")]
        owners = self._plan.owners
        owner = row.values.get("owner") or (str(self._plan.owner_id) if aim.action == "create" else None)
        if owners is not None and owner is not None and UUID(owner) not in owners:
            errors = [*errors, CellError(self._column_of.get("owner"), "not_permitted")]
        return errors

    def _change(self, row: NormalisedRow, aim: Aim) -> Staged:
        """A record that exists is opened, merged and sealed when its turn comes: it may change until then."""
        assert aim.record_id is not None  # noqa: S101 an update has one
        sealed = self._keys.seal("import_row", self._plan.import_id, str(row.number), _msgpack(row.values))
        company = row.values.get("company_name") if self._plan.resource == "contact" else None
        return Staged(row.number, row.line, "update", aim.record_id, company_name=company, change=sealed)

    def _record(self, row: NormalisedRow) -> Staged:
        record_id = uuid7()
        state = state_of(self._plan.resource, row.values)
        if state.owner_id is msgspec.UNSET:
            state.owner_id = self._plan.owner_id
        if self._plan.defaults:
            state.custom = {**self._plan.defaults, **state.custom}
        columns = self._records.columns(self._keys, record_id, state, self._schema)
        digests = sorted(set(self._records.digests(self._keys, state, self._schema)))
        indexed = index_values(self._schema, columns["custom"])
        return Staged(
            number=row.number,
            line=row.line,
            action="create",
            record_id=record_id,
            plain=plain_columns(columns),
            tokens=array(columns["tokens"]),
            card=columns.get("card"),
            rest=columns.get("rest"),
            company_name=getattr(state, "company_name", None),
            key_fields=array([name for name, _, _ in digests]) if digests else None,
            digests=b"".join([digest for _, digest, _ in digests]) or None,
            index_values=_json(indexed).decode() if indexed else None,
            tags=_json([(fold(tag), tag) for tag in state.tags]).decode() if state.tags else None,
            state_digest=hashlib.sha256(_msgpack(state)).digest(),
        )


def plain_columns(columns: Mapping[str, Any]) -> str:
    """The plain ones of a record's columns as JSON; see :mod:`daicho.customers.imports.columns`."""
    return _json({name: value for name, value in columns.items() if name not in SEALED}).decode()


def index_values(schema: ResourceSchema, custom: Mapping[str, Any]) -> dict[str, list[tuple[str, Any]]]:
    """What the typed index tables hold of plain custom values: (key, value) by kind of table."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for key, value in custom.items():
        definition = schema.schema.definitions.get(key)
        kind = None if definition is None else index_kind(definition)
        if definition is not None and kind is not None:
            rows = dict.fromkeys(index_rows(definition, value))
            found.setdefault(str(kind), []).extend((key, each) for each in rows)
    return found


def array(items: Sequence[int | str]) -> str:
    """An array's literal; names of fields and numbers need no quoting."""
    return "{" + ",".join(map(str, items)) + "}"
