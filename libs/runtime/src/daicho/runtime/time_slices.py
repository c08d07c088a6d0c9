"""Long computations on the event loop, cut into slices of a few milliseconds so that others run in between.

A thread is no substitute: it holds the interpreter for as long as its computation does, but for the switch interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

SLICE: Final = 0.002
"""Seconds that a computation has before others are let in."""

Item = TypeVar("Item")
Made = TypeVar("Made")

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


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
    while True:
        async with turn:
            await asyncio.sleep(0)  # a round of the loop, in which no other computation has a slice
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
