"""The one way to open a database transaction.

A pool of our own keeps SQLAlchemy connections in AUTOCOMMIT, so that the transaction is ours: ``BEGIN`` and
the tenant leave in one message, the ORM session and the bare asyncpg connection share it, and at the end
the connection is either proven idle or thrown away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from daicho.tenancy.actor import Actor
from daicho.tenancy.ids import TenantId
from daicho.tenancy.pool import JOBS, Link, Pool, StatementLimits
from daicho.tenancy.refusals import RolledBack, as_fault, withhold_rows

_ROLLBACK_SECONDS: Final = 3.0
_ALONE_SECONDS: Final = 10.0


T = TypeVar("T", bound="Transaction")
Guard = Callable[[], Awaitable[None]]
"""Returns when something may be written now; raises a fault otherwise."""


class Transaction:
    """An open transaction: ``driver`` for reads that a person waits for, ``session`` for writes.

    Both run on the same connection and see each other's changes; call ``await tx.session.flush()`` before
    the driver is to see what the session holds. Nobody but the :class:`Database` commits.
    """

    __slots__ = ("_link", "_session", "actor", "driver", "tenant_id")

    def __init__(self, link: Link, actor: Actor | None) -> None:
        self._link = link
        self._session: AsyncSession | None = None
        self.actor = actor
        self.tenant_id = actor.tenant_id if actor is not None else None
        self.driver: asyncpg.Connection[Any] = link.driver

    @property
    def session(self) -> AsyncSession:
        """The ORM session, made on first use."""
        if self._session is None:
            self._session = AsyncSession(
                bind=self._link.connection,
                expire_on_commit=False,
                info={"tenant_id": self.tenant_id},
            )
        return self._session

    async def _finish(self) -> None:
        """Flush and commit. COMMIT of a failed transaction is answered with ROLLBACK; that is no success."""
        if self._session is not None:
            await self._session.commit()  # flushes; in AUTOCOMMIT nothing else goes over the wire
        answer = await self.driver.execute("COMMIT")
        if answer != "COMMIT":
            raise RolledBack
        if self._session is not None:
            await self._session.close()

    async def _abandon(self) -> None:
        """Roll back, also in a cancelled task; a connection that cannot do it in time is cut."""
        try:
            async with asyncio.timeout(_ROLLBACK_SECONDS):
                if not self.driver.is_closed():
                    await self.driver.execute("ROLLBACK")
                if self._session is not None:
                    await self._session.close()
        except Exception:  # noqa: BLE001 - the error that led here is the one to tell
            self._link.drop()
        except BaseException:
            self._link.drop()
            raise


class TenantTransaction(Transaction):
    """A transaction within a tenant."""

    __slots__ = ()

    actor: Actor
    tenant_id: TenantId


class Database:
    """A service's database, through its application role."""

    def __init__(self, pool: Pool, heavy: Pool, guard: Guard | None = None) -> None:
        self._pool, self._heavy = pool, heavy
        self._guard = guard

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool: int = 10,
        heavy_pool: int = 6,
        application: str = "daicho",
        limits: StatementLimits = JOBS,
    ) -> Database:
        """Open ``postgresql://…``. Connects when first needed: a database that is away is no reason to fail here.

        ``pool`` and ``heavy_pool`` are the most connections of either kind; see :meth:`reading`. ``limits``: how long a
        statement may take; one that is given up is :class:`~daicho.tenancy.DatabaseUnavailable`.
        """
        ordinary = Pool(url, size=pool, application=application, seconds=limits.ordinary)
        heavy = Pool(
            url, size=heavy_pool, application=f"{application}-heavy", seconds=limits.heavy, heavy=True
        )
        return cls(ordinary, heavy)

    def guarded(self, guard: Guard) -> Database:
        """The same database, in which no :meth:`transaction` begins before ``guard`` has let it.

        Asked first of all, so that a refused write has touched nothing; reads are not asked about.
        """
        return Database(self._pool, self._heavy, guard)

    async def close(self) -> None:
        """Close every connection, the lent ones when they come back."""
        await self._pool.close()
        await self._heavy.close()

    async def ping(self) -> None:
        """Return when the database answers; :class:`~daicho.tenancy.DatabaseUnavailable` otherwise."""
        async with self.tenantless():
            pass

    def transaction(self, actor: Actor | TenantId) -> AbstractAsyncContextManager[TenantTransaction]:
        """Read and write as ``actor``; commits at the end, rolls back on any exception.

        Raises :class:`~daicho.tenancy.DatabaseUnavailable` when the database is away and
        :class:`~daicho.tenancy.Contended` when others held the same rows; nothing was written then, except that
        a connection lost during COMMIT leaves it open (which is what Idempotency-Key is for). Constraint
        violations stay as they are for :class:`~daicho.tenancy.translates`. Of a :meth:`guarded` database also
        what its guard raises.
        """
        return self._within("BEGIN", actor, self._pool, self._guard)

    def reading(
        self, actor: Actor | TenantId, *, snapshot: bool = False, heavy: bool = False
    ) -> AbstractAsyncContextManager[TenantTransaction]:
        """Like :meth:`transaction`, and the server refuses writes. In a ``snapshot`` every query sees one moment.

        What may take long is ``heavy``: it runs on a few connections of its own with a shorter limit of time, so that
        pages and changes never wait for a connection behind it.
        """
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "BEGIN READ ONLY"
        return self._within(begin, actor, self._heavy if heavy else self._pool)

    def tenantless(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction without a tenant, in which tenants' tables are empty.

        Only for the tables of ``tests/architecture/tenantless.toml``.
        """
        return _Opening(self._pool, "BEGIN", lambda link: Transaction(link, None))

    async def execute_alone(self, statement: str, *arguments: Any) -> None:
        """Run one statement without a tenant as a transaction of its own: one message to the server, not three.

        For what stands in the way of every answer; the tables and the faults are those of :meth:`tenantless`, but
        that a connection which died unnoticed is told rather than replaced.
        """
        try:
            link = await self._pool.lend("")
        except Exception as error:
            raise as_fault(error, lost=True) from error
        try:
            await link.driver.execute(statement, *arguments, timeout=_ALONE_SECONDS)
        except BaseException as failure:
            withhold_rows(failure)
            hangs = isinstance(failure, TimeoutError)
            fault = as_fault(failure, lost=hangs or link.driver.is_closed())
            link.drop()
            if fault is not failure:
                raise fault from failure
            raise
        finally:
            self._pool.take_back(link)

    def _within(
        self, begin: str, actor: Actor | TenantId, pool: Pool, guard: Guard | None = None
    ) -> _Opening[TenantTransaction]:
        """BEGIN and the tenant are one simple-query message; a UUID's text needs no more than its quotes."""
        someone = actor if isinstance(actor, Actor) else Actor.system(actor)
        if not isinstance(someone.tenant_id, UUID):
            raise TypeError(f"a tenant's id is a UUID, not {type(someone.tenant_id).__name__}")
        return _Opening(
            pool,
            f"{begin}; SET LOCAL app.tenant_id = '{someone.tenant_id}'",
            lambda link: TenantTransaction(link, someone),
            guard,
        )


class _Opening(Generic[T]):
    """A transaction that is about to open. A class, for a generator's context manager would cost half of BEGIN."""

    __slots__ = ("_begin", "_guard", "_link", "_make", "_pool", "_tx")

    def __init__(self, pool: Pool, begin: str, make: Callable[[Link], T], guard: Guard | None = None) -> None:
        self._pool = pool
        self._begin = begin
        self._make = make
        self._guard = guard

    async def __aenter__(self) -> T:
        if self._guard is not None:
            await self._guard()
        try:
            self._link = await self._pool.lend(self._begin)
        except Exception as error:
            raise as_fault(error, lost=True) from error
        self._tx = self._make(self._link)
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tx, link = self._tx, self._link
        try:
            if error is not None:
                raise error  # noqa: TRY301 - so that both ways to fail end in the same lines
            await tx._finish()  # noqa: SLF001 - same module: only a Database ends a transaction
        except BaseException as failure:
            withhold_rows(failure)
            fault = as_fault(failure, lost=link.driver.is_closed())
            await tx._abandon()  # noqa: SLF001 - as above
            if fault is not failure:
                raise fault from failure
            if failure is not error:
                raise
        finally:
            self._pool.take_back(link)
