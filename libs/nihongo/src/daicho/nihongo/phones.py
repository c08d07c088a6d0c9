"""Telephone numbers, as typed in Japan, to E.164 and back."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from daicho.nihongo.lines import drop_unseen
from daicho.nihongo.unreadable import LONGEST, Unreadable, refuse_long
from daicho.nihongo.widths import narrow_hyphens

_JAPANESE = re.compile(r"[25-9]0[0-9]{8}|(?![25-9]0|0)[0-9]{9}")
"""What follows +81: ten digits for mobile, IP and 0800 numbers, nine for all others."""

_PLAIN = re.compile(r"0[0-9]{1,4}([- ]?)[0-9]{1,4}\1[0-9]{3,4}|0[0-9]{1,4}\([0-9]{1,4}\)[0-9]{3,4}")
_PLAIN_ABROAD = re.compile(r"\+81([- ]?)[1-9][0-9]{0,3}[- ]?[0-9]{1,4}[- ]?[0-9]{3,4}")
_MARKED = re.compile(r"(?:tel|電話)[.:\s]*+", re.IGNORECASE)
_REPRESENTATIVE = re.compile(r"\(代表?\)|代表")
"""（代） behind a number: the company's main line."""
_EXTENSION = re.compile(r"(?:内線|ext\.?|x)[:.#\s]*+([0-9]{1,8})\s*+", re.IGNORECASE)
_EXTENSIONS = ("内線", "ext", "x")
_MAY_NAME_ONE = re.compile("[内xXｘＸ]")
"""A letter of each of them. Nearly every number has none, and is not looked at further."""
_COUNTRY = re.compile(r"81[- ][1-9]")
_ALLOWED = re.compile(r"[+(0][0-9+\-() ./]*+")
_SEPARATORS = str.maketrans("", "", "-() ")


def read_phone(text: str) -> str:
    """The E.164 form of a number in any width, with any hyphens, brackets or blanks, domestic or +81.

    A Japanese number must have the length of its kind; a foreign one (+ or 010) must be valid for its
    country. （代） behind it is left out, and ``81-`` is read as +81. A number that lost its leading 0, letters, two
    numbers in one text and extensions (see :func:`split_extension`) are refused, never guessed.

    Raises:
        Unreadable: ``invalid_phone``.
    """
    refuse_long(text, "invalid_phone")
    plain = _without_mark(narrow_hyphens(drop_unseen(text)).strip())
    if _COUNTRY.match(plain):
        plain = "+" + plain
    if _PLAIN.fullmatch(plain):
        digits = plain.translate(_SEPARATORS)
        if not digits.startswith("010"):
            return _japanese(digits[1:])
    elif _PLAIN_ABROAD.fullmatch(plain):
        return _japanese(plain.translate(_SEPARATORS)[3:])
    return read_phone_with_library(plain)


def _without_mark(plain: str) -> str:
    at = plain.find("代", 1)
    if at < 1:
        return plain
    at -= plain[at - 1] == "("
    return plain[:at].rstrip() if at and _REPRESENTATIVE.fullmatch(plain[at:]) else plain


def split_extension(text: str) -> tuple[str, str | None]:
    """The number and the digits of the extension that ``text`` names behind it: 内線 12, （内線12）, ext. 12, x12.

    Text without an extension is returned as it is, with None.
    """
    if len(text) > LONGEST or _MAY_NAME_ONE.search(text) is None:
        return text, None
    plain = narrow_hyphens(drop_unseen(text)).strip()
    lowered = plain.lower()
    at = min((at for mark in _EXTENSIONS if (at := lowered.find(mark, 1)) > 0), default=0)
    behind = plain[at:]
    number = plain[:at].rstrip()
    if number.endswith("(") and behind.endswith(")"):
        number, behind = number[:-1].rstrip(), behind[:-1]
    match = _EXTENSION.fullmatch(behind) if at else None
    return (number, match[1]) if match and number else (text, None)


def read_phone_with_library(plain: str) -> str:
    """What :func:`read_phone` answers, for text that is narrow already, by way of ``phonenumbers`` alone."""
    refuse_long(plain, "invalid_phone")
    plain = _MARKED.sub("", plain, count=1) if _MARKED.match(plain) else plain
    if not _ALLOWED.fullmatch(plain) or plain.count("+") > 1:
        raise Unreadable("invalid_phone")
    try:
        number = phonenumbers.parse(plain, "JP")
    except phonenumbers.NumberParseException:
        raise Unreadable("invalid_phone") from None
    e164: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == 81:
        return _japanese(e164[3:])
    if number.extension or not phonenumbers.is_valid_number(number):
        raise Unreadable("invalid_phone")
    return e164


def _japanese(national: str) -> str:
    if not _JAPANESE.fullmatch(national):
        raise Unreadable("invalid_phone")
    return "+81" + national


def phone_digits(e164: str) -> str:
    """The digits that people in Japan dial and search by: +81312345678 → 0312345678; others without +."""
    return "0" + e164[3:] if e164.startswith("+81") else e164.lstrip("+")


def show_phone(e164: str) -> str:
    """The number with hyphens: 03-1234-5678; a foreign one as +1 212-555-1234."""
    if is_mobile(e164) and len(e164) == 13:
        return f"0{e164[3:5]}-{e164[5:9]}-{e164[9:]}"
    return show_phone_with_library(e164)


@lru_cache(maxsize=8_192)
def show_phone_with_library(e164: str) -> str:
    """What :func:`show_phone` answers, by way of ``phonenumbers`` alone."""
    try:
        number = phonenumbers.parse(e164, "JP")
    except phonenumbers.NumberParseException:
        return e164
    formats = phonenumbers.PhoneNumberFormat
    style = formats.NATIONAL if number.country_code == 81 else formats.INTERNATIONAL
    shown: str = phonenumbers.format_number(number, style)
    return shown


def is_mobile(e164: str) -> bool:
    """Whether a Japanese number is a mobile one (070, 080, 090 and the new 060)."""
    return e164.startswith(("+8160", "+8170", "+8180", "+8190")) and not e164.startswith("+81800")
