"""Holidays, business days and the fiscal year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import jpholiday


@lru_cache(maxsize=4096)
def holiday_name(day: dt.date) -> str | None:
    """The name of the public holiday (substitute days included) on ``day``, or None."""
    name: str | None = jpholiday.is_holiday_name(day)
    return name


def is_business_day(day: dt.date, closures: Collection[dt.date] = frozenset()) -> bool:
    """Monday to Friday, no public holiday, and none of the company's own closures (お盆, 年末年始)."""
    return day.weekday() < 5 and day not in closures and holiday_name(day) is None


def add_business_days(day: dt.date, count: int, closures: Collection[dt.date] = frozenset()) -> dt.date:
    """The ``count``-th business day after ``day``, or before it when negative; 0 gives ``day`` itself."""
    step = dt.timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_business_day(day, closures)
    return day


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``first`` up to and without ``end``."""

    first: dt.date
    end: dt.date


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day ``months`` later or earlier; the month's last day where the day does not exist."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return dt.date(year, month + 1, min(day.day, (following - dt.timedelta(days=1)).day))


def fiscal_year(day: dt.date, start_month: int = 4) -> int:
    """The 年度: the calendar year in which the fiscal year of ``day`` begins."""
    return day.year if day.month >= start_month else day.year - 1


def _block(day: dt.date, months: int, start_month: int, shift: int) -> Period:
    into = (day.month - start_month) % months
    first = add_months(day.replace(day=1), shift * months - into)
    return Period(first, add_months(first, months))


def fiscal_year_period(day: dt.date, start_month: int = 4, shift: int = 0) -> Period:
    """The fiscal year around ``day``, or ``shift`` years from it."""
    return _block(day, 12, start_month, shift)


def fiscal_half_period(day: dt.date, start_month: int = 4, shift: int = 0) -> Period:
    """上期 or 下期 around ``day``, or ``shift`` halves from it."""
    return _block(day, 6, start_month, shift)


def fiscal_quarter_period(day: dt.date, start_month: int = 4, shift: int = 0) -> Period:
    """The fiscal quarter around ``day``, or ``shift`` quarters from it."""
    return _block(day, 3, start_month, shift)
