"""Texts of one line that people read: names, labels, addresses of pages. They contain no invisible characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ENDS: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")
_UNSEEN: Final = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
_FILLERS: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]++")
"""Letters, marks and symbols that show nothing. Variation selectors are none of them: names in Japan need those."""
_JOINER: Final = "\u200d"
_FORMATS: Final = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_MARKS: Final = re.compile(f"[{_FORMATS}]++")
"""The characters of category Cf without the joiner."""
_MARK_OR_JOINER: Final = re.compile(f"[{_FORMATS}{_JOINER}]")


def unify_line_ends(text: str) -> str:
    """``text`` with LF for each of the line ends CR LF, CR, NEL, U+2028 and U+2029."""
    return text if text.isascii() and "\r" not in text else _ENDS.sub("\n", text)


def is_single_line(text: str) -> bool:
    """Whether ``text`` has no line end, no control character and nothing invisible: direction marks, zero-width
    characters, soft hyphens (categories Cc, Cf, Cs, Zl, Zp of Unicode), fillers. A joiner within an emoji may stay."""
    if not text.isascii() and _FILLERS.search(text):
        return False
    return text.isprintable() or not any(_is_unseen(text, place) for place in range(len(text)))


def may_hold_unseen(text: str) -> bool:
    """Whether :func:`drop_unseen` may change ``text``; False also says so of each part of it."""
    if text.isascii():
        return False
    if _FILLERS.search(text):
        return True
    return not text.isprintable() and _MARK_OR_JOINER.search(text) is not None


def drop_unseen(text: str) -> str:
    """``text`` without the invisible characters that programs leave around values (category Cf, fillers); line ends,
    control characters and joiners within emoji stay."""
    if text.isascii() or not may_hold_unseen(text):
        return text
    text = _FILLERS.sub("", text)
    if _JOINER in text:
        text = _without_stray_joiners(text)
    return _MARKS.sub("", text)


def _without_stray_joiners(text: str) -> str:
    first, *others = text.split(_JOINER)
    kept, before = [first], first
    for part in others:
        if before and part and _is_emoji(before[-1]) and _is_emoji(part[0]):
            kept.append(_JOINER)
        kept.append(part)
        before = part
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
