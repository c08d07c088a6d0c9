"""A table as delimited text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

MARKS: Final = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}
"""What a file begins with, by encoding."""
CP932_TWINS: Final = dict(zip("〜−—‖¢£¬¥‾¦\u00a0", "～－―∥￠￡￢￥￣￤ ", strict=True))
"""Characters that CP932 has a neighbour for, as Windows itself substitutes them."""

_SPECIAL: Final = re.compile('["\r\n]')


def line_writer(delimiter: str, newline: str) -> Callable[[Sequence[str]], str]:
    """From the cells of a row to its line (RFC 4180)."""

    def write(cells: Sequence[str]) -> str:
        return delimiter.join([_quoted(cell) if is_special(cell) else cell for cell in cells]) + newline

    def is_special(cell: str) -> bool:
        return delimiter in cell or _SPECIAL.search(cell) is not None

    return write


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
