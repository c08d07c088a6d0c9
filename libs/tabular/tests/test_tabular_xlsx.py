"""Workbooks as spreadsheets write them: which sheet is read, and what its cells become."""

from __future__ import annotations

import datetime as dt
import io
import re

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.styles.numbers import is_date_format as openpyxl_is_date_format
from openpyxl.utils.datetime import from_excel
from workbooks import MAIN, pack, parts, relations, sheet, strings, types

from daicho.tabular import read_xlsx
from daicho.tabular.serial_dates import EPOCH_1900, EPOCH_1904, from_serial
from daicho.tabular.xlsx_escapes import unescape
from daicho.tabular.xlsx_styles import is_date_format


def cells(data: bytes) -> list[list[str]]:
    """The cells of every row."""
    return [texts for _, texts in read_xlsx([data], columns=500)]


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def styled(number_format: int, code: str | None = None) -> bytes:
    """A workbook whose only cell holds 45,000.5 in this number format."""
    own = f'<numFmts><numFmt numFmtId="{number_format}" formatCode="{code}"/></numFmts>' if code else ""
    styles = f'<styleSheet xmlns="{MAIN}">{own}<cellXfs><xf/><xf numFmtId="{number_format}"/></cellXfs></styleSheet>'
    row = sheet('<row><c s="1"><v>45000.5</v></c></row>')
    return pack(parts(styles=styles.encode(), sheet=row))


def test_active_sheet_is_read() -> None:
    book = openpyxl.Workbook()
    for name in ("first", "second", "third"):
        made = book.create_sheet(name)
        made.append([name])
    book.active = 2
    assert cells(saved(book)) == [["second"]]


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


@pytest.mark.parametrize("number_format", [14, 15, 16, 17, 22, 27, 28, 31, 36, 50, 57, 58])
def test_built_in_date_formats_show_dates_japanese_ones_too(number_format: int) -> None:
    assert cells(styled(number_format)) == [["2023-03-15 12:00:00"]]


@pytest.mark.parametrize("number_format", [0, 1, 2, 4, 9, 13, 37, 44, 48, 49, 59, 163])
def test_other_built_in_formats_show_numbers(number_format: int) -> None:
    assert cells(styled(number_format)) == [["45000.5"]]


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("yyyy/mm/dd", True),
        ("[$-411]ggge&quot;年&quot;m&quot;月&quot;d&quot;日&quot;", True),
        ("[h]:mm:ss", True),
        ("#,##0&quot;days&quot;", False),
        ("[Red]0", False),
        ("0_d", False),
        ("@;yyyy", False),
    ],
)
def test_own_formats_show_dates_or_numbers(code: str, is_date: bool) -> None:
    assert cells(styled(164, code)) == [["2023-03-15 12:00:00" if is_date else "45000.5"]]


@example("[d[]")
@given(st.text(st.sampled_from('dmyhs[]"0#;_\\Red年月 .:-/$@'), max_size=20))
def test_formats_are_judged_as_openpyxl_judges_them(code: str) -> None:
    assert is_date_format(code) == openpyxl_is_date_format(code)


@given(st.floats(0, 100_000), st.sampled_from([EPOCH_1900, EPOCH_1904]))
def test_days_are_counted_as_openpyxl_counts_them(serial: float, epoch: dt.datetime) -> None:
    assert from_serial(serial, epoch) == from_excel(serial, epoch)


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
        return str(int(value)) if value.is_integer() else repr(value)
    return "" if value is None else str(value)
