"""Merged cells hold for the rows that they cover."""

from __future__ import annotations

import openpyxl
import pytest
from test_tabular_xlsx import cells, saved
from workbooks import pack, parts, sheet

from daicho.tabular import FileTooComplex, read_xlsx
from daicho.tabular.xlsx_merged import MAX_MERGED, MergedCells


def merged(rows: list[list[object]], *ranges: str) -> list[list[str]]:
    """The cells of a workbook with merged cells."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    for each in ranges:
        book.active.merge_cells(each)
    return cells(saved(book))


def test_merged_cell_holds_for_every_row_that_it_covers() -> None:
    rows = [["会社", "姓"], ["みどり", "山田"], [None, "佐藤"], [None, "鈴木"], [None, "田中"]]
    read = merged(rows, "A2:A4")
    assert read == [["会社", "姓"], ["みどり", "山田"], ["みどり", "佐藤"], ["みどり", "鈴木"], ["", "田中"]]


def test_row_without_a_text_of_its_own_stays_empty() -> None:
    rows = [["a", "b"], ["x", "1"], [None, None], [None, "3"]]
    assert [each for each in merged(rows, "A2:A4") if any(each)] == [["a", "b"], ["x", "1"], ["x", "3"]]


def test_cell_merged_over_columns_stands_in_the_first() -> None:
    rows = [["表題", None, None], [None, None, None], ["a", "b", "c"], ["x", None, "1"], [None, None, "2"]]
    read = [each for each in merged(rows, "A1:C2", "A4:B5") if any(each)]
    assert read == [["表題"], ["a", "b", "c"], ["x", "", "1"], ["x", "", "2"]]


def test_cells_right_of_the_rows_own_are_filled() -> None:
    rows = [["a", "b", "c"], ["1", "2", "全員"], ["3"]]
    assert merged(rows, "C2:C3") == [["a", "b", "c"], ["1", "2", "全員"], ["3", "", "全員"]]


def test_ranges_that_are_none_are_passed_over() -> None:
    refs = ["", "A1", "A2:", "2:3", "A3:A1", "A1:A99999999", "ZZZZ1:ZZZZ2"]
    found = MergedCells()
    for each in refs:
        found.add(each)
    row = ["x"]
    found.fill(1, row)
    found.fill(2, later := ["", "y"])
    assert later == ["", "y"]


def test_too_many_merged_cells_are_refused() -> None:
    found = MergedCells()
    for number in range(1, MAX_MERGED + 1):
        found.add(f"A{number}:B{number + 1}")
    with pytest.raises(FileTooComplex):
        found.add("C1:C2")


def test_long_text_that_is_merged_over_too_many_rows_is_refused() -> None:
    rows = "".join(f"<row><c r='B{number}'><v>1</v></c></row>" for number in range(2, 1_000))
    long = f"<row><c r='A1' t='inlineStr'><is><t>{'x' * 32_767}</t></is></c></row>"
    content = parts(sheet=sheet(long + rows))
    part = next(
        name for name in content if "sheet" in name and name.endswith(".xml") and "worksheets" in name
    )
    content[part] = content[part].replace(
        b"</sheetData>", b"</sheetData><mergeCells><mergeCell ref='A1:A1048576'/></mergeCells>"
    )
    with pytest.raises(FileTooComplex):
        list(read_xlsx([pack(content)], columns=500))
