"""How many guesses a password takes, by zxcvbn: common passwords, words, names, keys in a row, dates, repetitions.

zxcvbn's cost grows faster than its input's length, and a few letters written as signs (``4@8({[<``) multiply it: 64
characters were measured at 24 s. So it sees the beginning of a password alone, in which signs that stand for letters
are written as letters when there are many ways to read them. Signs between letters and digits add little: the letters and
digits alone are judged too, and so is the password with letters of other scripts read as the Latin letters that they look like.
The worst that was found takes 0.1 s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from daicho.identity.lookalikes import plain_letters
from daicho.nihongo import narrow, split_company

EXAMINED: Final = 32
"""Characters of a password that are judged; the rest makes it no weaker."""
READINGS: Final = 8
"""Ways to read signs as letters that are tried."""
ENOUGH: Final = 1.5e8
"""Guesses that a password must take. Any two common words or patterns together take 1.0e8, zxcvbn's third score."""

SEPARATOR: Final = 50
"""How many times more guesses each kind of sign takes that stands between or behind a password's letters and digits."""

_WORDS: Final = re.compile(r"[^\W_]+")
_COMMON: Final = Path(__file__).with_name("common_words.txt")
"""zxcvbn knows English alone: the product's name, and what people in Japan begin a password with."""
_using_zxcvbn: Final = Lock()


def guesses(password: str, known: Iterable[str] = ()) -> float:
    """About how many guesses find ``password``.

    ``known``: what an attacker knows of its owner; each word in it counts as one of the first to be tried.
    """
    personal = (word for text in known for word in words_of(text))
    words = [*dict.fromkeys([*personal, *_common_words()])]
    typed = password[:EXAMINED]
    folded = plain_letters(narrow(typed))
    letters = "".join(_WORDS.findall(folded))
    between = float(SEPARATOR) ** len(set(folded) - set(letters))
    whole = min(_estimate(each, words) for each in {typed, folded})
    return min(whole, between * _estimate(letters, words))


def _estimate(shown: str, words: Sequence[str]) -> float:
    """zxcvbn's guesses of the beginning of a password, by an attacker who tries ``words`` first."""
    # Its word lists take 0.2 s and 12 MiB: a process that judges no password does without.
    from zxcvbn import matching, zxcvbn

    signs = matching.relevant_l33t_subtable(shown, matching.L33T_TABLE)
    if math.prod(len(ways) for ways in signs.values()) > READINGS:
        shown = shown.translate({ord(sign): letter for letter, ways in signs.items() for sign in ways})
    if not shown:
        return math.inf
    with _using_zxcvbn:  # it keeps the words that it is given in a global
        return float(zxcvbn(shown[:EXAMINED], user_inputs=words)["guesses"])


@cache
def _common_words() -> tuple[str, ...]:
    return tuple(_COMMON.read_text(encoding="utf-8").split())


def words_of(text: str) -> Iterator[str]:
    """The words of a name, an address or a code by themselves and together, in lower case; none too short to matter.

    A company's name counts without its legal form too.
    """
    parts = _WORDS.findall(text.lower())
    for word in (*parts, "".join(parts), text.lower(), split_company(text).core.lower()):
        if len(word) >= (3 if word.isascii() else 2):
            yield word
