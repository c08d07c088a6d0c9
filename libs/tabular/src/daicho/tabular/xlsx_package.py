"""Find the parts of a workbook that are read: its active sheet, shared strings and styles.

Parts are found as Excel finds them, through relations (ECMA-376-2, 6.5): the archive's relation to the workbook,
the workbook's relations to the others. Names of parts are ignored.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from daicho.tabular.faults import FileTooComplex, FileUnreadable, FileUnsupported
from daicho.tabular.xlsx_archive import Archive
from daicho.tabular.xml_reader import read_elements

MAX_CONTENT_TYPES: Final = 2 * 1024 * 1024
MAX_RELATIONS: Final = 1024 * 1024
MAX_WORKBOOK: Final = 8 * 1024 * 1024
MAX_LISTED: Final = 20_000
"""Content types, relations of a part, or sheets."""

_CONTENT_TYPES: Final = "[Content_Types].xml"
_WORKBOOK_TYPES: Final = frozenset(
    f"application/vnd.{kind}.main+xml"
    for kind in (
        "openxmlformats-officedocument.spreadsheetml.sheet",
        "openxmlformats-officedocument.spreadsheetml.template",
        "ms-excel.sheet.macroEnabled",
        "ms-excel.template.macroEnabled",
    )
)
_TRUE: Final = ("1", "true", "on", "t")


@dataclass(frozen=True, slots=True)
class WorkbookParts:
    """Names of parts, and the epoch from which the workbook counts days."""

    sheet: str
    strings: str | None
    styles: str | None
    is_1904: bool


@dataclass(frozen=True, slots=True)
class _Relation:
    """A relation's type, without the address before its last word, and the part that it leads to."""

    type: str
    part: str


@dataclass(slots=True)
class _Workbook:
    """Members of the workbook part."""

    is_1904: bool = False
    active: int | None = None
    sheets: list[tuple[str, bool]] = field(default_factory=list)
    """The id of each sheet's relation, and whether the sheet is visible."""


def find_parts(archive: Archive) -> WorkbookParts:
    """The parts of the workbook in ``archive``.

    Raises:
        FileUnsupported: the archive holds something else.
        FileUnreadable, FileTooLarge, FileTooComplex: it is broken, or beyond a limit.
    """
    if _CONTENT_TYPES not in archive:
        raise FileUnsupported
    types, defaults = _read_content_types(archive)
    name = _find_workbook(archive, types, defaults)
    workbook = _read_workbook(archive, name)
    relations = _read_relations(archive, name)
    by_type: dict[str, str] = {}
    for relation in relations.values():
        if relation.part in archive:
            by_type.setdefault(relation.type, relation.part)
    sheet = _active_sheet(archive, workbook, relations)
    return WorkbookParts(sheet, by_type.get("sharedStrings"), by_type.get("styles"), workbook.is_1904)


def _find_workbook(archive: Archive, types: Mapping[str, str], defaults: Mapping[str, str]) -> str:
    found = [each.part for each in _read_relations(archive, "").values() if each.type == "officeDocument"]
    # Some programs write no relation of the archive; then the content types name the workbook.
    found = found or [part for part, kind in types.items() if kind in _WORKBOOK_TYPES]
    name = next((part for part in found if part in archive), None)
    if name is None:
        raise FileUnsupported
    kind = types.get(name.lower()) or defaults.get(name.rpartition(".")[2].lower())
    if kind not in _WORKBOOK_TYPES:
        raise FileUnsupported
    return name


def _read_content_types(archive: Archive) -> tuple[dict[str, str], dict[str, str]]:
    """Content types by part (in small letters), and by ending."""
    types: dict[str, str] = {}
    defaults: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "Override":
            types[attributes.get("PartName", "").lstrip("/").lower()] = attributes.get("ContentType", "")
        elif tag == "Default":
            defaults[attributes.get("Extension", "").lower()] = attributes.get("ContentType", "")
        if len(types) + len(defaults) > MAX_LISTED:
            raise FileTooComplex

    read_elements(archive.open(_CONTENT_TYPES, MAX_CONTENT_TYPES), start)
    return types, defaults


def _read_relations(archive: Archive, part: str) -> dict[str, _Relation]:
    """Relations of ``part`` (of the archive: ``""``) to other parts, by id; none if it has no relations."""
    folder, _, file = part.rpartition("/")
    name = posixpath.join(folder, "_rels", f"{file}.rels")
    found: dict[str, _Relation] = {}
    if name not in archive:
        return found

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(" ")[2] != "Relationship" or attributes.get("TargetMode") == "External":
            return
        target = _resolve(folder, attributes.get("Target", ""))
        kind = attributes.get("Type", "").rpartition("/")[2]
        found[attributes.get("Id", "")] = _Relation(kind, target)
        if len(found) > MAX_LISTED:
            raise FileTooComplex

    read_elements(archive.open(name, MAX_RELATIONS), start)
    return found


def _resolve(folder: str, target: str) -> str:
    """The name of the part that ``target`` means, from a part in ``folder``."""
    path = target if target.startswith("/") else f"/{folder}/{target}"
    return posixpath.normpath(path).lstrip("/")


def _read_workbook(archive: Archive, name: str) -> _Workbook:
    workbook = _Workbook()

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "sheet":
            ids = (value for key, value in attributes.items() if key.endswith("/relationships id"))
            workbook.sheets.append((next(ids, ""), attributes.get("state", "visible") == "visible"))
            if len(workbook.sheets) > MAX_LISTED:
                raise FileTooComplex
        elif tag == "workbookPr":
            workbook.is_1904 = attributes.get("date1904", "").lower() in _TRUE
        elif tag == "workbookView" and workbook.active is None and "activeTab" in attributes:
            workbook.active = _whole(attributes["activeTab"])

    read_elements(archive.open(name, MAX_WORKBOOK), start)
    return workbook


def _active_sheet(archive: Archive, workbook: _Workbook, relations: Mapping[str, _Relation]) -> str:
    """The active sheet; the first visible one if that is hidden, has no cells (a chart) or does not exist; else the first."""
    found = [(relations[each], is_visible) for each, is_visible in workbook.sheets if each in relations]
    sheets = [(each, is_visible) for each, is_visible in found if each.part in archive]
    active = workbook.active or 0
    chosen = sheets[active : active + 1] + sheets
    worksheets = [(each.part, is_visible) for each, is_visible in chosen if each.type == "worksheet"]
    visible = [part for part, is_visible in worksheets if is_visible]
    part = next(iter(visible or [part for part, _ in worksheets]), None)
    if part is None:
        raise FileUnreadable
    return part


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise FileUnreadable
    return int(text)
