"""What may stay in memory for a time, made once however many ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, each gone from memory ``ttl`` seconds after it began to be made, asked for or not."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl, self._clock = ttl, clock
        self._values: dict[K, tuple[V, float]] = {}
        self._making: dict[K, asyncio.Task[V]] = {}

    def get(self, key: K) -> V | None:
        """The value, if it is there and its time is not over."""
        kept = self._values.get(key)
        if kept is None or self._clock() >= kept[1]:
            return None
        return kept[0]

    async def make(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        """The value that ``make`` answers, or that another caller's ``make`` is about to answer.

        A caller that is cancelled leaves the making to the others.
        """
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._make(key, make))
            task.add_done_callback(lambda done: self._made(key, done))
        return await asyncio.shield(task)

    def forget(self, key: K) -> None:
        """Drop the value, and do not keep one that is being made at this moment."""
        self._values.pop(key, None)
        self._making.pop(key, None)

    async def _make(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        until = self._clock() + self._ttl  # what is answered may be as old as the question
        value = await make()
        if self._making.get(key) is asyncio.current_task():
            kept = self._values[key] = (value, until)
            asyncio.get_running_loop().call_later(self._ttl, self._end, key, kept)
        return value

    def _made(self, key: K, task: asyncio.Task[V]) -> None:
        if self._making.get(key) is task:
            del self._making[key]
        if not task.cancelled():
            task.exception()  # whoever asked may have been cancelled; nobody else is to hear of it

    def _end(self, key: K, kept: tuple[V, float]) -> None:
        if self._values.get(key) is kept:
            del self._values[key]
