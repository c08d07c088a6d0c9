"""A table as delimited text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

MARKS: Final = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}
"""What a file begins with, by encoding."""
CP932_TWINS: Final = dict(zip("〜−—‖¢£¬¥‾¦\u00a0", "～－―∥￠￡￢￥￣￤ ", strict=True))
"""Characters that CP932 has a neighbour for, as Windows itself substitutes them."""


def line_writer(delimiter: str, newline: str) -> Callable[[Sequence[str]], str]:
    """From the cells of a row to its line (RFC 4180)."""
    special = re.compile(f'["\r\n{re.escape(delimiter)}]')

    def write(cells: Sequence[str]) -> str:
        return delimiter.join([_quoted(cell) if special.search(cell) else cell for cell in cells]) + newline

    return write


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'
