"""An HTTP/1.1 client on one connection that costs little beside what it measures: `ask` sends ready-made bytes."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit


def request_bytes(method: str, path: str, token: str, body: Any = None, **headers: str) -> bytes:
    """A request as it goes over the wire; ``body`` is sent as JSON, or as it is when it is bytes.

    Keywords are headers, an underscore for each hyphen.
    """
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {"host": "x", "authorization": f"Bearer {token}"}
    if body is not None:
        named |= {"content-type": "application/json", "content-length": str(len(sent))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + sent


class Client:
    """One connection to ``url``, made again when the other side has closed it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer to ``request``. Raises OSError, asyncio.IncompleteReadError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**20)
        reader, writer = self._streams
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await _body(reader, head.lower())
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        if b"connection: close" in head.lower():
            self.close()
        return int(head[9:12]), head, body

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head:
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(length or 0))
    pieces = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)
