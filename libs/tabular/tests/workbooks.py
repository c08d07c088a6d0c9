"""Workbooks made part by part, good ones and hostile ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MEGABYTE = 1_000_000


def types(*overrides: tuple[str, str]) -> bytes:
    """Content types of a workbook whose workbook part is ``/xl/workbook.xml``, and of further parts."""
    listed = "".join(
        f'<Override PartName="{part}" ContentType="{SHEET_TYPE}.{kind}+xml"/>'
        for part, kind in (("/xl/workbook.xml", "sheet.main"), *overrides)
    )
    return f'<Types xmlns="{PACKAGE}/content-types">{listed}</Types>'.encode()


def relations(*targets: tuple[str, str]) -> bytes:
    """Relations (type, target) with the ids rId1, rId2, …"""
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'.encode()


def workbook(*, sheets: int = 1, before: str = "") -> bytes:
    """The workbook part with ``sheets`` sheets, each by the relation of its number."""
    listed = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, sheets + 1))
    return (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{before}<sheets>{listed}</sheets></workbook>'.encode()
    )


def sheet(rows: str = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>') -> bytes:
    """A worksheet with ``rows``."""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def strings(items: str) -> bytes:
    """Shared strings."""
    return f'<sst xmlns="{MAIN}">{items}</sst>'.encode()


def parts(**changed: bytes) -> dict[str, bytes]:
    """The parts of a workbook with one sheet, shared strings and styles; ``changed`` replaces some.

    Names: content_types, root_relations, workbook, workbook_relations, sheet, strings, styles.
    """
    content = {
        "content_types": types(),
        "root_relations": relations(("officeDocument", "xl/workbook.xml")),
        "workbook": workbook(),
        "workbook_relations": relations(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "strings.xml"), ("styles", "styles.xml")
        ),
        "sheet": sheet(),
        "strings": strings("<si><t>shared</t></si>"),
        "styles": f'<styleSheet xmlns="{MAIN}"/>'.encode(),
    }
    names = {
        "content_types": "[Content_Types].xml",
        "root_relations": "_rels/.rels",
        "workbook": "xl/workbook.xml",
        "workbook_relations": "xl/_rels/workbook.xml.rels",
        "sheet": "xl/worksheets/sheet1.xml",
        "strings": "xl/strings.xml",
        "styles": "xl/styles.xml",
    }
    return {names[name]: data for name, data in {**content, **changed}.items()}


def pack(content: Mapping[str, bytes | Iterable[bytes]]) -> bytes:
    """The archive of these parts; a part may come in pieces."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            with archive.open(name, "w") as part:
                for piece in [data] if isinstance(data, bytes) else data:
                    part.write(piece)
    return held.getvalue()


def repeated(before: bytes, each: bytes, count: int, after: bytes = b"") -> Iterator[bytes]:
    """``before``, ``each`` again and again, ``after``: in pieces."""
    yield before
    piece = each * max(1, min(count, MEGABYTE // len(each)))
    while count > 0:
        taken = piece[: len(each) * count]
        yield taken
        count -= len(taken) // len(each)
    yield after
