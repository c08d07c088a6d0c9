"""HTTP/1.1 written by hand, for requests that no client library sends as they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ANSWER_WITHIN: Final = 20.0
"""Seconds."""


@dataclass(frozen=True)
class RawAnswer:
    """An answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


class RawConnection:
    """A connection to 127.0.0.1, kept until it is closed; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> RawConnection:
        """Connect to ``port``."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> RawAnswer:
        """The answer to a request whose ``target`` is sent as it is."""
        await self.send(method, target, {"content-length": str(len(body)), **(headers or {})}, body)
        return await self.answer()

    async def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send a head with ``headers`` and as much of a body as ``body`` is."""
        lines = [f"{method} {target} HTTP/1.1", "host: ledger.test"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await self._writer.drain()

    async def send_more(self, body: bytes) -> None:
        """Send another piece of the body. Raises ConnectionError when the other side has gone."""
        self._writer.write(body)
        await self._writer.drain()

    async def answer(self, within: float = ANSWER_WITHIN) -> RawAnswer:
        """The next answer; one without a length is not waited for beyond its head.

        Raises TimeoutError, asyncio.IncompleteReadError when the connection ends first.
        """
        async with asyncio.timeout(within):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return RawAnswer(int(first.split()[1]), headers, body)

    async def ended(self, within: float = ANSWER_WITHIN) -> bytes:
        """What still comes until the other side closes, in whichever way. Raises TimeoutError."""
        pieces = []
        async with asyncio.timeout(within):
            with contextlib.suppress(ConnectionError):
                while piece := await self._reader.read(65_536):
                    pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
