"""Work that goes on beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def running(*mains: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Run ``mains`` while the block does, and cancel them at its end. What one of them raised is raised then."""
    tasks = [asyncio.create_task(main) for main in mains]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
