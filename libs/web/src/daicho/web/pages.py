"""How long a page of a list may be: in records, and in bytes, because records differ in size by a factor of thousands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PAGE_BYTES: Final = 1_000_000
"""Bytes of a page's records as they are stored; a page of larger records ends early. A record may have as many."""


def page_length(sizes: Iterable[int], limit: int, most: int = PAGE_BYTES) -> int:
    """How many records of these ``sizes`` make a page: at most ``limit`` and no more than ``most`` bytes, but one at
    least where there is one."""
    length = 0
    for size in sizes:
        most -= size
        if length == limit or (length and most < 0):
            return length
        length += 1
    return length
