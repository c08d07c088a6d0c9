"""Prepare chunks of an import in child processes: one for a small file, two for a large one.

Validators and normalisers process hostile text, so a chunk that takes too long ends only its own import.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from daicho.customers.imports.file_reader import too_complex_if_killed
from daicho.customers.imports.preparing import Chunk, Plan, Prepared
from daicho.runtime.child_pool import MEBIBYTE, Child, ChildCrashed, ChildLimits, ChildPool, ChildTask

LARGE: Final = 1_000_000
"""Bytes of a file from which on a second child is worth its start."""
PROCESSES: Final = 2
PREPARE: Final = ChildTask("daicho.customers.imports.preparing:prepare_chunks", Prepared)
LIMITS: Final = ChildLimits(memory=256 * MEBIBYTE, cpu=3_600, wall=20.0, is_wall_per_input=True)
"""A chunk of a thousand rows takes 0.2 seconds, and a file has any number of chunks."""

Prepare = Callable[[Chunk], Awaitable[Prepared]]


@asynccontextmanager
async def open_preparers(children: ChildPool, plan: Plan, file_size: int) -> AsyncIterator[Prepare]:
    """Yields what prepares a chunk; several may be under way. It raises FileTooComplex."""
    idle: asyncio.Queue[Child[Prepared]] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        for _ in range(1 if file_size < LARGE else PROCESSES):
            idle.put_nowait(await stack.enter_async_context(children.child(PREPARE, plan, LIMITS)))

        async def prepare(chunk: Chunk) -> Prepared:
            child = await idle.get()
            try:
                with too_complex_if_killed():
                    await child.send(chunk)
                    prepared = await child.receive()
            finally:
                idle.put_nowait(child)
            if prepared is None:
                raise ChildCrashed("a chunk without an answer")
            return prepared

        yield prepare
