"""Show numbers by their number format (ECMA-376-1, 18.8.30 and 18.8.31), as far as it changes their meaning."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from daicho.tabular.serial_dates import from_serial, show_moment

LONGEST_FORMAT: Final = 255
"""Characters of a number format that count."""
SIGNIFICANT: Final = 15
"""Digits that a spreadsheet keeps and shows. What a float has behind them nobody typed."""

_LITERALS: Final = re.compile(r'"[^"]*"|\[(?!(?:hh?|mm?|ss?)\])[^\]]{0,64}+\]')
"""Text in quotes, colours and places of at most 64 characters; not ``[h]``, which counts hours beyond a day."""
_SYMBOLS: Final = re.compile(r"(?<![_\\])[dmhysDMHYS]")
_ELAPSED: Final = re.compile(r"\[(?:hh?|mm?|ss?)\]")
_CONDITION: Final = re.compile(r"\[(<=|>=|<>|<|>|=)([0-9]{1,15})\]")
_LEAST_ZEROS: Final = 2
"""``0`` is how any whole number is shown; from two on a format says how many digits there are."""


class Kind(Enum):
    """How a number is shown."""

    NUMBER = auto()
    DAY = auto()
    TIME = auto()
    MOMENT = auto()
    ELAPSED = auto()
    """Hours, minutes or seconds that are not of a day: ``[h]:mm``."""


_JAPANESE: Final = {
    **dict.fromkeys((*range(27, 32), *range(34, 37), *range(50, 59)), Kind.DAY),
    **dict.fromkeys((32, 33), Kind.TIME),
}
BUILT_IN: Final[Mapping[int, Kind]] = {
    **dict.fromkeys(range(14, 18), Kind.DAY),
    **dict.fromkeys((*range(18, 22), 45, 47), Kind.TIME),
    22: Kind.MOMENT,
    46: Kind.ELAPSED,
    **_JAPANESE,
}
"""Formats without a code in the file; 27 to 36 and 50 to 58 are those of Japanese workbooks."""

_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<=": int.__le__,
    ">=": int.__ge__,
    "<": int.__lt__,
    ">": int.__gt__,
    "=": int.__eq__,
    "<>": int.__ne__,
}


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of a format of digits: for which numbers it is, and places (``0``, ``#``) among other characters."""

    condition: tuple[str, int] | None
    places: tuple[str | None, ...]
    """None is a digit's place, a text stands as it is."""
    zeros: int

    def holds(self, number: int) -> bool:
        return self.condition is None or _COMPARE[self.condition[0]](number, self.condition[1])

    def show(self, number: int) -> str:
        digits = list(str(number).zfill(self.zeros))
        shown: list[str] = []
        open_places = sum(place is None for place in self.places)
        for place in reversed(self.places):
            if place is not None:
                shown.append(place)
                continue
            open_places -= 1
            taken = digits if open_places == 0 else digits[-1:]
            shown.append("".join(taken))
            digits = digits[: len(digits) - len(taken)]
        return "".join(reversed(shown))


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """``kind``, and for a number the sections that say how many digits it has; none where they do not."""

    kind: Kind
    sections: tuple[_Section, ...] = ()

    def show(self, text: str, epoch: dt.datetime) -> str:
        """The number ``text`` as a person sees it. A day that the calendar lacks is a number.

        Raises:
            ValueError: it is no number.
        """
        if self.kind is Kind.NUMBER:
            return self._show_digits(show_number(text))
        number = float(text)
        if not math.isfinite(number):
            return text
        if self.kind is Kind.ELAPSED:
            return _show_elapsed(number)
        if number < 0:
            return show_number(text)
        try:
            moment = from_serial(number, epoch)
        except (ValueError, OverflowError):
            return show_number(text)
        if self.kind is Kind.DAY and isinstance(moment, dt.datetime):
            return moment.date().isoformat()
        if self.kind is Kind.TIME and isinstance(moment, dt.time):
            return moment.isoformat("auto" if moment.second or moment.microsecond else "minutes")
        return show_moment(moment)

    def _show_digits(self, text: str) -> str:
        if not (text.isascii() and text.isdigit()) or len(text) > SIGNIFICANT:
            return text
        number = int(text)
        section = next((each for each in self.sections if each.holds(number)), None)
        return section.show(number) if section is not None else text


def number_format(code: str) -> NumberFormat:
    """Read the number format ``code``; its part for positive numbers says whether it is of days and times."""
    code = code[:LONGEST_FORMAT]
    if is_date_format(code):
        return NumberFormat(_kind_of(code))
    found = [_read_section(part) for part in code.split(";")]
    sections = tuple(each for each in found if each is not None)
    # Without conditions the first part is for positive numbers, and the others are not for whole ones.
    sections = sections if any(each.condition for each in sections) else sections[:1]
    is_about_digits = len(sections) == len(found) or found[:1] == list(sections)
    return NumberFormat(Kind.NUMBER, sections if is_about_digits else ())


def is_date_format(code: str) -> bool:
    """Whether the number format ``code`` shows a date or a time, judged by its part for positive numbers."""
    return _SYMBOLS.search(_symbols_of(code)) is not None


def show_number(text: str) -> str:
    """A number as a spreadsheet shows it: at most 15 significant digits, zeros for what lies behind them, no exponent.

    Raises:
        ValueError: it is no number.
    """
    if len(text) <= SIGNIFICANT and text.isdigit():
        return text
    number = float(text) or 0.0
    return format(Decimal(f"{number:.{SIGNIFICANT}g}"), "f") if math.isfinite(number) else text


def _symbols_of(code: str) -> str:
    return _LITERALS.sub("", code[:LONGEST_FORMAT].partition(";")[0])


def _kind_of(code: str) -> Kind:
    shown = _symbols_of(code)
    if _ELAPSED.search(shown):
        return Kind.ELAPSED
    symbols = {found.lower() for found in _SYMBOLS.findall(shown)}
    has_time = bool(symbols & {"h", "s"})
    has_day = bool(symbols & {"y", "d"}) or not has_time  # m alone is a month, beside h or s it is minutes
    return Kind.MOMENT if has_day and has_time else Kind.DAY if has_day else Kind.TIME


def _read_section(part: str) -> _Section | None:
    """A part that has nothing but places for digits and characters that stand as they are."""
    found = _CONDITION.match(part)
    condition = (found[1], int(found[2])) if found else None
    rest = iter(part[found.end() :] if found else part)
    places: list[str | None] = []
    zeros = 0
    for each in rest:
        if each in "0#":
            places.append(None)
            zeros += each == "0" or zeros > 0
        elif each == "\\":
            places.append(next(rest, ""))
        elif each == '"':
            places.extend(_quoted(rest))
        elif each in "-() ":
            places.append(each)
        else:
            return None
    return _Section(condition, tuple(places), zeros) if zeros >= _LEAST_ZEROS else None


def _quoted(rest: Iterator[str]) -> list[str]:
    """The characters up to the next quotation mark, which is taken as well."""
    return list(itertools.takewhile(lambda each: each != '"', rest))


def _show_elapsed(days: float) -> str:
    seconds = round(abs(days) * 86_400)
    sign = "-" if days < 0 and seconds else ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
