"""Long computations on the event loop, cut into slices of a few milliseconds so that others run in between.

A thread is no substitute: it holds the interpreter for as long as its computation does, but for the switch interval.
While requests that take little are under way (:func:`urgent_work`), computations pause after each slice for as long as
the slice took, so that an answer which needs ten rounds of the loop seldom waits for ten slices.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

SLICE: Final = 0.001
"""Seconds that a computation has before others are let in."""

Item = TypeVar("Item")
Made = TypeVar("Made")


class UrgentWork:
    """How many requests are under way on a loop that computations give way to."""

    __slots__ = ("under_way",)

    def __init__(self) -> None:
        self.under_way = 0


_urgent: WeakKeyDictionary[asyncio.AbstractEventLoop, UrgentWork] = WeakKeyDictionary()
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def urgent_work() -> UrgentWork:
    """The count of the running loop."""
    return _urgent.setdefault(asyncio.get_running_loop(), UrgentWork())


async def in_slices(function: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """``function`` of each of ``items``, in their order; what takes less than :data:`SLICE` is done without a pause.

    Of all computations of a loop that go on longer, one has a slice in each round of the loop, in turn. One item is
    never cut, so ``function`` is to be short.
    """
    made: list[Made] = []
    rest = iter(items)
    if _fill(made, function, rest):
        return made
    loop = asyncio.get_running_loop()
    turn = _turns.setdefault(loop, asyncio.Lock())
    urgent = urgent_work()
    while True:
        async with turn:
            # A round of the loop at least, in which no other computation has a slice.
            await asyncio.sleep(SLICE if urgent.under_way else 0)
            if _fill(made, function, rest):
                return made


def _fill(made: list[Made], function: Callable[[Item], Made], rest: Iterable[Item]) -> bool:
    """Go on for one slice; whether nothing is left."""
    end = perf_counter() + SLICE
    for item in rest:
        made.append(function(item))
        if perf_counter() >= end:
            return False
    return True
