"""Which column goes into which field: a suggestion from the headers, and the check of what the user chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daicho.customers.imports.detection import Column
from daicho.customers.imports.fields import REQUIRED_ONE_OF
from daicho.customers.imports.headers import FIELD_OF_HEADER, header_key
from daicho.faults import FieldFault, listed
from daicho.fields import FieldDefinition

NAMELESS: Final = {"contact": "name_unmapped", "company": "company_unmapped"}
"""The code when no column is a new record's name."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """The column at ``column`` (from 0) goes into ``field``; None leaves it out."""

    column: int
    field: str | None


def suggest_mapping(
    columns: Sequence[Column], resource: str, custom: Iterable[FieldDefinition] = ()
) -> list[ColumnMapping]:
    """A field for each column whose header is known. Each field is suggested once, for its first column."""
    field_of = header_reader(resource, custom)
    taken: set[str] = set()
    found = []
    for column in columns:
        name = field_of(column.name)
        if name in taken:
            name = None
        if name:
            taken.add(name)
        found.append(ColumnMapping(column.index, name))
    return _without_doubled_names(found)


def header_reader(resource: str, custom: Iterable[FieldDefinition] = ()) -> Callable[[str], str | None]:
    """From a header to the field that it means, in Japanese or English, or by a custom field's label or key.

    A custom field of that very name comes first.
    """
    own: dict[str, str] = {}
    exact: dict[str, str] = {}
    for field in custom:
        name = f"custom.{field.key}"
        exact[name] = name
        for spelling in (field.label, field.key, name):
            if spelling:
                own.setdefault(header_key(spelling), name)

    def read(header: str) -> str | None:
        key = header_key(header)
        return exact.get(header) or own.get(key) or FIELD_OF_HEADER[resource].get(key)

    return read


def _without_doubled_names(found: list[ColumnMapping]) -> list[ColumnMapping]:
    """A full name beside a family name is left out: the parts say it better."""
    fields = {mapping.field for mapping in found}
    left_out = {f"full_name{kana}" for kana in ("", "_kana") if f"family_name{kana}" in fields}
    return [ColumnMapping(each.column, None) if each.field in left_out else each for each in found]


def check_mapping(
    mapping: Sequence[ColumnMapping],
    columns: Sequence[Column],
    resource: str,
    fields: Mapping[str, FieldDefinition],
    *,
    role: str | None = None,
    updates_only: bool = False,
) -> tuple[FieldFault, ...]:
    """What is wrong with a mapping; pointers lead to ``/mapping/<n>/column`` or ``…/field``.

    With ``updates_only`` rows find their records by a key, and none need say a name.
    """
    faults = [*_each(mapping, {column.index: column.name for column in columns}, fields, role)]
    if not faults and not updates_only and not has_name(mapping, resource):
        faults.append(FieldFault("/mapping", NAMELESS[resource]))
    return tuple(faults)


def unmapped_required(
    mapping: Iterable[ColumnMapping], custom: Iterable[FieldDefinition], role: str | None
) -> list[FieldFault]:
    """A fault for each required custom field that ``role`` may fill, and no column and no default does."""
    mapped = {each.field for each in mapping}
    return [
        FieldFault(f"/mapping/custom.{each.key}", "field_unmapped", {"label": each.label or each.key})
        for each in custom
        if each.required
        and each.default is None
        and each.is_writable(role)
        and f"custom.{each.key}" not in mapped
    ]


def has_name(mapping: Iterable[ColumnMapping], resource: str) -> bool:
    """Whether new records can be made of what is mapped."""
    return not REQUIRED_ONE_OF[resource].isdisjoint(each.field for each in mapping)


def _each(
    mapping: Sequence[ColumnMapping],
    names: Mapping[int, str],
    fields: Mapping[str, FieldDefinition],
    role: str | None,
) -> Iterator[FieldFault]:
    columns: set[int] = set()
    taken: dict[str, str] = {}
    for number, each in enumerate(mapping):
        name = names.get(each.column)
        if name is None:
            yield FieldFault(f"/mapping/{number}/column", "unknown_column")
        elif each.column in columns:
            yield FieldFault(f"/mapping/{number}/column", "column_twice", {"column": name})
        columns.add(each.column)
        if each.field is None:
            continue
        field = fields.get(each.field)
        if field is None or not field.is_readable(role):
            known = listed((name for name, each in fields.items() if each.is_readable(role)), most=60)
            yield FieldFault(f"/mapping/{number}/field", "unknown_field", {"known": known})
        elif not field.is_writable(role):
            yield FieldFault(f"/mapping/{number}/field", "not_permitted")
        elif each.field in taken:
            params = {"column": name or "", "other": taken[each.field]}
            yield FieldFault(f"/mapping/{number}/field", "field_twice", params)
        taken.setdefault(each.field, name or "")
