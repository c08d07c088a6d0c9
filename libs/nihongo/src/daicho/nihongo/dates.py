"""Dates as people in Japan write them, and the eras."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import narrow, narrow_hyphens

JAPAN = dt.timezone(dt.timedelta(hours=9), "JST")
"""Japan has had no daylight saving since 1951."""

_EXCEL_EPOCH = dt.date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Era:
    """An era of Japan's calendar; its first year begins on ``start``."""

    name: str
    letter: str
    start: dt.date


ERAS = (
    Era("令和", "R", dt.date(2019, 5, 1)),
    Era("平成", "H", dt.date(1989, 1, 8)),
    Era("昭和", "S", dt.date(1926, 12, 25)),
    Era("大正", "T", dt.date(1912, 7, 30)),
    Era("明治", "M", dt.date(1868, 1, 25)),
)
"""Newest first. Meiji counts from its proclaimed beginning, the first day of the old year."""

_OFFSET = {key: era.start.year - 1 for era in ERAS for key in (era.name, era.name[0], era.letter)}
_WESTERN = re.compile(r"([0-9]{4})\s*([-/.年])\s*([0-9]{1,2})\s*([-/.月])\s*([0-9]{1,2})\s*(日?)")
_JAPANESE = re.compile(
    r"(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])\s*(元|[0-9]{1,2})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?"
)
_COMPACT_ERA = re.compile(r"([MTSHR])([0-9][0-9])([0-9][0-9])([0-9][0-9])")
_TAIL = re.compile(r"(?<!\s)\s*+\([日月火水木金土](?:曜日?)?\)$")
_MIDNIGHT = re.compile(r"(?<![ T])[ T]++0{1,2}:00(?::00(?:\.0++)?)?$")
_TIME = re.compile(
    r"(?:(?<![ T])[ T]++|(?<=日))([0-9]{1,2})(?::|時)([0-9]{1,2})(?:(?::|分)([0-9]{1,2})(?:\.[0-9]++)?秒?|分)?\s*+(Z|[-+][0-9][0-9]:?[0-9][0-9])?\Z"
)
"""The time of day at the end of a text, with what parts it from the date."""
_SERIAL_TIME = re.compile(r"([0-9]{5})\.([0-9]+)")


def read_date(text: str) -> dt.date:
    """A date from 2024/4/1, 2024-04-01, 2024年4月1日, 令和6年4月1日, R6.4.1, 20240401 or an Excel serial.

    Any width; 元年 and 昭和64年 count. A day past an era's end (平成35年) is taken at its word, for papers
    are printed like that. A serial is of the 1900 system and has five digits; four are a day without a year,
    or a year, and no date. A time other than midnight is refused rather than dropped.

    Raises:
        Unreadable: ``invalid_date``.
    """
    refuse_long(text, "invalid_date")
    if (match := _WESTERN.fullmatch(text)) is None:
        text = _clean(text)
        match = _WESTERN.fullmatch(text)
    try:
        if match is not None:
            return _western(match)
        if len(text) <= 8 and text.isascii() and text.isdigit():
            return _digits(text)
        if match := _JAPANESE.fullmatch(text.upper()):
            year = 1 if match[2] == "元" else int(match[2])
            return dt.date(_OFFSET[match[1]] + _counted(year), int(match[3]), int(match[4]))
        if match := _COMPACT_ERA.fullmatch(text.upper()):
            return dt.date(_OFFSET[match[1]] + _counted(int(match[2])), int(match[3]), int(match[4]))
    except ValueError:
        pass
    raise Unreadable("invalid_date")


def _clean(text: str) -> str:
    text = narrow_hyphens(text).strip()
    return _MIDNIGHT.sub("", _TAIL.sub("", text)) if len(text) > 8 else text


def _western(match: re.Match[str]) -> dt.date:
    year, first, month, second, day, last = match.groups()
    if (first == "年") != (second == "月") or (last and first != "年") or (first != "年" and first != second):
        raise ValueError(match[0])
    return dt.date(int(year), int(month), int(day))


def _counted(year: int) -> int:
    if year < 1:
        raise ValueError(year)
    return year


def _digits(text: str) -> dt.date:
    if len(text) == 8:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    serial = int(text)
    if len(text) != 5 or text.startswith("0"):
        raise ValueError(text)
    return _EXCEL_EPOCH + dt.timedelta(days=serial)


def read_datetime(text: str, zone: dt.tzinfo = JAPAN) -> dt.datetime:
    """A date with a time of day (2024/4/1 13:05, 2024年4月1日13時5分, RFC 3339, an Excel serial), aware.

    Without an offset of its own it is wall time in ``zone``; a date alone is its midnight.

    Raises:
        Unreadable: ``invalid_datetime``.
    """
    refuse_long(text, "invalid_datetime")
    plain = narrow(text).strip()
    try:
        if match := _SERIAL_TIME.fullmatch(plain):
            seconds = round(float("0." + match[2]) * 86400)
            return dt.datetime.combine(read_date(match[1]), dt.time(), zone) + dt.timedelta(seconds=seconds)
        match = _TIME.search(plain, 1)
        if match is None:
            return dt.datetime.combine(read_date(plain), dt.time(), zone)
        day = read_date(_TAIL.sub("", plain[: match.start()]))
        clock = dt.time(int(match[1]), int(match[2]), int(match[3] or 0))
        return dt.datetime.combine(day, clock, _offset(match[4]) or zone)
    except ValueError:
        raise Unreadable("invalid_datetime") from None


def _offset(text: str | None) -> dt.tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return dt.UTC
    sign = -1 if text[0] == "-" else 1
    return dt.timezone(sign * dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def show_era(day: dt.date, *, short: bool = False) -> str:
    """令和8年11月21日, or R8.11.21 when ``short``; the first year is 元年 in the long form.

    Days before Meiji are shown in the western form.
    """
    for era in ERAS:
        if day >= era.start:
            year = day.year - era.start.year + 1
            if short:
                return f"{era.letter}{year}.{day.month}.{day.day}"
            return f"{era.name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    return f"{day.year}年{day.month}月{day.day}日"
