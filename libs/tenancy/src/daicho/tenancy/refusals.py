"""What the database refuses, in the product's terms."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError

from daicho.faults import Fault, Unavailable

P = ParamSpec("P")
R = TypeVar("R")


class DatabaseUnavailable(Unavailable):
    """The database is away, or refused for now; nothing was written."""

    code = "database_unavailable"


class Contended(Unavailable):
    """Others held or changed the same rows at the same moment; trying again is right."""

    code = "contended"


class RolledBack(RuntimeError):
    """A program error: a statement failed, the failure was swallowed, and COMMIT could only roll back."""


_CONTENDED: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, statement cancelled or out of time
    asyncpg.InsufficientResourcesError,  # disk or memory full, too many connections
    asyncpg.PostgresIOError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # The server said goodbye between two statements: the driver waits for an end that never comes, and its
    # connection still counts as open when the next statement fails.
    asyncpg.InternalClientError,
)
_LOST: Final = (
    asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    TimeoutError,
    OSError,
)


_DRIVERS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def driver_error(error: BaseException) -> BaseException:
    """asyncpg's error below SQLAlchemy's wrapping, or ``error`` itself."""
    if not isinstance(error, DBAPIError):
        return error
    seen: BaseException | None = error.orig
    while seen is not None:
        if isinstance(seen, _DRIVERS):
            return seen
        seen = seen.__cause__
    return error


def withhold_rows(error: BaseException) -> None:
    """Take the DETAIL out of a driver's error: it quotes the row, and an error's text ends in a log."""
    cause = driver_error(error)
    if isinstance(cause, asyncpg.PostgresError):
        cause.detail = None


def as_fault(error: BaseException, *, lost: bool) -> BaseException:
    """Errors of connection and contention as faults; anything else unchanged.

    ``lost``: whether the connection is gone. Only then are a time-out, an error of the operating system or
    a complaint of the driver the database's fault, and not that of the code that ran in between. A statement that
    asyncpg gave up is the database's fault in any case.
    """
    if isinstance(error, Fault) or not isinstance(error, Exception):
        return error
    cause = driver_error(error)
    if isinstance(cause, _CONTENDED):
        return Contended()
    if isinstance(cause, _AWAY) or (lost and isinstance(cause, _LOST)) or is_given_up(cause):
        return DatabaseUnavailable()
    return error


def is_given_up(error: BaseException) -> bool:
    """Whether ``error`` is asyncpg's own time-out of a statement, which it raises as the caller's code may raise one."""
    if not isinstance(error, TimeoutError):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "asyncpg" in PurePath(trace.tb_frame.f_code.co_filename).parts


class translates:  # noqa: N801 - reads as a verb, as decorator and as context manager
    """Violated constraints, by name, as the faults they mean.

    ::

        @translates({"uq_contact_code": CustomerCodeTaken})
        async def create_contact(...): ...

    A value is a fault class or a function without arguments that makes a fault. A constraint that is not
    named stays the driver's error: it is a program error then. Place it outside the transaction, for
    deferred constraints speak at COMMIT.
    """

    def __init__(self, faults: Mapping[str, Callable[[], Fault]]) -> None:
        self._faults = dict(faults)

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def translated(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return await function(*args, **kwargs)

        return translated

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        cause = driver_error(error)
        if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
            fault = self._faults.get(cause.constraint_name or "")
            if fault is not None:
                raise fault() from error
