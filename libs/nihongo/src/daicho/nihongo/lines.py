"""Texts of one line that people read: names, labels, addresses of pages. They contain no invisible characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ENDS: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN: Final = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
_FILLERS: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]")
"""Letters, marks and symbols that show nothing. Variation selectors are none of them: names in Japan need those."""
_JOINER: Final = "\u200d"


def unify_line_ends(text: str) -> str:
    """``text`` with LF for each of the line ends CR LF, CR, NEL, U+2028 and U+2029."""
    return text if text.isascii() and "\r" not in text else _ENDS.sub("\n", text)


def is_single_line(text: str) -> bool:
    """Whether ``text`` has no line end, no control character and nothing invisible: direction marks, zero-width
    characters, soft hyphens (categories Cc, Cf, Cs, Zl, Zp of Unicode), fillers. A joiner within an emoji may stay."""
    if not text.isascii() and _FILLERS.search(text):
        return False
    return text.isprintable() or not any(_is_unseen(text, place) for place in range(len(text)))


def drop_unseen(text: str) -> str:
    """``text`` without the invisible characters that programs leave around values (category Cf, fillers); line ends,
    control characters and joiners within emoji stay."""
    if not text.isascii():
        text = _FILLERS.sub("", text)
    if text.isprintable():
        return text
    kept = (
        each
        for place, each in enumerate(text)
        if unicodedata.category(each) != "Cf" or not _is_unseen(text, place)
    )
    return "".join(kept)


def _is_unseen(text: str, place: int) -> bool:
    if unicodedata.category(text[place]) not in _UNSEEN:
        return False
    return text[place] != _JOINER or not (
        _is_emoji(text[place - 1 : place]) and _is_emoji(text[place + 1 : place + 2])
    )


def _is_emoji(character: str) -> bool:
    """Whether ``character`` may stand beside the joiner of an emoji: a symbol, or what says how one looks."""
    return character != "" and (unicodedata.category(character) in ("So", "Sk") or character == "\ufe0f")
