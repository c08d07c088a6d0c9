"""Connections to PostgreSQL that are lent and taken back."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from daicho.tenancy.connection_settings import KEEPALIVE, keep_alive

_CONNECT_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 10.0
# BEGIN does no work: a server that has not answered it by then hangs, and so would the next connection.
_BEGIN_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 2
"""How much later than the server, whose word leaves the connection usable, this side gives a statement up."""


class StatementLimits(NamedTuple):
    """Seconds that a statement may take, an ordinary and a heavy one."""

    ordinary: int
    heavy: int


REQUESTS: Final = StatementLimits(ordinary=12, heavy=14)
"""Where somebody waits: with the wait for a connection, the grace and a last ROLLBACK less than the 30 s after which the
gateway answers 504."""
JOBS: Final = StatementLimits(ordinary=60, heavy=20)


class Link:
    """One connection: SQLAlchemy's wrapper and the asyncpg connection inside it."""

    __slots__ = ("connection", "driver")

    def __init__(self, connection: AsyncConnection, driver: asyncpg.Connection[Any]) -> None:
        self.connection = connection
        self.driver = driver

    @property
    def clean(self) -> bool:
        """Open, and in no transaction (the server says so with each answer; asking costs nothing)."""
        return not self.driver.is_closed() and not self.driver.is_in_transaction()

    def drop(self) -> None:
        """Cut the connection without another word to the server."""
        wrapper = self.connection.sync_connection
        if wrapper is not None and not wrapper.closed:
            wrapper.invalidate()  # outside of SQLAlchemy's greenlet this ends in asyncpg's terminate()
            wrapper.close()
        self.driver.terminate()


class Pool:
    """At most ``size`` connections; the one used last is lent first."""

    def __init__(self, url: str, *, size: int, application: str, seconds: int, heavy: bool = False) -> None:
        """``seconds``: how long a statement may take. ``heavy``: for those that may take long; see :func:`engine`."""
        self._engine = engine(url, application=application, seconds=seconds, heavy=heavy)
        self._idle: deque[Link] = deque()
        self._places = asyncio.Semaphore(size)
        self._closed = False

    async def lend(self, begin: str) -> Link:
        """A connection on which ``begin`` has run; nothing runs when it is empty.

        A kept connection may have died since (a restart of the server); nothing was done on it yet, so the
        next one is tried, at last a new one. Raises what asyncpg raises, TimeoutError when all are lent or the server hangs.
        """
        if self._closed:
            raise asyncpg.InterfaceError("the pool is closed")
        if self._places.locked():
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._places.acquire()
        else:
            await self._places.acquire()  # returns without waiting
        try:
            while self._idle:
                link = self._idle.pop()
                if await _begins(link, begin):
                    return link
            link = await self._connect()
            await self._start(link, begin)
        except BaseException:
            self._places.release()
            raise
        return link

    def take_back(self, link: Link) -> None:
        """Keep the connection if it is clean, else cut it."""
        if link.clean and not self._closed:
            self._idle.append(link)
        else:
            link.drop()
        self._places.release()

    async def close(self) -> None:
        """Close what is idle; what is lent is cut when it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().connection.close()
        await self._engine.dispose()

    async def _connect(self) -> Link:
        connection = await self._engine.connect()
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        if driver is None:
            raise asyncpg.InterfaceError("the connection has no driver")
        await keep_alive(driver)
        return Link(connection, driver)

    @staticmethod
    async def _start(link: Link, begin: str) -> None:
        if not begin:
            return
        try:
            await link.driver.execute(begin, timeout=_BEGIN_SECONDS)
        except BaseException:
            link.drop()
            raise


async def _begins(link: Link, begin: str) -> bool:
    if link.driver.is_closed():
        link.drop()
        return False
    if not begin:
        return True
    try:
        await link.driver.execute(begin, timeout=_BEGIN_SECONDS)
    except TimeoutError:
        link.drop()
        raise
    except (
        asyncpg.InterfaceError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        OSError,
    ):
        link.drop()
        return False
    except BaseException:
        link.drop()
        raise
    return True


def engine(url: str, *, application: str, seconds: int, heavy: bool = False) -> AsyncEngine:
    """A SQLAlchemy engine on asyncpg whose connections never open a transaction by themselves.

    Its statements end after ``seconds``; a ``heavy`` one's keep to one core of the server each.
    """
    bounds = {"statement_timeout": f"{seconds}s"}
    if heavy:
        bounds["max_parallel_workers_per_gather"] = "0"
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # an error's text ends in a log
        json_deserializer=msgspec.json.decode,  # a page of a list brings fifty documents
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "command_timeout": seconds + _GRACE_SECONDS,
            "statement_cache_size": 512,
            "server_settings": {
                "application_name": application,
                "jit": "off",
                "timezone": "UTC",
                **bounds,
                **KEEPALIVE,
                "idle_in_transaction_session_timeout": "60s",
            },
        },
    )
