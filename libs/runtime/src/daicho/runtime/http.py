"""An ASGI application on a port, beside whatever else the process does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

# Streams end with their token; a stop does not wait for them longer than this, in seconds.
GRACE = 3
QUIET_SECONDS = 15
"""A connection on which nobody asks anything is closed after so long: later than any client of ours gives one up (Envoy
3 s, httpx 5 s), so that no request meets a connection that is being closed."""


@asynccontextmanager
async def serve_http(app: Any, host: str, port: int, *, largest_head: int = 32_768) -> AsyncIterator[int]:
    """Serve ``app`` on ``host``:``port`` (0 takes a free one) while the block runs; yields the port.

    Raises OSError when the port is taken. Request head (line and headers) beyond ``largest_head`` bytes
    is refused with 400 by the server itself.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            http="httptools",
            ws="none",
            h11_max_incomplete_event_size=largest_head,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=QUIET_SECONDS,
            server_header=False,
            # uvicorn would put whatever X-Forwarded-For says in the peer's place; a service that trusts it says so itself.
            proxy_headers=False,
        )
    )
    serving = asyncio.create_task(server._serve(sockets=[listener]))  # noqa: SLF001 serve() would take the process's signals
    try:
        while not server.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the HTTP server stopped while it started")
            await asyncio.sleep(0.005)
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
        listener.close()
