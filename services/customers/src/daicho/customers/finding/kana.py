"""The order of kana: plain up to the first kana of 姓; inside such a bucket, rows are opened and sorted in memory."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.finding.orders import Position, run
from daicho.customers.model import Contact
from daicho.nihongo import KANA_BUCKETS
from daicho.runtime import in_slices
from daicho.web import page_length

if TYPE_CHECKING:
    from daicho.customers.finding.finder import Look, Page
    from daicho.customers.lines import Line

CardT = TypeVar("CardT")

MOST_SORTED: Final = 20_000
_IDS = 1_000
"""How many ids one query gives."""
_Key = tuple[str, int]
"""The kana, and the id as a number: it compares in a tenth of an id's time, and many are called alike."""
BUCKETS: Final = (*KANA_BUCKETS, "")
"""The last one holds those without kana."""


def in_bucket(bucket: str) -> sa.ColumnElement[bool]:
    """The contacts of one bucket; the empty one is theirs who have no kana."""
    column = Contact.__table__.c.first_kana
    return column.is_(None) if bucket == "" else column == bucket


async def page(look: Look[CardT]) -> Page[CardT]:
    """The next page in the order of kana, bucket by bucket.

    A bucket of more than :data:`MOST_SORTED` contacts is by newest, and the page says so.
    """
    asked = look.asked
    buckets = range(len(BUCKETS)) if asked.bucket is None else [BUCKETS.index(asked.bucket)]
    at: Position | None = asked.after
    found: list[Line[CardT]] = []
    left = asked.most_bytes
    last: Position | None = None
    sort = "kana"
    for number in buckets:
        if at is not None and number < at[0]:
            continue
        after = at if at is not None and number == at[0] else None
        part, is_sorted = await _bucket(look, number, after, asked.limit - len(found) + 1, left)
        for position, line in part:
            left -= line.row["size"]
            if len(found) == asked.limit or (found and left < 0):
                return await look.finish(found, last, sort)
            found.append(line)
            last = position
        sort = sort if is_sorted or not part else "newest"
    return await look.finish(found, None, sort)


async def _bucket(
    look: Look[CardT], number: int, after: Position | None, count: int, most: int
) -> tuple[list[tuple[Position, Line[CardT]]], bool]:
    """Up to ``count`` lines of a bucket after ``after``, no more than one of them beyond ``most`` bytes but two in any
    case; and whether they are sorted by kana."""
    inside = in_bucket(BUCKETS[number])
    ids = await _ids(look, inside)
    if len(ids) <= MOST_SORTED:
        first = await _first(look, ids, after, count, most)
        return [((number, True, kana, line.row["id"]), line) for (kana, _), line in first], True
    later = look.select(None if after is None else after[3], count).where(inside)
    ids = [row[0] for row in await run(look.tx, later)]
    found: list[tuple[Position, Line[CardT]]] = []
    async for _, lines in look.open(ids):
        accepted = await look.accepted(lines)
        found += [((number, False, "", each), line) for each, line in accepted.items()]
        fitting = _fitting([line for _, line in found], most)
        if fitting < len(found):
            return found[:fitting], False
    return found, False


def _fitting(lines: Sequence[Line[Any]], most: int) -> int:
    """How many of ``lines`` fill ``most`` bytes, and one more, which says that they do not end there."""
    return page_length((line.row["size"] for line in lines), len(lines), most) + 1


async def _ids(look: Look[CardT], inside: sa.ColumnElement[bool]) -> list[UUID]:
    """The candidates of a bucket; more than :data:`MOST_SORTED` only to show that there are more."""
    ids: list[UUID] = []
    while len(ids) <= MOST_SORTED:
        statement = look.select(ids[-1] if ids else None, _IDS).where(inside)
        part = await run(look.tx, statement)
        ids += [row[0] for row in part]
        if len(part) < _IDS:
            break
    return ids


async def _first(
    look: Look[CardT], ids: list[UUID], after: Position | None, count: int, most: int
) -> list[tuple[_Key, Line[CardT]]]:
    """The first ``count`` of ``ids`` after ``after`` in the order of kana, of ``most`` bytes as :func:`_bucket` has
    them. Of the others nothing is kept."""
    end = None if after is None else (after[2], after[3].int)
    first: list[tuple[_Key, Line[CardT]]] = []
    async for _, lines in look.open(ids):
        accepted = await look.accepted(lines)
        keyed = await in_slices(lambda line: ((line.kana(), line.row["id"].int), line), accepted.values())
        later = [each for each in keyed if end is None or each[0] > end]
        first = nsmallest(count, [*first, *later], key=itemgetter(0))
        first = first[: _fitting([line for _, line in first], most)]
    return first
