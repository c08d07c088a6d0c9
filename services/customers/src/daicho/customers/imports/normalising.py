"""A row of a file → values in stored form, or every reason why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from daicho.customers import record_size
from daicho.customers.imports.cells import LONGEST, unwrap
from daicho.customers.imports.detection import Column
from daicho.customers.imports.fields import REQUIRED_ONE_OF
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.rows import SourceRow
from daicho.fields import FieldDefinition, FieldType, FieldValidator, Refused, Resolve
from daicho.nihongo import Unreadable, is_mobile, narrow, split_address, split_company, split_extension, trim

_SURELY_SMALL: Final = record_size.LARGEST // 4
"""Characters of a row whose values are within a record's size; a character takes four bytes at most."""
_TAG_MARKS: Final = "、,，;；\n"
_TAG: Final = re.compile(
    rf'[ \t\u3000\u00a0]++|"((?:[^"]++|"")*+)"(?=[ \u3000\u00a0]*+(?:[{_TAG_MARKS}\t]|$))|([^{_TAG_MARKS}\t]++)'
)
"""Blanks, a tag in quotes, or one without: the next that a cell holds."""
_WRAPPED: Final = ("'", "=")
_ERROR_WORDS: Final = frozenset(
    [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#BLOCKED!",
        "#CONNECT!",
        "#UNKNOWN!",
        "#BUSY!",
        "#GETTING_DATA",
        "#PYTHON!",
        "#EXTERNAL!",
        "#ERROR!",
    ]
)
_LONGEST_WORD: Final = 20
_PHONES: Final = frozenset({"phone", "mobile", "fax"})
_NAMES: Final = frozenset({"full_name", "family_name", "given_name", "full_name_kana"})
_LONGEST_NAME: Final = 500
"""Characters of a name in which honorifics and companies are looked for; no field of names holds more."""
_LATIN: Final = re.compile("[\x20-\x7e\u00a0-\u024f\u2019]+")
_HONORIFIC: Final = re.compile(
    r"(?:(?<=\S)様|(?<=\S\S)(?:さん|先生|御中)|(?<=\S\S\S)殿|(?<=\s)(?:様|殿|さま|さん|先生|御中|サマ|サン)|[\s-]sama|-san)\Z",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)(?:\.\s*+|\s++)(?=\S)", re.IGNORECASE)
_FOREIGN_FORM: Final = re.compile(r"(?<=[\s,])(?:Inc|Ltd|LLC|Corp|Corporation|K\.K|GmbH)\.?\Z", re.IGNORECASE)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
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
        mapped = {name for _, name in chosen}
        self._width = max(self._names, default=-1) + 1
        self._is_contact = not mapped.isdisjoint(REQUIRED_ONE_OF["contact"])
        self._keeps_extensions = "notes" in fields
        self._extensions: list[str] = []
        self._readers: list[tuple[int, str, str, bool, Callable[[str], Any]]] = [
            (
                column,
                name,
                self._names.get(column, ""),
                fields[name].required,
                self._reader(
                    name,
                    self._names.get(column, ""),
                    _value_reader(name, fields[name], (resolve or {}).get(name)),
                ),
            )
            for column, name in sorted(chosen)
        ]

        self._parts_address = "address.street" in mapped and "address.city" not in mapped

    def normalise(self, row: SourceRow) -> NormalisedRow:
        """Values and errors of ``row``, errors in the order of columns. A text that was cut is always an error."""
        if row.fault is not None:
            return self._refused(row, row.fault)
        values: dict[str, Any] = {}
        errors: list[CellError] = []
        cells, broken = row.cells, row.broken
        for index, name, column, required, read in self._readers:
            if broken and index in broken:
                continue
            cell = cells[index]
            if cell:
                cell = trim(cell)
                if cell[:1] in _WRAPPED:  # read_cell, without a call for every cell
                    cell = unwrap(cell)
            if not cell:
                values[name] = None
                if required:
                    errors.append(CellError(column, "required"))
                continue
            try:
                values[name] = (
                    read(cell) if len(cell) <= LONGEST and cell[0] not in "#＃" else _read_odd(read, cell)
                )
            except Unreadable as unreadable:
                params = unreadable.params if isinstance(unreadable, Refused) else {}
                errors.append(CellError(column, unreadable.code, params))
        self._note_extensions(values)
        if self._parts_address:
            part_address(values)
        errors += _size_errors(cells, values)
        return NormalisedRow(row.number, row.line, values, self._with_broken(errors, broken))

    def _refused(self, row: SourceRow, fault: str) -> NormalisedRow:
        params: dict[str, str | int] = {}
        if fault == "column_count":
            params = {"expected": self._width, "found": len(row.cells)}
        return NormalisedRow(row.number, row.line, {}, [CellError(None, fault, params)])

    def _note_extensions(self, values: dict[str, Any]) -> None:
        """Move the extensions of this row's numbers to the end of its notes."""
        for text in self._extensions:
            values["notes"] = f"{values['notes']}\n{text}" if values.get("notes") else text
        self._extensions.clear()

    def _reader(self, name: str, column: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
        """``read``, for names and telephones after what people write around them."""
        if name in _NAMES:
            return lambda cell: read(self._person(name, cell))
        if name not in _PHONES or not self._keeps_extensions:
            return read

        def read_number(cell: str) -> Any:
            number, extension = split_extension(cell)
            found = read(number)
            if extension is not None:
                self._extensions.append(f"{column or name}：内線 {extension}")
            return found

        return read_number

    def _person(self, name: str, cell: str) -> str:
        """A person's name without an honorific; a company's name is refused."""
        if len(cell) > _LONGEST_NAME:
            return cell
        may_be_company = name in ("full_name", "family_name") and self._is_contact
        if may_be_company and (split_company(cell).form is not None or _FOREIGN_FORM.search(cell)):
            raise Refused("company_in_name")
        return drop_honorific(cell)

    def _with_broken(self, errors: list[CellError], broken: tuple[int, ...]) -> list[CellError]:
        if not broken:
            return errors
        order = {name: index for index, name in self._names.items()}
        errors += [CellError(self._names.get(index), "undecodable") for index in broken]
        return sorted(errors, key=lambda error: order.get(error.column or "", -1))


def _value_reader(name: str, field: FieldDefinition, resolve: Resolve | None) -> Callable[[str], Any]:
    """The function that makes a trimmed cell a value. A custom field of one line takes a cell of several lines with blanks
    between them."""
    read = FieldValidator(field, resolve).from_trimmed
    if not name.startswith("custom.") or field.type is not FieldType.TEXT or field.format is not None:
        return read
    return lambda cell: read(_LINE_END.sub(" ", cell) if _LINE_END.search(cell) else cell)


def refuse_error_value(cell: str) -> None:
    """Raise Refused when ``cell`` is a spreadsheet's error word, such as #N/A."""
    word = narrow(cell).upper() if len(cell) <= _LONGEST_WORD else ""
    if word in _ERROR_WORDS:
        raise Refused("error_value", word=word)


def drop_honorific(name: str) -> str:
    """``name`` without 様, 殿, さん, 先生, 御中, -sama at its end, and without Mr., Ms. and the like before it."""
    plain = _TITLE.sub("", name, count=1) if _TITLE.match(name) else name
    return _HONORIFIC.sub("", plain).strip() or name


def _read_odd(read: Callable[[str], Any], text: str) -> Any:
    """The value of a text that may be an error word, or that was cut and is refused: for what ``read`` says is wrong
    with it, else as too long."""
    refuse_error_value(text)
    value = read(text)
    if len(text) > LONGEST:
        raise Refused("too_long", maximum=LONGEST)
    return value


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

    Empty cells are left out; ``owner`` becomes ``owner_id``. A mobile number in a file's only column of telephones is a
    contact's mobile one.
    """
    document: dict[str, Any] = {}
    if resource == "contact" and "mobile" not in values and is_mobile(values.get("phone") or ""):
        values = {("mobile" if name == "phone" else name): value for name, value in values.items()}
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
    """Family and given name, parted by the first blank of any width, or by the comma of a Latin name (Smith, John);
    a name without one is a family name."""
    before, comma, after = full.partition(",")
    if comma and after.strip() and before.strip() and _LATIN.fullmatch(full):
        return before.strip(), after.strip()
    family, *given = full.split(None, 1)
    return family, given[0].strip() if given else None


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
