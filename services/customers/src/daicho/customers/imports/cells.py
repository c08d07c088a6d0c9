"""Cells that a spreadsheet would take for a formula: made harmless on the way out, restored on the way in."""

from __future__ import annotations

import re
from typing import Final

_DANGEROUS: Final = re.compile("'*[=+\\-@\t\r\0]")
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "'")


def neutralise(cell: str) -> str:
    """``cell`` with an apostrophe before what a spreadsheet would run; :func:`restore` takes it off again."""
    return "'" + cell if cell.startswith(_STARTS) and _DANGEROUS.match(cell) else cell


def restore(cell: str) -> str:
    """The original of a neutralised cell; any other cell is its own."""
    return cell[1:] if cell.startswith("'") and _DANGEROUS.match(cell) else cell
