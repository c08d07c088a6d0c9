"""Half and full width, blanks and hyphens."""

from __future__ import annotations

import unicodedata

BLANKS = " \t\u3000\u00a0"
"""What a cell loses at both ends. Line ends are content, so they stay."""

_HYPHENS = "\u30fc\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\ufe63\uff0d\uff70\u00ad\u02d7\u2043"
_TO_HYPHEN = {ord(character): "-" for character in _HYPHENS}


def trim(text: str) -> str:
    """``text`` without blanks at its ends; empty when nothing but white space is left."""
    text = text.strip(BLANKS)
    return "" if text.isspace() else text


def narrow(text: str) -> str:
    """The NFKC form: full-width digits and letters become ASCII, half-width kana full, ㈱ becomes (株).

    For matching and for values with a form of their own; never for text that is shown as it was typed.
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def narrow_hyphens(text: str) -> str:
    """Like :func:`narrow`, and every mark that people type for a hyphen (ー － ‐ ― ｰ −) becomes ``-``.

    Only for codes and numbers: in words ー is a letter.
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_TO_HYPHEN).strip()
