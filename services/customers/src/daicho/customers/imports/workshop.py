"""Where chunks are prepared: in threads for a small file, in child processes for a large one."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import multiprocessing
import os
import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from daicho.customers.imports.preparing import Chunk, Plan, Prepared, Preparer

LARGE: Final = 1_000_000
"""Bytes of a file from which on child processes are worth their start."""
PROCESSES: Final = 2
_PR_SET_PDEATHSIG: Final = 1

Prepare = Callable[[Chunk], Awaitable[Prepared]]
_preparer: Preparer | None = None


@asynccontextmanager
async def open_workshop(plan: Plan, file_size: int) -> AsyncIterator[Prepare]:
    """Yields what prepares a chunk; several may be under way."""
    if file_size < LARGE:
        preparer = Preparer(plan)
        one_at_a_time = asyncio.Lock()

        async def in_thread(chunk: Chunk) -> Prepared:
            async with one_at_a_time:
                return await asyncio.to_thread(preparer.prepare, chunk)

        yield in_thread
        return
    loop = asyncio.get_running_loop()
    pool = ProcessPoolExecutor(
        PROCESSES, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(plan, os.getpid())
    )
    try:
        yield lambda chunk: loop.run_in_executor(pool, _prepare, chunk)
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _begin(plan: Plan, parent: int) -> None:
    """In the child: dies with its parent, leaves no core file with keys in it."""
    global _preparer
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _preparer = Preparer(plan)
    # What a chunk makes has no cycles: collecting often would only walk it again and again.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _prepare(chunk: Chunk) -> Prepared:
    assert _preparer is not None  # noqa: S101 the pool's initializer made it
    return _preparer.prepare(chunk)
