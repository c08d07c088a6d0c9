"""How the text of a cell is read and bounded; and cells that a spreadsheet would take for a formula, made harmless on the
way out, restored on the way in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from daicho.fields.definitions import MAX_LONG_TEXT
from daicho.nihongo import drop_unseen, may_hold_unseen, trim, unify_line_ends

LONGEST: Final = MAX_LONG_TEXT
"""Characters of the longest text that a field holds. A cell whose text has more is never stored."""
_CUT: Final = "…"

#: A Japanese spreadsheet takes the full-width signs for the others.
_SIGNS: Final = "=+-@＝＋－＠\t\r\n\0"
_DANGEROUS: Final = re.compile(f"'*[{re.escape(_SIGNS)}]")
_AS_TEXT: Final = re.compile(r'=""([^"]*+)""|="([^"]*+(?:""[^"]*+)*+)"')
_STARTS: Final = (*_SIGNS, "'")


def neutralise(cell: str) -> str:
    """``cell`` with an apostrophe before what a spreadsheet would run; :func:`restore` takes it off again."""
    return "'" + cell if cell.startswith(_STARTS) and _DANGEROUS.match(cell) else cell


def restore(cell: str) -> str:
    """The original of a neutralised cell; any other cell is its own."""
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell


def read_cell(cell: str) -> str:
    """The text of a cell of :func:`bound_cells`: without blanks at its ends, restored, ``="00123"`` as 00123."""
    return unwrap(trim(cell))


def unwrap(text: str) -> str:
    """A trimmed cell without the apostrophe of :func:`neutralise`, or without the ``="…"`` by which programs keep
    spreadsheets from dropping zeros."""
    if text[:1] == "'":
        return trim(restore(text))
    if text[:2] == '="' and (match := _AS_TEXT.fullmatch(text)):
        return trim((match[1] if match[1] is not None else match[2]).replace('""', '"'))
    return text


def bound_cells(cells: list[str]) -> list[str]:
    """``cells`` without invisible characters, none longer than :data:`LONGEST` and an apostrophe and one more.

    A cell that is longer, as it stands, is replaced by the text that :func:`read_cell` finds in it, with line ends as
    LF. If that has more than :data:`LONGEST` characters still, the beginning is left with an ellipsis in place of the
    rest: one character more than any field takes, so that the row is rejected, and whoever looks at it sees the cut.
    """
    row = "".join(cells)
    if may_hold_unseen(row):
        cells = [drop_unseen(cell) for cell in cells]
    elif len(row) <= LONGEST:
        return cells
    return [_bounded(cell) if len(cell) > LONGEST else cell for cell in cells]


def _bounded(cell: str) -> str:
    text = unify_line_ends(read_cell(cell))
    return neutralise(text if len(text) <= LONGEST else text[:LONGEST] + _CUT)


def is_blank(cells: Sequence[str]) -> bool:
    """Whether ``cells`` hold blanks of any width, what shows nothing, or nothing."""
    return all(_shows_nothing(cell) for cell in cells)


def _shows_nothing(cell: str) -> bool:
    if not cell or cell.isspace():
        return True
    return len(cell) <= LONGEST and may_hold_unseen(cell) and not trim(drop_unseen(cell))
