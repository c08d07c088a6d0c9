"""Sheets that no spreadsheet wrote: read with flat memory, or refused."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from openpyxl.utils.datetime import WINDOWS_EPOCH

from daicho.customers.imports.files import FileUnreadable
from daicho.customers.imports.sheet_parsing import MAX_CELL, Row, SheetParser

MEGABYTE = 1_000_000
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


class Source:
    """A file that is made while it is read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")


def parse(*pieces: Iterable[bytes]) -> Iterator[Row]:
    source = Source(itertools.chain([SHEET], *pieces))
    return SheetParser([], (), WINDOWS_EPOCH).parse(source)  # type: ignore[arg-type]  # all that is read of a file


def test_a_cell_of_a_hundred_megabytes_is_cut_to_what_a_cell_can_hold_and_the_next_row_is_read() -> None:
    cell = [b'<row><c t="inlineStr"><is><t>', *[b"x" * MEGABYTE] * 100, b"</t></is></c></row>"]
    after = [b'<row><c t="inlineStr"><is><t>y</t></is></c></row></sheetData></worksheet>']
    tracemalloc.start()
    try:
        rows = list(parse(cell, after))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(number, len(cells[0])) for number, cells in rows] == [(1, MAX_CELL), (2, 1)]
    assert peak < 10 * MEGABYTE


def test_a_tag_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    read = 0

    def tag() -> Iterator[bytes]:
        nonlocal read
        yield b'<row spans="'
        while True:
            read += MEGABYTE
            yield b"1" * MEGABYTE

    with pytest.raises(FileUnreadable):
        list(parse(tag()))
    assert read <= 5 * MEGABYTE
