"""Detecting, splitting and mapping a file take time in proportion to its size, whatever its cells hold."""

from __future__ import annotations

import pytest

from daicho.customers.imports.detection import detect, find_header
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
