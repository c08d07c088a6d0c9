"""A TCP proxy that can stop forwarding while every connection stays open: a server, or a host, that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class StallingProxy:
    """Forwards ``port`` on loopback to a server, until :meth:`stall`."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    def stall(self) -> None:
        """Forward nothing more, in neither direction; connections stay open and new ones are taken."""
        self._flows.clear()

    def resume(self) -> None:
        """Forward again, what was held back first."""
        self._flows.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        for source, target in ((reader, there_writer), (there_reader, writer)):
            self._pumps.add(asyncio.create_task(self._pump(source, target)))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._flows.wait()
                target.write(data)
                await target.drain()
            await self._flows.wait()  # the end of a connection is not forwarded either
        target.close()

    def close(self) -> None:
        """Drop every connection."""
        for pump in self._pumps:
            pump.cancel()


@asynccontextmanager
async def stalling_proxy(host: str, port: int) -> AsyncIterator[StallingProxy]:
    """A proxy to a server while the block runs."""
    proxy = StallingProxy(host, port)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.close()
        server.close()
