"""Connections that a client opens and keeps: live streams, and requests whose body never comes to its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from daicho.testkit.raw_http import RawConnection

_AT_A_TIME: Final = 50
"""Connections that are being opened at once: a listener's queue is short."""


@asynccontextmanager
async def held_streams(
    port: int, path: str, headers: Mapping[str, str], count: int
) -> AsyncIterator[Counter[int]]:
    """Ask for ``count`` streams and keep what is answered until the block ends; status → how many."""
    statuses: Counter[int] = Counter()

    async def ask(connection: RawConnection) -> None:
        await connection.send("GET", path, headers)
        statuses[(await connection.answer(within=60)).status] += 1

    async with _held(port, count, ask):
        yield statuses


@asynccontextmanager
async def held_bodies(port: int, path: str, count: int) -> AsyncIterator[None]:
    """Send ``count`` requests without a token whose bodies are announced, begun and not finished while the block runs."""

    async def begin(connection: RawConnection) -> None:
        headers = {"content-type": "application/json", "content-length": "12000"}
        await connection.send("POST", path, headers, b'{"tenant": "')

    async with _held(port, count, begin):
        yield


@asynccontextmanager
async def _held(
    port: int, count: int, begin: Callable[[RawConnection], Awaitable[None]]
) -> AsyncIterator[None]:
    held: list[RawConnection] = []
    turns = asyncio.Semaphore(_AT_A_TIME)

    async def one() -> None:
        async with turns:
            connection = await RawConnection.open(port)
            held.append(connection)
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await begin(connection)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())
        yield
    finally:
        for connection in held:
            connection.close()
