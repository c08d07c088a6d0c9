"""Relative dates: what "last 30 days" and "this fiscal half" mean on a given day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from daicho import nihongo
from daicho.faults import listed
from daicho.fields.values import Refused
from daicho.nihongo import Period

MAX_COUNT = 3_660


@dataclass(frozen=True, slots=True)
class FilterContext:
    """The day on which a filter is asked, where days begin, and when the fiscal year does."""

    today: dt.date
    zone: dt.tzinfo = nihongo.JAPAN
    fiscal_start: int = 4


def _days(context: FilterContext, shift: int) -> Period:
    first = context.today + dt.timedelta(days=shift)
    return Period(first, first + dt.timedelta(days=1))


def _weeks(context: FilterContext, shift: int) -> Period:
    first = context.today + dt.timedelta(days=7 * shift - context.today.weekday())
    return Period(first, first + dt.timedelta(days=7))


def _months(context: FilterContext, shift: int) -> Period:
    first = nihongo.add_months(context.today.replace(day=1), shift)
    return Period(first, nihongo.add_months(first, 1))


def _years(context: FilterContext, shift: int) -> Period:
    return Period(dt.date(context.today.year + shift, 1, 1), dt.date(context.today.year + shift + 1, 1, 1))


class _Span(Protocol):
    def __call__(self, context: FilterContext, shift: int) -> Period: ...


def _quarters(context: FilterContext, shift: int) -> Period:
    return nihongo.fiscal_quarter_period(context.today, context.fiscal_start, shift)


def _halves(context: FilterContext, shift: int) -> Period:
    return nihongo.fiscal_half_period(context.today, context.fiscal_start, shift)


def _fiscal_years(context: FilterContext, shift: int) -> Period:
    return nihongo.fiscal_year_period(context.today, context.fiscal_start, shift)


_CALENDAR: Mapping[str, _Span] = {
    "week": _weeks,
    "month": _months,
    "year": _years,
    "fiscal_quarter": _quarters,
    "fiscal_half": _halves,
    "fiscal_year": _fiscal_years,
}
_SHIFT = {"last": -1, "this": 0, "next": 1}
_NAMED: Mapping[str, Callable[[FilterContext], Period]] = {
    "yesterday": lambda c: _days(c, -1),
    "today": lambda c: _days(c, 0),
    "tomorrow": lambda c: _days(c, 1),
    **{
        f"{word}_{unit}": partial(span, shift=shift)
        for word, shift in _SHIFT.items()
        for unit, span in _CALENDAR.items()
    },
}
_COUNTED: Mapping[str, Callable[[dt.date, int], Period]] = {
    "last_days": lambda day, count: Period(day - dt.timedelta(days=count - 1), day + dt.timedelta(days=1)),
    "next_days": lambda day, count: Period(day, day + dt.timedelta(days=count)),
    "last_months": lambda day, count: Period(nihongo.add_months(day, -count), day + dt.timedelta(days=1)),
    "next_months": lambda day, count: Period(day, nihongo.add_months(day, count) + dt.timedelta(days=1)),
}

PERIODS = (*_NAMED, *_COUNTED)
"""Every name that ``{"period": …}`` may have; those that end in days or months need a ``count``.

``last_days`` and ``next_days`` count today as one of the days. Weeks begin on Monday."""


def read_period(value: object, context: FilterContext) -> Period:
    """The days of ``{"period": name}`` or ``{"period": name, "count": n}``.

    Raises:
        Refused: ``invalid_type``, ``unknown_option``, ``required``, ``too_small``, ``too_large``.
    """
    if not isinstance(value, dict) or set(value) - {"period", "count"}:
        raise Refused("invalid_type", expected="period")
    name = value.get("period")
    if isinstance(name, str) and (named := _NAMED.get(name)):
        if "count" in value:
            raise Refused("unknown_field", "/count", known="period")
        return named(context)
    if isinstance(name, str) and (counted := _COUNTED.get(name)):
        return counted(context.today, _count(value.get("count"), 1))
    raise Refused("unknown_option", "/period", options=listed(PERIODS, most=40))


def read_day(value: object, context: FilterContext) -> dt.date | None:
    """The day of ``{"days_from_today": n}``; None when ``value`` is nothing like that.

    Raises:
        Refused: ``invalid_type``, ``too_small``, ``too_large``.
    """
    if not isinstance(value, dict) or set(value) != {"days_from_today"}:
        return None
    days = _count(value["days_from_today"], -MAX_COUNT, "/days_from_today")
    return context.today + dt.timedelta(days=days)


def _count(value: object, minimum: int, pointer: str = "/count") -> int:
    if value is None:
        raise Refused("required", pointer)
    if type(value) is not int:
        raise Refused("invalid_type", pointer, expected="integer")
    if value < minimum:
        raise Refused("too_small", pointer, minimum=minimum)
    if value > MAX_COUNT:
        raise Refused("too_large", pointer, maximum=MAX_COUNT)
    return value
