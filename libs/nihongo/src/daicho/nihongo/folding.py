"""Folding for search and matching: widths, case, kana and 異体字 count as the same."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.nihongo.kana import to_katakana
from daicho.nihongo.widths import compose, narrow

VARIANTS: Mapping[str, str] = {
    "高": "髙",
    "崎": "﨑",
    "辺": "邊邉",
    "斉": "齋斎齊",
    "島": "嶋嶌",
    "浜": "濵濱",
    "沢": "澤",
    "桜": "櫻",
    "広": "廣",
    "国": "國",
    "真": "眞",
    "竜": "龍",
    "恵": "惠",
    "徳": "德",
}
"""The character that is kept, and those that fold to it. A pair more is a change of stored search tokens,
so it comes with a rebuild of the blind index (see :data:`FOLD_VERSION`)."""

FOLD_VERSION = 1
"""Raised whenever :func:`fold` answers differently for some text."""


class Folding:
    """A way of folding; ``variants`` maps the kept character to those that fold to it."""

    def __init__(self, variants: Mapping[str, str] = VARIANTS) -> None:
        self._variants = {ord(other): kept for kept, others in variants.items() for other in others}

    def fold(self, text: str) -> str:
        """What two spellings of one thing have in common: NFKC, case, katakana, then 異体字.

        Idempotent. Length counts after folding: ㈱ is the three characters of (株). The result has at most six times as
        many characters as ``text``, and 64 more, because :func:`daicho.nihongo.widths.compose` cuts what expands too much.
        """
        if text.isascii():
            return text.lower()
        folded = to_katakana(compose(text).casefold())
        return compose(folded).translate(self._variants)


_DEFAULT = Folding()
fold = _DEFAULT.fold

_BETWEEN_DIGITS = str.maketrans("", "", "-‐−―ー ()")


def search_digits(query: str) -> str:
    """The digits of a query that is only digits, hyphens, blanks and brackets; else the empty string.

    Such a query also looks into telephone numbers, by their domestic digits.
    """
    rest = narrow(query).translate(_BETWEEN_DIGITS)
    return rest if rest.isascii() and rest.isdigit() else ""
