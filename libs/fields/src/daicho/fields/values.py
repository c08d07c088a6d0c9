"""Reading single values: from JSON (strict) and from text that a person typed (lenient).

Both ways end in the same stored form. Every reader raises :class:`Refused`.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from functools import cached_property
from urllib.parse import urlsplit
from uuid import UUID

from daicho import nihongo
from daicho.faults import FieldFault, listed
from daicho.fields.definitions import MAX_INTEGER, MAX_SELECTED, MAX_TEXT, FieldDefinition, Option

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_URL_FORBIDDEN = re.compile(r'[\s<>"\\^`{|}]')
_OWN_SIGNS = {
    "USD": ("US$", "$"),
    "EUR": ("€",),
    "GBP": ("£",),
    "KRW": ("₩",),
    "CNY": ("CN¥", "¥", "元"),
    "AUD": ("A$", "$"),
    "CAD": ("C$", "$"),
    "SGD": ("S$", "$"),
    "HKD": ("HK$", "$"),
    "TWD": ("NT$", "$"),
    "NZD": ("NZ$", "$"),
    "INR": ("₹",),
    "THB": ("฿",),
    "VND": ("₫",),
}
"""Signs that people write beside an amount in place of the currency's code: the longest first."""
_SEPARATORS = (re.compile(r"[\n;；|｜]+"), re.compile(r"[\n;；|｜,，]+"), re.compile(r"[\n;；|｜,，、]+"))

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}
"""Digits of the minor unit (ISO 4217) where they are not two."""


class Refused(nihongo.Unreadable):
    """A value is not acceptable. ``pointer`` leads on from the field, for values with parts."""

    def __init__(self, code: str, pointer: str = "", **params: str | int) -> None:
        super().__init__(code)
        self.pointer = pointer
        self.params = params

    def at(self, pointer: str) -> FieldFault:
        """The fault, seen from the document that holds the field."""
        return FieldFault(pointer + self.pointer, self.code, self.params)


def as_text(value: object) -> str:
    """``value`` if it is a string, else refused."""
    if not isinstance(value, str):
        raise Refused("invalid_type", expected="text")
    return value


def clean_text(text: str) -> str:
    """Text as typed, without blanks at its ends, line ends as LF; control characters are refused."""
    text = nihongo.trim(text)
    if not text.isprintable():
        text = nihongo.unify_line_ends(text)
        if _CONTROL.search(text):
            raise Refused("control_character")
    return text


def is_clean(text: str) -> bool:
    """Whether ``text`` is free of control characters that no field stores."""
    return not _CONTROL.search(text)


def read_line(text: str) -> str | None:
    """``text`` when it stands on one line and holds nothing invisible (:func:`nihongo.is_single_line`), else None."""
    return text if nihongo.is_single_line(text) else None


def bounded(text: str, maximum: int) -> str:
    """Cleaned text of at most ``maximum`` characters."""
    if len(text) <= maximum and text.isprintable() and text[:1] != " " and text[-1:] != " ":
        return text
    text = clean_text(text)
    if len(text) > maximum:
        raise Refused("too_long", maximum=maximum)
    return text


def in_range(number: int) -> int:
    """An integer that every JSON reader keeps."""
    if number > MAX_INTEGER:
        raise Refused("too_large", maximum=MAX_INTEGER)
    if number < -MAX_INTEGER:
        raise Refused("too_small", minimum=-MAX_INTEGER)
    return number


def as_integer(value: object) -> int:
    """A JSON integer; true and 1.0 are none."""
    if type(value) is not int:
        raise Refused("invalid_type", expected="integer")
    return in_range(value)


def as_decimal(value: object, scale: int) -> str:
    """A JSON string or number with at most ``scale`` places, as a canonical string."""
    if isinstance(value, float):
        value = repr(value)
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise Refused("invalid_type", expected="number")
    if not _DECIMAL.fullmatch(value):
        raise Refused("invalid_number")
    try:
        return store_decimal(Decimal(value), scale)
    except InvalidOperation:
        raise Refused("invalid_number") from None


def store_decimal(number: Decimal, scale: int) -> str:
    """The canonical string of ``number``; more places than ``scale`` are refused, never rounded."""
    if len(number.as_tuple().digits) > 25:  # more would be rounded by the arithmetic below
        raise Refused("invalid_number")
    scaled = number.scaleb(scale)
    if scaled != scaled.to_integral_value():
        raise Refused("invalid_number")
    in_range(int(scaled))
    return format(number.normalize() + 0, "f")


def as_money(value: object, currency: str) -> dict[str, object]:
    """``{"amount": integer in minor units, "currency": …}`` in the field's own currency."""
    if not isinstance(value, dict) or set(value) - {"amount", "currency"}:
        raise Refused("invalid_type", expected="money")
    if type(value.get("amount")) is not int:
        raise Refused("invalid_type", "/amount", expected="integer")
    if value.get("currency", currency) != currency:
        raise Refused("unknown_option", "/currency", options=currency)
    return {"amount": in_range(value["amount"]), "currency": currency}


def money_from_text(text: str, currency: str) -> dict[str, object]:
    """Money as typed: whole yen with ￥, 円, 万, 億; other currencies with their sign and fraction."""
    if currency == "JPY":
        return {"amount": in_range(nihongo.read_yen(text)), "currency": currency}
    nihongo.refuse_long(text, "invalid_number")
    number = nihongo.read_decimal(_without_sign(nihongo.narrow(text).replace("−", "-").strip(), currency))
    minor = number.scaleb(MINOR_DIGITS.get(currency, 2))
    if minor != minor.to_integral_value():
        raise Refused("invalid_number")
    return {"amount": in_range(int(minor)), "currency": currency}


def _without_sign(text: str, currency: str) -> str:
    """``text`` without one sign or code of ``currency``, before it, after it, or behind its minus."""
    minus = "-" if text.startswith("-") else ""
    rest = text[len(minus) :].lstrip()
    for sign in (currency, *_OWN_SIGNS.get(currency, ())):
        if rest[: len(sign)].upper() == sign:
            return minus + rest[len(sign) :].strip()
        if rest[-len(sign) :].upper() == sign:
            return minus + rest[: -len(sign)].strip()
    return text


def as_date(value: object, kept: object = None) -> str:
    """``YYYY-MM-DD`` within the range of :mod:`daicho.nihongo.day_range`, or ``kept``, stored before there was one."""
    text = as_text(value)
    try:
        day = dt.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Refused("invalid_date")
    return text if text == kept else day_in_range(day).isoformat()


def day_in_range(day: dt.date) -> dt.date:
    """``day``; one outside of the range is refused."""
    if not nihongo.is_day_in_range(day):
        raise Refused("day_out_of_range", **nihongo.DAY_LIMITS)
    return day


def moment_in_range(moment: dt.datetime) -> dt.datetime:
    """``moment``, which is aware; one outside of the range is refused."""
    if not nihongo.is_moment_in_range(moment):
        raise Refused("day_out_of_range", **nihongo.DAY_LIMITS)
    return moment


def date_from_text(text: str) -> str:
    """A date as typed in Japan, in the ISO form."""
    return day_in_range(nihongo.read_date(text)).isoformat()


def as_datetime(value: object, kept: object = None) -> str:
    """RFC 3339 with an offset, stored in UTC; out of the range only ``kept``, as :func:`as_date`."""
    text = as_text(value)
    try:
        moment = dt.datetime.fromisoformat(text) if len(text) >= 16 and text[10] in "Tt " else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused("invalid_datetime")
    if text == kept and not nihongo.is_moment_in_range(moment):
        return text
    return store_datetime(moment)


def store_datetime(moment: dt.datetime) -> str:
    """The RFC 3339 form in UTC; a moment outside of the range is refused."""
    return moment_in_range(moment).astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def datetime_from_text(text: str) -> str:
    """A moment as typed, wall time in Japan."""
    return store_datetime(nihongo.read_datetime(text))


def as_boolean(value: object) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise Refused("invalid_type", expected="boolean")
    return value


def read_url(text: str, maximum: int = 2000) -> str:
    """An http or https address with a host and without a user name."""
    text = text.strip()
    if len(text) > maximum:
        raise Refused("too_long", maximum=maximum)
    if _URL_FORBIDDEN.search(text) or not nihongo.is_single_line(text):
        raise Refused("invalid_url")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Refused("invalid_url") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or host.startswith("."):
        raise Refused("invalid_url")
    return text


def read_uuid(text: str, code: str) -> str:
    """A UUID in its canonical form; anything else is refused with ``code``."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(code) from None


def option_key(text: str) -> str:
    """What two spellings of an option have in common."""
    return nihongo.compose(text).strip()


class Options:
    """The options of one field, found by value or label after NFKC. What an exact value does not need is made when it is
    first used, because a resource may have 20,000 options."""

    def __init__(self, definition: FieldDefinition) -> None:
        self._options = definition.options

    @cached_property
    def _all(self) -> dict[str, Option]:
        found: dict[str, Option] = {}
        for option in self._options:
            found.setdefault(option_key(option.value), option)
        for option in self._options:
            if option.label:
                found.setdefault(option_key(option.label), option)
        return found

    @cached_property
    def _order(self) -> dict[str, int]:
        return {option.value: index for index, option in enumerate(self._options)}

    @cached_property
    def _names(self) -> str:
        return listed(option.value for option in self._options if not option.archived)

    @cached_property
    def _exact(self) -> dict[str, str]:
        return {option.value: option.value for option in self._options if not option.archived}

    def find(self, text: str, kept: object = None) -> str:
        """The value that ``text`` names; an archived option only when it is ``kept`` from before."""
        if (found := self._exact.get(text)) is not None:
            return found
        option = self._all.get(option_key(text)) if len(text) <= MAX_TEXT else None
        if option is None or (option.archived and not _holds(kept, option.value)):
            raise Refused("unknown_option", options=self._names)
        return option.value

    def ordered(self, values: list[str]) -> list[str]:
        """The values without repeats, in the order of the options."""
        if len(values) > MAX_SELECTED:
            raise Refused("too_many", maximum=MAX_SELECTED)
        return sorted(set(values), key=self._order.__getitem__)

    def split(self, text: str) -> list[str]:
        """The options that one cell names, parted by line ends, ; | , or 、 (an option may hold some of them)."""
        try:
            return [self.find(text)]
        except Refused:
            pass
        for separator in _SEPARATORS:
            try:
                return self.ordered([self.find(part) for part in separator.split(text) if part.strip()])
            except Refused:
                continue
        raise Refused("unknown_option", options=self._names)


def _holds(kept: object, value: str) -> bool:
    return kept == value or (isinstance(kept, (list, tuple)) and value in kept)
