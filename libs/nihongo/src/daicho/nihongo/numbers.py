"""Numbers that have a form of their own: 法人番号, 登録番号, money, months, plain numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from stdnum.jp import cn

from daicho.nihongo.unreadable import Unreadable, refuse_long
from daicho.nihongo.widths import narrow, narrow_hyphens

_GAPS = str.maketrans("", "", "- ")
_AMOUNT = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_NUMBER = re.compile(rf"[-+]?{_AMOUNT}")
_SIMPLE = re.compile(r"[¥\\]?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)円?")
_ENTITY = re.compile(
    r"(?P<open>\()?金?(?P<sign>[-+▲△]?)[¥\\]?(?P<inner>[-+▲△]?)(?P<body>.+?)(?:円也?)?(?P<close>\))?"
)
_GROUP = re.compile(rf"(?:(?P<thousand>{_AMOUNT})千)?(?:(?P<hundred>{_AMOUNT})百)?(?P<one>{_AMOUNT})?")
"""The amount before 兆, 億 or 万, or at the end."""
_LONGEST = 60
_LARGE = (("兆", 10**12), ("億", 10**8), ("万", 10**4))
_SMALL = {"thousand": 1000, "hundred": 100, "one": 1}
_MONTH = re.compile(r"([0-9]{1,2})(?:月(?:末日?|期|度|決算)?)?")


def read_corporate_number(text: str) -> str:
    """The 13 digits of a 法人番号, in any width, with hyphens or blanks; the check digit must hold.

    Raises:
        Unreadable: ``invalid_corporate_number``.
    """
    refuse_long(text, "invalid_corporate_number")
    digits = narrow_hyphens(text).translate(_GAPS)
    if not (digits.isascii() and cn.is_valid(digits)):
        raise Unreadable("invalid_corporate_number")
    return digits


def read_registration_number(text: str) -> str:
    """``T`` and 13 digits of a 適格請求書発行事業者 number; the T is required, in any width or case.

    Raises:
        Unreadable: ``invalid_registration_number``.
    """
    refuse_long(text, "invalid_registration_number")
    plain = narrow_hyphens(text).translate(_GAPS)
    digits = plain[1:]
    if plain[:1] not in ("T", "t") or not (digits.isascii() and cn.is_valid(digits)):
        raise Unreadable("invalid_registration_number")
    return "T" + digits


def read_yen(text: str) -> int:
    """Whole yen from 1,234円, ￥1,234, １２３４, 5200万, 1億2,500万円, -5,000, ▲5,000 and the like.

    Commas must stand at thousands. A fraction of a yen is refused, not rounded.

    Raises:
        Unreadable: ``invalid_number``.
    """
    refuse_long(text, "invalid_number", _LONGEST)
    if text.isascii() and text.isdigit():
        return int(text)
    plain = narrow(text).replace("−", "-").replace(" ", "")
    plain = plain[3:] if plain[:3].upper() == "JPY" else plain[:-3] if plain[-3:].upper() == "JPY" else plain
    if simple := _SIMPLE.fullmatch(plain):
        return int(simple[1].replace(",", ""))
    entity = _ENTITY.fullmatch(plain)
    if not entity or bool(entity["open"]) != bool(entity["close"]) or (entity["sign"] and entity["inner"]):
        raise Unreadable("invalid_number")
    amount = _sum(entity["body"])
    sign = entity["sign"] or entity["inner"]
    return -amount if sign in tuple("-▲△") or entity["open"] else amount


def _sum(body: str) -> int:
    total, rest = Fraction(0), body
    for unit, factor in _LARGE:
        before, found, after = rest.partition(unit)
        if found:
            total += _group(before) * factor
            rest = after
    if rest or not total:
        total += _group(rest)
    if total.denominator != 1:
        raise Unreadable("invalid_number")
    return int(total)


def _group(text: str) -> Fraction:
    """The number before a large unit: 5, 1,234.5, 3千, 5百, 2千5百."""
    match = _GROUP.fullmatch(text)
    if not match or not text.isprintable() or not any(match.groups()):
        raise Unreadable("invalid_number")
    return sum(
        (Fraction(part.replace(",", "")) * _SMALL[unit] for unit, part in match.groupdict().items() if part),
        Fraction(0),
    )


def read_decimal(text: str) -> Decimal:
    """A number with optional sign, thousands commas and fraction, in any width.

    Raises:
        Unreadable: ``invalid_number``.
    """
    refuse_long(text, "invalid_number", _LONGEST)
    plain = narrow(text).replace("−", "-").strip()
    if not plain.isascii() or not _NUMBER.fullmatch(plain):
        raise Unreadable("invalid_number")
    return Decimal(plain.replace(",", ""))


def read_integer(text: str) -> int:
    """Like :func:`read_decimal`; a fraction other than zero is refused.

    Raises:
        Unreadable: ``invalid_number``.
    """
    number = read_decimal(text)
    if number != number.to_integral_value():
        raise Unreadable("invalid_number")
    return int(number)


def read_month(text: str) -> int:
    """The month 1 to 12 from 3, 03, 3月, ３月末, 3月決算.

    Raises:
        Unreadable: ``invalid_month``.
    """
    refuse_long(text, "invalid_month")
    match = _MONTH.fullmatch(narrow(text).replace(" ", ""))
    if not match or not match[1].isascii() or not 1 <= int(match[1]) <= 12:
        raise Unreadable("invalid_month")
    return int(match[1])
