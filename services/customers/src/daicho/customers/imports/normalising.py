"""A row of a file → values in stored form, or every reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Never

import msgspec

from daicho.customers import record_size
from daicho.customers.imports.cells import LONGEST, restore
from daicho.customers.imports.detection import Column
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.rows import SourceRow
from daicho.fields import FieldDefinition, FieldValidator, Refused, Resolve
from daicho.nihongo import Unreadable, split_address, trim

_SURELY_SMALL: Final = record_size.LARGEST // 4
"""Characters of a row whose values are within a record's size; a character takes four bytes at most."""
_TAG_MARKS: Final = "、,，;；\n"
_TAG: Final = re.compile(
    rf'[ \t\u3000\u00a0]++|"((?:[^"]++|"")*+)"(?=[ \u3000\u00a0]*+(?:[{_TAG_MARKS}\t]|$))|([^{_TAG_MARKS}\t]++)'
)
"""Blanks, a tag in quotes, or one without: the next that a cell holds."""
_QUOTED: Final = re.compile(f'["{_TAG_MARKS}\t]')


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing wrong with a row. ``column`` is the header's text, None when it is the whole row."""

    column: str | None
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(slots=True)
class NormalisedRow:
    """``values`` by field name, with None for an empty cell; to be used only when there are no ``errors``."""

    number: int
    line: int
    values: dict[str, Any]
    errors: list[CellError]


class RowNormaliser:
    """Turns the rows of one file into values. ``resolve`` finds users and records by what cells call them."""

    def __init__(
        self,
        columns: Sequence[Column],
        mapping: Sequence[ColumnMapping],
        fields: Mapping[str, FieldDefinition],
        resolve: Mapping[str, Resolve] | None = None,
    ) -> None:
        self._names = {column.index: column.name for column in columns}
        chosen = [(each.column, each.field) for each in mapping if each.field is not None]
        self._readers: list[tuple[int, str, str, bool, Callable[[str], Any]]] = [
            (
                column,
                name,
                self._names.get(column, ""),
                fields[name].required,
                FieldValidator(fields[name], (resolve or {}).get(name)).from_trimmed,
            )
            for column, name in sorted(chosen)
        ]

        mapped = {name for _, name in chosen}
        self._parts_address = "address.street" in mapped and "address.city" not in mapped

    def normalise(self, row: SourceRow) -> NormalisedRow:
        """Values and errors of ``row``, errors in the order of columns. A text that was cut is always an error."""
        if row.fault is not None:
            return NormalisedRow(row.number, row.line, {}, [CellError(None, row.fault)])
        values: dict[str, Any] = {}
        errors: list[CellError] = []
        cells, broken = row.cells, row.broken
        for index, name, column, required, read in self._readers:
            if broken and index in broken:
                continue
            cell = cells[index]
            if cell:
                cell = trim(cell)
                if cell[:1] == "'":  # read_cell, without a call for every cell
                    cell = trim(restore(cell))
            if not cell:
                values[name] = None
                if required:
                    errors.append(CellError(column, "required"))
                continue
            try:
                values[name] = read(cell) if len(cell) <= LONGEST else _refuse_cut(read, cell)
            except Unreadable as unreadable:
                params = unreadable.params if isinstance(unreadable, Refused) else {}
                errors.append(CellError(column, unreadable.code, params))
        if self._parts_address:
            part_address(values)
        errors += _size_errors(cells, values)
        return NormalisedRow(row.number, row.line, values, self._with_broken(errors, broken))

    def _with_broken(self, errors: list[CellError], broken: tuple[int, ...]) -> list[CellError]:
        if not broken:
            return errors
        order = {name: index for index, name in self._names.items()}
        errors += [CellError(self._names.get(index), "undecodable") for index in broken]
        return sorted(errors, key=lambda error: order.get(error.column or "", -1))


def _refuse_cut(read: Callable[[str], Any], text: str) -> Never:
    """Raises Unreadable for a text that was cut: what ``read`` says is wrong with it, else that it is too long."""
    read(text)
    raise Refused("too_long", maximum=LONGEST)


def _size_errors(cells: Sequence[str], values: dict[str, Any]) -> list[CellError]:
    if sum(map(len, cells)) <= _SURELY_SMALL or len(msgspec.json.encode(values)) <= record_size.LARGEST:
        return []
    return [CellError(None, record_size.CODE)]


def part_address(values: dict[str, Any]) -> None:
    """What stands in ``address.street`` goes to the members of the address that have no value of their own."""
    if not values.get("address.street"):
        return
    building = values.get("address.building")
    parts = split_address(
        values["address.street"], values.get("address.prefecture"), part_building=not building
    )
    values["address.street"] = parts.street
    for name in ("postal_code", "prefecture", "city", "building"):
        if not values.get(f"address.{name}") and (part := getattr(parts, name)):
            values[f"address.{name}"] = part


def as_document(values: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """Flat values by field name as the members of a contact or a company on the REST API.

    Empty cells are left out; ``owner`` becomes ``owner_id``.
    """
    document: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        head, _, rest = name.partition(".")
        if rest:
            document.setdefault(head, {})[rest] = value
        elif name == "owner":
            document["owner_id"] = value
        elif name == "tags":
            document["tags"] = split_tags(value)
        else:
            document[name] = value
    return _contact(document) if resource == "contact" else document


def _contact(document: dict[str, Any]) -> dict[str, Any]:
    if email := document.pop("email", None):
        document["emails"] = [{"kind": "work", "address": email}]
    numbers = [
        (kind, document.pop(name, None))
        for name, kind in (("phone", "work"), ("mobile", "mobile"), ("fax", "fax"))
    ]
    phones = [{"kind": kind, "number": number} for kind, number in numbers if number]
    if phones:
        document["phones"] = phones
    for suffix in ("", "_kana"):
        if full := document.pop(f"full_name{suffix}", None):
            family, given = split_full_name(full)
            document.setdefault(f"family_name{suffix}", family)
            if given:
                document.setdefault(f"given_name{suffix}", given)
    return document


def split_full_name(full: str) -> tuple[str, str | None]:
    """Family and given name, parted by the first blank of either width; a name without one is a family name."""
    family, _, given = full.replace("\u3000", " ").partition(" ")
    return family, given.strip() or None


def split_tags(text: str) -> list[str]:
    """Tags parted by commas, 、 semicolons or line ends, each once; one that holds such a mark stands in quotes."""
    if '"' not in text:
        for separator in _TAG_MARKS:
            text = text.replace(separator, "\t")
        return list(dict.fromkeys(tag for part in text.split("\t") if (tag := trim(part))))
    found = (trim(each[2] or (each[1] or "").replace('""', '"')) for each in _TAG.finditer(text))
    return list(dict.fromkeys(tag for tag in found if tag))


def join_tags(tags: Sequence[str]) -> str:
    """The text that :func:`split_tags` reads as ``tags``."""
    return "、".join('"' + tag.replace('"', '""') + '"' if _QUOTED.search(tag) else tag for tag in tags)
