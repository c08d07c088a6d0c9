"""Half and full width, blanks and hyphens."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

BLANKS = " \t\u3000\u00a0"
"""What a cell loses at both ends. Line ends are content, so they stay."""

_HYPHENS = "\u30fc\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\ufe63\uff0d\uff70\u00ad\u02d7\u2043"
_TO_HYPHEN = {ord(character): "-" for character in _HYPHENS}


_SHORT: Final = 256
_MOST_MARKS: Final = 30
_NO_WORDS: Final = re.compile(rf"[\W\uff9e\uff9f]{{{_MOST_MARKS + 1},}}+")
"""A run in which combining marks may stand; no letter is one, but for the half-width sonant marks."""
_BECOME_MARKS: Final = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")
"""What is no combining mark and becomes one by normalisation."""
_LONG_FORMS: Final = re.compile(
    "[\u2057\u2152\u2167\u2177\u247d-\u2487\u2a0c\u321d\u321e\u3300-\u3357\u337f\u3389\u33a8\u33ae\u33af"
    "\u33c2\u33c6\u33d8\ufdf2-\ufdfc]"
)
"""Every character whose NFKC form has more than three characters, such as ㌖ (キロメートル) and U+FDFA (18 letters)."""
_SPARE: Final = 64
"""Characters that a short text may gain beyond its own length."""


def compose(text: str, form: Literal["NFC", "NFKC"] = "NFKC") -> str:
    """The normalised ``form`` of ``text``, in time in proportion to its length.

    Unicode sorts the combining marks that follow a letter, which takes ``unicodedata`` the square of their number: 64,000
    of them 4.4 seconds. In a text of more than 256 characters, marks after the thirtieth in a row are dropped; no
    language writes so many (UAX #15, Stream-Safe Text Format). A text that :func:`expands_too_much` is cut first, so the
    result has at most six times as many characters as ``text``, and 64 more.
    """
    if form == "NFKC" and _LONG_FORMS.search(text):
        text = text[: _end_of_expansion(text)]
    if len(text) > _SHORT:
        text = _NO_WORDS.sub(_without_excess, text)
    return unicodedata.normalize(form, text)


def expands_too_much(text: str) -> bool:
    """Whether characters such as ㌖ add more characters to the NFKC form of ``text`` than its own length and 64.

    Counts only characters that become more than three. Values that expand so much are refused."""
    return _LONG_FORMS.search(text) is not None and _end_of_expansion(text) < len(text)


def _end_of_expansion(text: str) -> int:
    """How many characters of ``text`` may be normalised."""
    room = len(text) + _SPARE
    for found in _LONG_FORMS.finditer(text):
        room -= len(unicodedata.normalize("NFKC", found[0])) - 1
        if room < 0:
            return found.start()
    return len(text)


def _without_excess(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in run[0]:
        marks = marks + 1 if unicodedata.combining(character) or character in _BECOME_MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def trim(text: str) -> str:
    """``text`` without blanks at its ends; empty when nothing but white space is left."""
    text = text.strip(BLANKS)
    return "" if text.isspace() else text


def narrow(text: str) -> str:
    """The NFKC form: full-width digits and letters become ASCII, half-width kana full, ㈱ becomes (株).

    For matching and for values with a form of their own; never for text that is shown as it was typed.
    """
    return text if text.isascii() else compose(text)


def narrow_hyphens(text: str) -> str:
    """Like :func:`narrow`, and every mark that people type for a hyphen (ー － ‐ ― ｰ −) becomes ``-``.

    Only for codes and numbers: in words ー is a letter.
    """
    return text if text.isascii() else compose(text).translate(_TO_HYPHEN).strip()
