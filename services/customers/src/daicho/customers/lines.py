"""A line of a list, opened: how it shows, what words and filters look at; and what a filter may name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import sqlalchemy as sa

from daicho.customers.finding.narrowing import Indexed
from daicho.customers.model import VALUES, Resource, Tag, model_of
from daicho.customers.repository import TENANT, Repository, Row
from daicho.customers.terms import PHONE, TEXT
from daicho.fields import FieldDefinition, FieldType, Option, Schema, index_kind
from daicho.fields.filters import Binding, IndexRows
from daicho.keyring import TenantKeys

CardT = TypeVar("CardT", covariant=True)


class Line(Protocol[CardT]):
    """One opened row."""

    row: Row

    def card(self, role: str | None) -> CardT:
        """The line as the API shows it to ``role``."""
        ...

    def texts(self, role: str | None) -> Mapping[str, Sequence[str]]:
        """The folded texts by which ``role`` finds the record, by class."""
        ...

    def values(self, tags: Sequence[str]) -> Mapping[str, object]:
        """The values that filters look at, by their names in filters."""
        ...

    def kana(self) -> str:
        """What the record is sorted by within its bucket of the index あかさたな."""
        ...


class Lines(ABC, Generic[CardT]):
    """The lines of one resource."""

    resource: ClassVar[Resource]
    plural: ClassVar[str]
    repository: ClassVar[Repository]
    fields: ClassVar[Mapping[str, FieldDefinition]]
    """The product's own fields that filters may name."""
    bindings: ClassVar[Mapping[str, Binding]]
    """Where SQL finds those that are plain; the others are sealed, or folded only in Python."""
    resting: ClassVar[frozenset[str]]
    """Those of them that only the whole row holds."""

    indexed: ClassVar[Mapping[str, Indexed]] = {}
    """The sealed ones that the blind index holds."""

    @abstractmethod
    def open(self, keys: TenantKeys, row: Row, schema: Schema) -> Line[CardT]:
        """``row`` opened; a row without ``rest`` opens to what lists show."""


def definitions_of(lines: Lines[Any], schema: Schema) -> dict[str, FieldDefinition]:
    """Every field that a filter may name, by its name there."""
    custom = {f"custom.{key}": field for key, field in schema.definitions.items()}
    return {**lines.fields, **custom}


def bindings_of(lines: Lines[Any], schema: Schema) -> dict[str, Binding]:
    """Where SQL finds what filters name."""
    custom = {
        f"custom.{key}": custom_binding(lines.resource, field) for key, field in schema.definitions.items()
    }
    return {**lines.bindings, **{name: binding for name, binding in custom.items() if binding is not None}}


def indexed_of(lines: Lines[Any], schema: Schema, indexed: Collection[str]) -> dict[str, Indexed]:
    """What the blind index holds of the fields that filters name: the product's own, and of the custom fields
    ``indexed`` those that no column holds. A long text is indexed in part, so a filter may look past it."""
    custom = {
        f"custom.{key}": Indexed(PHONE if field.type is FieldType.PHONE else TEXT)
        for key, field in schema.definitions.items()
        if key in indexed and field.sensitive and field.type is not FieldType.LONG_TEXT
    }
    return {**lines.indexed, **custom}


def custom_binding(resource: Resource, field: FieldDefinition) -> Binding | None:
    """A custom field in its index table; None for one that has none."""
    kind = index_kind(field)
    if kind is None:
        return None
    table, record = VALUES[kind], model_of(resource).__table__
    same = sa.and_(
        table.c.tenant_id == TENANT,
        table.c.record_id == record.c.id,
        table.c.resource == resource,
        table.c.key == field.key,
    )
    return IndexRows(table.c.value, same)


def tag_binding(resource: Resource) -> Binding:
    """A record's tags."""
    record = model_of(resource).__table__
    same = sa.and_(Tag.tenant_id == TENANT, Tag.record_id == record.c.id, Tag.resource == resource)
    return IndexRows(Tag.__table__.c.folded, same)


def field(
    key: str, kind: FieldType, *, sensitive: bool = False, options: Sequence[str] = ()
) -> FieldDefinition:
    """One of the product's own fields, as filters see it."""
    return FieldDefinition(
        key=key, type=kind, sensitive=sensitive, options=tuple(Option(value) for value in options)
    )
