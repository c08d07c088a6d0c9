"""How the CPU time of a function grows with the length of its input."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, TypeVar

Input = TypeVar("Input")
Build = Callable[[int], Input]
"""From a length to an input of about that length."""

SIZES: Final = (64, 512, 4_096, 32_768)
"""Lengths that are compared: each is eight times the one before, so linear work takes eight times as long."""
_FACTOR: Final = 24
"""Work that takes longer than this many times its last size's is more than linear: n log n takes 11, a square 64."""
_LEAST: Final = 0.0005
"""CPU seconds below which a measurement says nothing."""
_ATTEMPTS: Final = 3


class _Stopped(BaseException):
    """The CPU time ran out. No ``except Exception`` of the function under test catches it."""


def superlinear_growth(
    act: Callable[[Input], object], build: Build[Input], sizes: Sequence[int] = SIZES
) -> str | None:
    """Name the two sizes between which the CPU time of ``act`` grows faster than its input; None if it never does.

    Exceptions of ``act`` count as answers. CPU time of this process is measured, not wall time, and each size is
    stopped when it exceeds its allowance; a function counts as superlinear when each of three attempts says so.
    Must run on the main thread.
    """
    found: str | None = None
    for attempt in range(_ATTEMPTS):
        found = _measure(act, build, [size + attempt for size in sizes])
        if found is None:
            return None
    return found


def _measure(act: Callable[[Input], object], build: Build[Input], sizes: Sequence[int]) -> str | None:
    last = 0.02
    cpu_time(act, build(8), 1.0)  # What is loaded or compiled once is not the input's.
    for before, size in zip([sizes[0], *sizes], sizes, strict=False):
        allowed = _FACTOR * last
        taken = cpu_time(act, build(size), allowed)
        if taken > allowed:
            return f"{before}: {last:.4f} s, {size}: over {allowed:.4f} s"
        last = max(taken, _LEAST)
    return None


def cpu_time(act: Callable[[Input], object], argument: Input, allowed: float) -> float:
    """CPU seconds of ``act(argument)``; infinity when it was stopped after ``allowed``.

    Without the cyclic garbage collector, whose work depends on what else is in memory.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    begun = time.thread_time()
    try:
        with _alarm(allowed * 1.1 + 0.001), suppress(Exception):
            act(argument)
    except _Stopped:
        return float("inf")
    finally:
        if was_collecting:
            gc.enable()
    return time.thread_time() - begun


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise :class:`_Stopped` inside of the block after ``seconds`` of CPU time; patterns of ``re`` heed signals."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Stopped
