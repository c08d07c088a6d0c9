"""Server-sent events: progress as it happens, for as long as the caller may see it.

A stream ends with its token (``event: reauth``), when the session is revoked, or when its source ends; the
caller's rights are looked at again at least every :data:`LOOK_AGAIN` seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
from litestar.response import Stream

from daicho.faults import Fault, Unauthenticated

LOOK_AGAIN: Final = 5.0
Still = Callable[[], Awaitable[Any]]
"""Raises a fault when the caller may no longer listen."""


class Event(msgspec.Struct):
    """One event. ``id`` is what a client sends back as ``Last-Event-ID`` to go on from there."""

    data: Any
    id: str | None = None
    name: str | None = None

    def encode(self) -> bytes:
        """The event in the format of the HTML standard, 9.2.6."""
        lines = []
        if self.id is not None:
            lines.append(b"id: " + self.id.encode())
        if self.name is not None:
            lines.append(b"event: " + self.name.encode())
        lines.append(b"data: " + msgspec.json.encode(self.data))
        return b"\n".join(lines) + b"\n\n"


def stream(events: AsyncIterator[Event], *, still: Still, ends: float) -> Stream:
    """A streaming answer of ``events``; ``ends`` is the token's end as a Unix time."""
    return Stream(
        _encoded(events, still, ends),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _encoded(events: AsyncIterator[Event], still: Still, ends: float) -> AsyncIterator[bytes]:
    """Events as they come, a comment when none comes, and the end when the caller's right ends."""
    yield b": open\n\n"
    coming: asyncio.Future[Event] | None = None
    try:
        while time.time() < ends:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=LOOK_AGAIN)
            try:
                await still()
            except Fault as fault:
                name = "reauth" if isinstance(fault, Unauthenticated) else "closed"
                yield Event({"code": fault.code}, name=name).encode()
                return
            if not done:
                yield b": still here\n\n"
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield event.encode()
        yield Event({"code": "token_ended"}, name="reauth").encode()
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        if isinstance(events, AsyncGenerator):
            # Give back what the source holds (a connection, a place in a queue) now, not at the next garbage collection.
            await events.aclose()
