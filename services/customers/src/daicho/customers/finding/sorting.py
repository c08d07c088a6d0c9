"""Sorts blind-index matches in memory when the order is not newest-first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from daicho.customers.finding.kana import BUCKETS
from daicho.customers.finding.orders import KANA, NEWEST_FIRST, Order
from daicho.customers.repository import NEWEST
from daicho.customers.schemas import MOST_COUNTED, Count
from daicho.fields import index_rows
from daicho.runtime import in_slices
from daicho.web import page_length

if TYPE_CHECKING:
    from daicho.customers.finding.finder import Look, Page
    from daicho.customers.lines import Line

CardT = TypeVar("CardT")

MOST_SORTED: Final = 2_000
"""Hits that are opened to be sorted: as many as a page may open."""
_IDS_AT_ONCE: Final = 1_000
_RUN: Final = 500
"""Records that are sorted in one go, before such runs are merged."""


class _Placed(NamedTuple):
    """A line with its key in the order, None where it has none, and its id."""

    key: Any
    id: UUID
    line: Any


async def page(look: Look[CardT]) -> Page[CardT]:
    """The next page in the order that is asked for, when the index finds at most :data:`MOST_SORTED` records.

    Of more, words give the newest first, and the page says so; a filter keeps its order, by the columns. Positions
    are the order's own; with words, pairs of the newest first and of the order's own, one of which is None. Once
    begun, a sorted list goes on to twice as many.
    """
    asked = look.asked
    newest, after = (asked.after or (None, None)) if asked.words else (None, asked.after)
    if newest is None:
        most = MOST_SORTED if after is None else 2 * MOST_SORTED
        ids = await look.hits(NEWEST, most + 1)
        if len(ids) <= most:
            found = await _sorted(look, await look.among(ids), after)
            return (
                found
                if asked.words is None or found.after is None
                else replace(found, after=(None, found.after))
            )
    if asked.words is None:
        return await look.page(asked.order, asked.after)
    found = await look.page(NEWEST_FIRST, newest)
    return found if found.after is None else replace(found, after=(found.after, None))


async def all_ids(look: Look[CardT], most: int) -> list[UUID]:
    """Everything that is asked for, in its order; stops once it is more than ``most``."""
    order = look.asked.order
    if look.is_exact and order is not KANA:
        return await _by_columns(look, most)
    ids: list[UUID] = []
    after: Any = None
    while len(ids) <= most:
        found = await look.page(NEWEST_FIRST, after)
        ids += found.ids
        after = found.after
        if after is None:
            return ids if order is NEWEST_FIRST else await _ordered(look, ids)
    return ids


async def _by_columns(look: Look[CardT], most: int) -> list[UUID]:
    order = look.asked.order
    source, after = look.by_columns(order), order.start
    ids: list[UUID] = []
    while len(ids) <= most:
        batch = await source(after, _IDS_AT_ONCE)
        ids += [record_id for record_id, _ in batch]
        if len(batch) < _IDS_AT_ONCE:
            break
        after = batch[-1][1]
    return ids


async def _ordered(look: Look[CardT], ids: list[UUID]) -> list[UUID]:
    """``ids`` in the order asked for. Of each record only its key and its id are kept."""
    order = look.asked.order
    key = _key_of(order)
    runs: list[list[tuple[Any, int, UUID]]] = []
    lack: list[UUID] = []
    for start in range(0, len(ids), _RUN):
        part = ids[start : start + _RUN]
        keys: dict[UUID, Any] = {}
        async for _, lines in look.open(part):
            keys.update(zip(lines, await in_slices(key, lines.values()), strict=True))
        have = [(keys[each], each.int, each) for each in part if keys.get(each) is not None]
        runs.append(sorted(have, reverse=order.descending))
        lack += [each for each in part if each in keys and keys[each] is None]
    merged = merge(*runs, reverse=order.descending)
    # ``ids`` are the newest first, and so are those that have no key.
    return await in_slices(itemgetter(2), merged) + lack


async def _sorted(look: Look[CardT], ids: list[UUID], after: Any) -> Page[CardT]:
    """The page after the position ``after`` (None: the first) of all the hits ``ids``."""
    order = look.asked.order
    key = _key_of(order)
    end = None if after is None else _of_position(order, after)
    first: list[_Placed] = []
    number, more = 0, False
    async for _, lines in look.open(ids):
        accepted = await look.accepted(lines)
        number += len(accepted)
        keys = await in_slices(key, accepted.values())
        placed = (_Placed(*each) for each in zip(keys, accepted, accepted.values(), strict=True))
        later = _in_order(
            order, [*first, *(each for each in placed if end is None or _is_after(order, each, end))]
        )
        # Of those that no longer fit nothing is kept: what comes later only pushes them further.
        first = later[
            : page_length((each.line.row["size"] for each in later), look.asked.limit, look.asked.most_bytes)
        ]
        more = more or len(first) < len(later)
    position = _position(order, first[-1]) if more else None
    count = Count(min(number, MOST_COUNTED), number > MOST_COUNTED) if look.asked.count else None
    return await look.finish([each.line for each in first], position, order.name, count)


def _in_order(order: Order, placed: Sequence[_Placed]) -> list[_Placed]:
    """``placed`` in the order, then those that have no key, newest first."""
    have = [each for each in placed if each.key is not None]
    lack = [each for each in placed if each.key is None]
    have.sort(key=_place, reverse=order.descending)
    lack.sort(key=lambda each: each.id, reverse=True)
    return have + lack


def _place(each: _Placed) -> tuple[Any, int]:
    return each.key, each.id.int  # numbers compare in a tenth of an id's time


def _key_of(order: Order) -> Callable[[Line[Any]], Any]:
    """From a line to its key: what SQL sorts by, had it the value."""
    if order is KANA:
        return lambda line: (BUCKETS.index(line.values(())["first_kana"] or ""), line.kana())
    if order.field is not None:
        definition, name = order.field, f"custom.{order.field.key}"
        return lambda line: next(iter(index_rows(definition, line.values(()).get(name))), None)
    if order.key is None:
        return lambda _line: ()
    column = order.key
    return lambda line: line.row[column]


def _is_after(order: Order, each: _Placed, end: tuple[Any, UUID]) -> bool:
    key, last = end
    if key is None or each.key is None:
        return each.key is None and (key is not None or each.id < last)
    place, bound = _place(each), (key, last.int)
    return place < bound if order.descending else place > bound


def _position(order: Order, each: _Placed) -> Any:
    if order is KANA:
        return (each.key[0], True, each.key[1], each.id)
    return each.id if order.field is None and order.key is None else (each.key, each.id)


def _of_position(order: Order, position: Any) -> tuple[Any, UUID]:
    if order is KANA:
        return (position[0], position[2]), position[3]
    return ((), position) if order.field is None and order.key is None else (position[0], position[1])
