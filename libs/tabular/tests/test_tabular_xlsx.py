"""Workbooks as spreadsheets write them: which sheet is read, and what its cells become."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbooks import MAIN, pack, parts, relations, sheet, strings, types

from daicho.tabular import read_xlsx
from daicho.tabular.xlsx_escapes import unescape


def cells(data: bytes) -> list[list[str]]:
    """The cells of every row."""
    return [texts for _, texts in read_xlsx([data], columns=500)]


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_active_sheet_is_read() -> None:
    book = openpyxl.Workbook()
    for name in ("first", "second", "third"):
        made = book.create_sheet(name)
        made.append([name])
    book.active = 2
    assert cells(saved(book)) == [["second"]]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_first_visible_sheet_is_read_when_the_active_one_is_hidden(state: str) -> None:
    book = openpyxl.Workbook()
    for name in ("first", "second"):
        book.create_sheet(name).append([name])
    for sheet_of_book in book.worksheets[:2]:
        sheet_of_book.sheet_state = state
    book.active = 1
    assert cells(saved(book)) == [["second"]]


def test_hidden_sheet_is_read_when_no_other_is_there() -> None:
    changed = parts()["xl/workbook.xml"].replace(b"<sheet ", b'<sheet state="hidden" ')
    assert cells(pack(parts(workbook=changed))) == [["a"]]


def test_first_sheet_is_read_when_a_chart_is_active() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["cells"])
    book.create_chartsheet("chart", 0)
    book.active = 0
    assert cells(saved(book)) == [["cells"]]


def test_active_sheet_that_does_not_exist_means_the_first() -> None:
    data = saved(openpyxl.Workbook())
    content = parts(sheet=sheet(), workbook=parts()["xl/workbook.xml"])
    changed = content["xl/workbook.xml"].replace(
        b"<sheets>", b'<bookViews><workbookView activeTab="9"/></bookViews><sheets>'
    )
    assert cells(pack({**content, "xl/workbook.xml": changed})) == [["a"]]
    assert cells(data) == []


def test_parts_are_found_by_relations_under_any_name() -> None:
    data = pack(
        {
            "[Content_Types].xml": types().replace(b"/xl/workbook.xml", b"/a/Book.XML"),
            "_rels/.rels": relations(("officeDocument", "/a/book.xml")),
            "a/book.xml": parts()["xl/workbook.xml"],
            "a/_rels/book.xml.rels": relations(("worksheet", "../b/1"), ("sharedStrings", "/c")),
            "b/1": sheet('<row><c t="s"><v>0</v></c></row>'),
            "c": strings("<si><t>found</t></si>"),
        }
    )
    assert cells(data) == [["found"]]


def test_strict_workbook_is_read() -> None:
    old, new = MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    strict = b"http://purl.oclc.org/ooxml/officeDocument/relationships"
    content = {
        name: data.replace(old, new).replace(office, strict)
        for name, data in parts(sheet=sheet('<row><c t="s"><v>0</v></c></row>')).items()
    }
    assert cells(pack(content)) == [["shared"]]


def test_days_count_from_1904_where_the_workbook_says_so() -> None:
    book = openpyxl.Workbook()
    book.epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001 (a sheet has no zones)
    assert book.active is not None
    book.active.append([dt.date(2024, 4, 1)])
    assert cells(saved(book)) == [["2024-04-01"]]


def test_strings_are_joined_from_their_runs_without_readings() -> None:
    shared = strings(
        '<si><r><t>田</t></r><r><t xml:space="preserve">中 </t></r><rPh sb="0" eb="2"><t>タナカ</t></rPh></si>'
    )
    row = sheet('<row><c t="s"><v>0</v></c></row>')
    assert cells(pack(parts(strings=shared, sheet=row))) == [["田中 "]]


def test_content_behind_the_rows_is_not_read() -> None:
    behind = sheet().replace(b"</worksheet>", b"<sheetData/><broken")
    assert cells(pack(parts(sheet=behind))) == [["a"]]


@given(
    st.lists(
        st.lists(
            st.one_of(st.none(), st.text("aあ髙 <&>_xD5F\n", max_size=8), st.floats(-1e9, 1e9)), max_size=5
        ),
        max_size=5,
    )
)
def test_shared_strings_are_read_as_openpyxl_reads_them(table: list[list[object]]) -> None:
    """No digit but in ``5``: openpyxl writes what looks like an escape as it is and does not decode it either."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [["x"], *table]:
        book.active.append(row)
    data = saved(book)
    theirs = openpyxl.load_workbook(io.BytesIO(data)).active
    assert theirs is not None
    mine = dict(read_xlsx([data], columns=500))
    for number, values in enumerate(theirs.iter_rows(values_only=True), 1):
        texts = mine.get(number, [])
        shown = [_shown(value) for value in values]
        assert texts + [""] * (len(values) - len(texts)) == shown


ESCAPES = [
    ("_x005F_x000D_", "_x000D_"),
    ("前_x0000_後_x001F_", "前後"),
    ("a_x000D__x000A_b_x0009_", "a\r\nb\t"),
    ("_x3042_と_x9AD9_", "あと髙"),
    ("_xD842__xDFB7_野", "𠮷野"),
    ("_xD842_野", "野"),
    ("_x00G0_ _x000d", "_x00G0_ _x000d"),
]


@pytest.mark.parametrize(("stored", "text"), ESCAPES)
def test_escapes_are_decoded_once(stored: str, text: str) -> None:
    assert unescape(stored) == text
    shared = pack(
        parts(
            strings=strings(f"<si><t xml:space='preserve'>{stored}</t></si>"),
            sheet=sheet('<row><c t="s"><v>0</v></c></row>'),
        )
    )
    inline = pack(parts(sheet=sheet(f'<row><c t="inlineStr"><is><t>{stored}</t></is></c></row>')))
    for data in (shared, inline):
        assert cells(data) == [[text]]


@given(st.text("あ_x0D5Ff\n", max_size=12))
def test_text_that_is_escaped_comes_back(text: str) -> None:
    stored = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    assert unescape(stored) == text


def _shown(value: object) -> str:
    if isinstance(value, float):
        return format(Decimal(f"{value or 0.0:.15g}"), "f")
    return "" if value is None else str(value)
