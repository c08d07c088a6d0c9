"""Cells that a spreadsheet would take for a formula: made harmless on the way out, restored on the way in."""

from __future__ import annotations

import re
from typing import Final

#: A Japanese spreadsheet takes the full-width signs for the others.
_SIGNS: Final = "=+-@＝＋－＠\t\r\n\0"
_DANGEROUS: Final = re.compile(f"'*[{re.escape(_SIGNS)}]")
_STARTS: Final = (*_SIGNS, "'")


def neutralise(cell: str) -> str:
    """``cell`` with an apostrophe before what a spreadsheet would run; :func:`restore` takes it off again."""
    return "'" + cell if cell.startswith(_STARTS) and _DANGEROUS.match(cell) else cell


def restore(cell: str) -> str:
    """The original of a neutralised cell; any other cell is its own."""
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell
