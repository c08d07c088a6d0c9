"""Rows of an xlsx as an import reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from daicho.customers.imports.cells import bound_cells, is_blank
from daicho.customers.imports.files import CUT_ROW, MAX_COLUMNS, MAX_ROW
from daicho.customers.imports.rows import SourceRow
from daicho.tabular import Row, read_xlsx


def read_sheet(chunks: Iterable[bytes], header_row: int) -> Iterator[SourceRow]:
    """The data rows below ``header_row`` of the active sheet. Line is the sheet's row.

    A cell that a row lacks is empty; content to the right of the header's last cell is a ``column_count``, more than
    :data:`MAX_ROW` characters are a ``too_long``.

    Raises:
        FileUnsupported, FileTooLarge, FileTooComplex, FileUnreadable.
    """
    width, number = 0, 0
    for line, cells in read_sheet_cells(chunks):
        if line == header_row:
            width = _extent(cells)
        if line <= header_row or is_blank(cells):
            continue
        number += 1
        width = width or len(cells)
        extent = _extent(cells)
        if sum(map(len, cells)) > MAX_ROW:
            yield SourceRow(number, line, ["".join(cells)[:CUT_ROW]], "too_long")
        elif extent > width:
            yield SourceRow(number, line, cells[:extent], "column_count")
        else:
            yield SourceRow(number, line, bound_cells((cells + [""] * (width - len(cells)))[:width]))


def read_sheet_cells(chunks: Iterable[bytes]) -> Iterator[Row]:
    """The rows of the active sheet that have cells, with their numbers, values as text.

    Raises:
        FileUnsupported, FileTooLarge, FileTooComplex, FileUnreadable.
    """
    return read_xlsx(chunks, columns=MAX_COLUMNS)


def _extent(cells: Sequence[str]) -> int:
    return next((index for index in range(len(cells), 0, -1) if cells[index - 1]), 0)
