"""A page that is filled record by record, and what takes long for large ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from daicho.customers.lines import Line
from daicho.customers.repository import Row
from daicho.runtime import in_slices

CardT = TypeVar("CardT")
Item = TypeVar("Item")
Made = TypeVar("Made")

_IN_ONE_GO: Final = 200_000
"""Bytes of records that are opened without a pause: a page of ordinary ones has less, and people wait for it."""


class PageFilling(Generic[CardT]):
    """A page that is being filled, up to ``limit`` records and ``most`` bytes."""

    def __init__(self, limit: int, most: int) -> None:
        self.lines: list[Line[CardT]] = []
        self.last: Any = None
        self._limit, self._left = limit, most

    def takes(self, line: Line[CardT], position: Any) -> bool:
        """Whether ``line`` still fits; if so, it is on the page, which ends at ``position``."""
        self._left -= line.row["size"]
        if len(self.lines) == self._limit or (self.lines and self._left < 0):
            return False
        self.lines.append(line)
        self.last = position
        return True


def size_of(lines: Iterable[Line[Any]]) -> int:
    """Bytes of these records, as they are stored."""
    return sum(line.row["size"] for line in lines)


async def of_each(function: Callable[[Item], Made], items: Sequence[Item], rows: Sequence[Row]) -> list[Made]:
    """``function`` of each of ``items``, which are ``rows`` or made of them; in slices when these are large."""
    if sum(row["size"] for row in rows) > _IN_ONE_GO:
        return await in_slices(function, items)
    return [function(item) for item in items]


def more_candidates(missing: int, found: int, opened: int) -> int:
    """How many candidates to take for ``missing`` records when of those ``opened`` so far ``found`` were such.

    Half as many again as that says: a candidate too many costs little, one too few another look-up. Where hardly any are
    such, the number grows fast, for a look-up costs more than its candidates."""
    most = max(200, 4 * opened)
    return most if not found else min(max(20, missing * opened * 3 // (2 * found)), most)
