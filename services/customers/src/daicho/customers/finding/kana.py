"""The order of kana: plain up to the first kana of 姓; inside such a bucket, rows are opened and sorted in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.finding.orders import Position, run
from daicho.customers.model import Contact
from daicho.nihongo import KANA_BUCKETS

if TYPE_CHECKING:
    from daicho.customers.finding.finder import Look, Page
    from daicho.customers.lines import Line

CardT = TypeVar("CardT")

MOST_SORTED: Final = 20_000
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
    last: Position | None = None
    sort = "kana"
    for number in buckets:
        if at is not None and number < at[0]:
            continue
        after = at if at is not None and number == at[0] else None
        part, is_sorted = await _bucket(look, number, after, asked.limit - len(found) + 1)
        for position, line in part:
            if len(found) == asked.limit:
                return await look.finish(found, last, sort)
            found.append(line)
            last = position
        sort = sort if is_sorted or not part else "newest"
    return await look.finish(found, None, sort)


async def _bucket(
    look: Look[CardT], number: int, after: Position | None, count: int
) -> tuple[list[tuple[Position, Line[CardT]]], bool]:
    """Up to ``count`` lines of a bucket after ``after``, and whether they are sorted by kana."""
    inside = in_bucket(BUCKETS[number])
    statement = look.select(None, MOST_SORTED + 1).where(inside)
    ids: list[UUID] = [row[0] for row in await run(look.tx, statement)]
    is_sorted = len(ids) <= MOST_SORTED
    if not is_sorted:
        later = look.select(None if after is None else after[3], count).where(inside)
        ids = [row[0] for row in await run(look.tx, later)]
    lines = await look.open(ids)
    wanted = [(record_id, lines[record_id]) for record_id in ids if record_id in lines]
    placed: list[tuple[Any, Line[CardT]]] = [
        ((number, is_sorted, line.kana() if is_sorted else "", record_id), line)
        for record_id, line in wanted
        if look.accepts(line)
    ]
    if is_sorted:
        placed.sort(key=lambda each: (each[0][2], each[0][3]))
        if after is not None:
            placed = [each for each in placed if (each[0][2], each[0][3]) > (after[2], after[3])]
    return placed[:count], is_sorted
