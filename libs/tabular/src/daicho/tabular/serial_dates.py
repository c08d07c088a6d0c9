"""Days as spreadsheets count them (ECMA-376-1, 18.17.4)."""

from __future__ import annotations

import datetime as dt
from typing import Final

EPOCH_1900: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 (a sheet has no zones)
EPOCH_1904: Final = dt.datetime(1904, 1, 1)  # noqa: DTZ001 (a sheet has no zones)
_DAY: Final = 86_400_000
"""Milliseconds."""
_LEAP_DAY: Final = 60
"""The day that Excel counts and the calendar does not have: 29 February 1900."""


def from_serial(serial: float, epoch: dt.datetime) -> dt.datetime | dt.time:
    """The moment that is ``serial`` days after ``epoch``, to the millisecond; a time of day from 0 to below 1.

    Raises:
        ValueError, OverflowError: the calendar has no such day.
    """
    day, fraction = divmod(serial, 1)
    rest = dt.timedelta(milliseconds=round(fraction * _DAY))
    if 0 <= serial < 1 and not rest.days:
        return (epoch + rest).time()
    if 0 < serial < _LEAP_DAY and epoch == EPOCH_1900:
        day += 1
    return epoch + dt.timedelta(days=day) + rest


def show_moment(value: object) -> str:
    """A date, a moment or a time of day as text; midnight is left out."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
