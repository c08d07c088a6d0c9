"""Texts against which a backtracking pattern runs longest, derived from the pattern itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined] # how ``re`` itself reads a pattern; typeshed has none of it
from re import _parser as parser  # type: ignore[attr-defined] # the same
from typing import Any, Final

_OUTSIDE: Final = "\u2603"
"""A character that no pattern names: the one after which nothing matches any more."""
_CATEGORIES: Final = {
    codes.CATEGORY_DIGIT: "1",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_WORD: "-",
}
_MOST: Final = 14
"""Characters of an alphabet that are paired with each other."""


def attacks(pattern: str | bytes, flags: int = 0) -> Iterator[tuple[str, str, str]]:
    """Triples of a beginning, a part to repeat, and an end.

    The parts are a representative of each character and class of the pattern, alone and in pairs, what its repeated
    groups match at least, and its literals in a row. A beginning is empty or what the pattern matches before one of
    its repeats.
    """
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    tree = parser.parse(text, flags & ~re.UNICODE if isinstance(pattern, bytes) else flags)
    letters = list(dict.fromkeys(_letters(tree)))
    beginnings, bodies = {""}, set()
    for before, body in _repeats(tree, ""):
        beginnings.add(before)
        bodies.add(body)
    shortest = _shortest(tree)
    pumps = dict.fromkeys([*letters, *bodies, shortest, shortest[:-1], shortest[1:]])
    pumps |= dict.fromkeys("".join(pair) for pair in itertools.permutations(letters[:_MOST], 2))
    ends = dict.fromkeys(["", _OUTSIDE, *letters[:2]])
    yield from itertools.product(sorted(beginnings), filter(None, pumps), ends)


def _letters(tree: Any) -> Iterator[str]:
    for code, value in tree:
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            yield chr(value) if code is codes.LITERAL else _other([value])
        elif code is codes.ANY:
            yield "a"
        elif code is codes.IN:
            yield from _members(value)
        for part in _parts(code, value):
            yield from _letters(part)


def _members(members: Any) -> Iterator[str]:
    if members[0][0] is codes.NEGATE:
        yield _outside(members)
        yield from _members(members[1:]) if len(members) > 1 else ()
        return
    for code, value in members[:6]:
        if code is codes.LITERAL:
            yield chr(value)
        elif code is codes.RANGE:
            yield chr(value[0])
        elif code is codes.CATEGORY:
            yield _CATEGORIES[value]


def _outside(members: Any) -> str:
    """A character that the negated class takes."""
    negated = set(_members(members[1:]))
    return next(each for each in "a1b2 x-\u3042\u2603" if each not in negated)


def _other(values: list[int]) -> str:
    return next(each for each in "ab" if ord(each) not in values)


def _parts(code: Any, value: Any) -> Iterator[Any]:
    if code is codes.BRANCH:
        yield from value[1]
    elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        yield value[2]
    elif code is codes.SUBPATTERN:
        yield value[-1]
    elif code is codes.ATOMIC_GROUP:
        yield value
    elif code in (codes.ASSERT, codes.ASSERT_NOT):
        yield value[1]
    elif code is codes.GROUPREF_EXISTS:
        yield from filter(None, value[1:])


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """Each unbounded repeat: what stands before it at least, and one turn of it."""
    for code, value in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            _, most, body = value
            if most == codes.MAXREPEAT or most > 100:
                yield before, _shortest(body) or "a"
        for part in _parts(code, value):
            yield from _repeats(part, before)
        before += _shortest([(code, value)])


def _shortest(tree: Any) -> str:
    """A shortest text that the pattern matches, or nearly: assertions are not heeded."""
    found = ""
    for code, value in tree:
        if code is codes.LITERAL:
            found += chr(value)
        elif code is codes.NOT_LITERAL:
            found += _other([value])
        elif code is codes.ANY:
            found += "a"
        elif code is codes.IN:
            found += next(iter(_members(value)))
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            found += _shortest(value[2]) * value[0]
        elif code is codes.BRANCH:
            found += min((_shortest(part) for part in value[1]), key=len)
        elif code in (codes.SUBPATTERN, codes.ATOMIC_GROUP):
            found += _shortest(value[-1] if code is codes.SUBPATTERN else value)
    return found
