"""What the driver complains of when its server went is the database's fault, wrapped by SQLAlchemy or not."""

import asyncpg
import pytest
from sqlalchemy.exc import InternalError

from daicho.tenancy import DatabaseUnavailable, as_fault

GOODBYE = "cannot switch to state 12; another operation (2) is in progress"


def wrapped(cause: Exception) -> InternalError:
    """As SQLAlchemy raises it: its own error, an adapter's below, the driver's as its cause."""
    adapter = Exception("adapter")
    adapter.__cause__ = cause
    return InternalError("SELECT 1", {}, adapter)


@pytest.mark.parametrize("wrap", [lambda cause: cause, wrapped], ids=["bare", "wrapped"])
def test_a_driver_that_waits_for_a_server_that_left_is_unavailable(wrap) -> None:
    error = wrap(asyncpg.InternalClientError(GOODBYE))
    assert isinstance(as_fault(error, lost=False), DatabaseUnavailable)


def test_a_program_error_stays_one() -> None:
    error = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    assert as_fault(error, lost=False) is error
