"""Waiting for what other processes are about to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def until(ask: Callable[[], Awaitable[Found]], *, within: float = 10) -> Found:
    """Ask again and again until the answer is truthy; that answer. TimeoutError after ``within`` seconds."""
    async with asyncio.timeout(within):
        while True:
            if found := await ask():
                return found
            await asyncio.sleep(0.02)
