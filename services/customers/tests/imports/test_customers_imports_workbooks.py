"""Reading workbooks: values as people see them, and archives made to harm."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.customers.imports.detection import detect
from daicho.customers.imports.files import (
    FileFormat,
    FileKind,
)
from daicho.customers.imports.reading import read_rows
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.customers.imports.sheets import read_sheet_cells
from daicho.tabular import FileUnreadable, FileUnsupported


def archive(parts: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return held.getvalue()


def test_an_archive_that_is_no_workbook_is_refused() -> None:
    with pytest.raises(FileUnsupported):
        detect([archive({"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"})])


def test_garbage_in_a_workbook_is_unreadable_not_an_error_of_ours() -> None:
    good = b"".join(write_sheet([["姓"], ["田中"]]))
    with zipfile.ZipFile(io.BytesIO(good)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"):
        with pytest.raises(FileUnreadable):
            list(read_rows([archive({**parts, name: b"<broken"})], FileFormat(kind=FileKind.XLSX)))


def test_a_row_number_that_no_sheet_has_is_refused() -> None:
    good = b"".join(write_sheet([["姓"], ["田中"]]))
    with zipfile.ZipFile(io.BytesIO(good)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(
        b'<row r="2">', b'<row r="999999999">'
    )
    with pytest.raises(FileUnreadable):
        list(read_rows([archive(parts)], FileFormat(kind=FileKind.XLSX)))


def test_numbers_dates_and_truth_in_a_sheet_become_text() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "c", "d", "e", "f"])
    book.active.append([1234567, 1.5, 2.0, dt.date(2024, 4, 1), dt.datetime(2024, 4, 1, 9, 30), True])  # noqa: DTZ001 (a sheet has no zones)
    held = io.BytesIO()
    book.save(held)
    rows = list(read_rows([held.getvalue()], FileFormat(kind=FileKind.XLSX)))
    assert rows[0].cells == ["1234567", "1.5", "2", "2024-04-01", "2024-04-01 09:30:00", "TRUE"]


def test_the_reading_of_furigana_is_not_part_of_a_cell() -> None:
    good = b"".join(write_sheet([["姓"], ["田中"]]))
    with zipfile.ZipFile(io.BytesIO(good)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    ruby = '田中</t><rPh sb="0" eb="2"><t>タナカ</t></rPh><phoneticPr fontId="1"/>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("田中</t>", ruby).encode()
    rows = list(read_rows([archive(parts)], FileFormat(kind=FileKind.XLSX)))
    assert rows[0].cells == ["田中"]


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(-(10**9), 10**9),
                st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
                st.dates(dt.date(1950, 1, 1), dt.date(2090, 1, 1)),
                st.text("aあ髙 <&>\n", max_size=5),
            ),
            max_size=4,
        ),
        max_size=5,
    )
)
def test_a_sheet_is_read_as_openpyxl_reads_it(table: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [["x"], *table]:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    cells = dict(read_sheet_cells([held.getvalue()]))
    theirs = openpyxl.load_workbook(io.BytesIO(held.getvalue()), data_only=True).active
    assert theirs is not None
    for number, row in enumerate(theirs.iter_rows(values_only=True), 1):
        mine = cells.get(number, [])
        assert mine + [""] * (len(row) - len(mine)) == [shown(value) for value in row]


def shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case dt.datetime():
            return value.date().isoformat()
        case _:
            return str(value)
