"""Detecting, splitting and mapping a file take time in proportion to its size, whatever its cells hold."""

from __future__ import annotations

import pytest

from daicho.customers.imports.cells import bound_cells
from daicho.customers.imports.detection import Column, detect, find_header
from daicho.customers.imports.fields import CONTACT_FIELDS
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.normalising import RowNormaliser
from daicho.customers.imports.rows import SourceRow
from daicho.testkit.growth import superlinear_growth

CELLS = {
    "address-like": ("a", "@.", " x"),
    "digits and a letter": ("", "1", "x"),
    "dates and a letter": ("", "1年", "x"),
    "link": ("http://", "a", " "),
    "blanks": ("", " ", "x"),
    "brackets": ("", "(", "x"),
    "digits in brackets": ("(", "1", "x"),
    "marks of two classes": ("a", "\u0301\u0316", ""),
}


@pytest.mark.parametrize(("first", "pump", "last"), CELLS.values(), ids=list(CELLS))
def test_detection_is_linear_in_the_length_of_a_cell(first: str, pump: str, last: str) -> None:
    def cell(size: int) -> str:
        return first + pump * (size // len(pump)) + last

    grown = superlinear_growth(lambda text: find_header([[text, "b"], ["1", "2"]]), cell)
    assert grown is None

    def file(size: int) -> list[bytes]:
        return [f"{cell(size)},b\n1,2\n".encode()]

    assert superlinear_growth(detect, file) is None


@pytest.mark.parametrize("name", ["family_name", "family_name_kana", "department", "customer_code"])
@pytest.mark.parametrize("mark", ["\n", "\u2028", "\x85"])
def test_row_with_a_line_end_in_its_name_is_rejected(name: str, mark: str) -> None:
    normaliser = RowNormaliser([Column(0, "列", ())], [ColumnMapping(0, name)], CONTACT_FIELDS)
    row = normaliser.normalise(SourceRow(1, 2, [f"タ{mark}ナカ"]))
    assert [(error.column, error.code) for error in row.errors] == [("列", "control_character")]
    assert normaliser.normalise(SourceRow(1, 2, bound_cells(["\u202aタナカ\u200b"]))).values == {
        name: "タナカ"
    }
