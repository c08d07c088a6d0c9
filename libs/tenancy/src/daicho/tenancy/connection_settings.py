"""Keepalive settings of connections to PostgreSQL.

Keepalives find a dead host within 25 seconds, on either side: the server then gives back locks and rows that it held.
A connection that works every second (a relay's, a consumer's) also has the server end it when it falls silent for
:data:`LEASE_SECONDS`, which finds what keepalives cannot: a process that stands still, a proxy that forwards nothing.
"""

from __future__ import annotations

import socket
from typing import Any, Final

import asyncpg

_IDLE, _INTERVAL, _COUNT, _UNANSWERED = 10, 5, 3, 25
KEEPALIVE: Final = {
    "tcp_keepalives_idle": str(_IDLE),
    "tcp_keepalives_interval": str(_INTERVAL),
    "tcp_keepalives_count": str(_COUNT),
    "tcp_user_timeout": f"{_UNANSWERED}s",
}
"""Server settings for every connection that outlives a request."""
LEASE_SECONDS: Final = 20
LEASE: Final = {**KEEPALIVE, "idle_session_timeout": f"{LEASE_SECONDS}s"}
"""Server settings for a connection that holds locks and asks something at least every few seconds."""


async def keep_alive(connection: asyncpg.Connection[Any]) -> None:
    """Have this side's kernel probe the connection as well. Sockets other than TCP's are left as they are."""
    transport = connection._transport  # noqa: SLF001 - asyncpg hands out no socket
    raw = transport.get_extra_info("socket")
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _COUNT)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED * 1_000)
