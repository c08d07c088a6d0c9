"""What reading yields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SourceRow:
    """One data row of a file.

    ``number`` counts data rows from 1. ``line`` is the physical line on which it begins (1-based; only LF ends
    a line, also inside quotes), in xlsx the sheet's row. ``fault`` is what is wrong with the row as a whole
    (``column_count``, ``unclosed_quote``, ``too_long``); ``broken`` lists the cells that hold bytes that do not
    decode. A row that is too long holds only its beginning, in one cell; an unclosed one its line. Other rows
    have the cells of :func:`daicho.customers.imports.cells.bound_cells`; broken cells stay as they are.
    """

    number: int
    line: int
    cells: list[str]
    fault: str | None = None
    broken: tuple[int, ...] = ()

    def readable(self, column: int) -> str:
        """The cell at ``column``; empty where the row, or that cell, is at fault."""
        if self.fault is not None or column in self.broken or column >= len(self.cells):
            return ""
        return self.cells[column]
