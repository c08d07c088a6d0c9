"""Connections to PostgreSQL that are lent and taken back."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

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
_SECONDS, _HEAVY_SECONDS = 60, 20
"""How long a statement may take."""


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

    def __init__(self, url: str, *, size: int, application: str, heavy: bool = False) -> None:
        """``heavy``: for statements that may take long; see :func:`engine`."""
        self._engine = engine(url, application=application, heavy=heavy)
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


def engine(url: str, *, application: str, heavy: bool = False) -> AsyncEngine:
    """A SQLAlchemy engine on asyncpg whose connections never open a transaction by themselves.

    A ``heavy`` one's statements end after :data:`_HEAVY_SECONDS` and keep to one core of the server each.
    """
    bounds = {"statement_timeout": f"{_SECONDS}s"}
    if heavy:
        bounds = {"statement_timeout": f"{_HEAVY_SECONDS}s", "max_parallel_workers_per_gather": "0"}
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # an error's text ends in a log
        json_deserializer=msgspec.json.decode,  # a page of a list brings fifty documents
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "command_timeout": 75,  # the server's own limit comes first and leaves the connection usable
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
