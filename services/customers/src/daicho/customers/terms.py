"""What the blind index holds of a record: its searchable texts, folded, cut into terms, by class.

A term is one of four kinds, told apart by its first character: two neighbouring characters anywhere
(``2``), the first character (``1``), the first two (``b``), the whole value (``=``). One character alone
stands only for beginnings: an index of every character would spell the text out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from daicho.keyring import TenantKeys

NAME: Final = "person_name"
KANA: Final = "kana"
EMAIL: Final = "email"
PHONE: Final = "phone"
TEXT: Final = "text"
_REMEMBERED: Final = 200
"""Characters of a text whose terms are kept for the next record that has it."""
CLASSES: Final = (NAME, KANA, EMAIL, PHONE, TEXT)


def terms_of(folded: str) -> frozenset[str]:
    """The index terms of one folded value; none of an empty one."""
    return _terms_of(folded) if len(folded) > _REMEMBERED else _remembered_terms_of(folded)


def _terms_of(folded: str) -> frozenset[str]:
    if not folded:
        return frozenset()
    pairs = {f"2{folded[start : start + 2]}" for start in range(len(folded) - 1)}
    return frozenset({*pairs, f"1{folded[0]}", f"b{folded[:2]}", f"={folded}"})


_remembered_terms_of = lru_cache(maxsize=8_192)(_terms_of)


def query_terms(folded: str) -> frozenset[str]:
    """The terms that every value holding ``folded`` (one word of a query) must have."""
    if len(folded) == 1:
        return frozenset({f"1{folded}"})
    return frozenset(f"2{folded[start : start + 2]}" for start in range(len(folded) - 1))


def begin_terms(folded: str) -> frozenset[str]:
    """The terms that every value beginning with ``folded`` must have."""
    if not folded:
        return frozenset()
    return frozenset(
        {f"1{folded[0]}"} | ({f"b{folded[:2]}"} | query_terms(folded) if len(folded) > 1 else set())
    )


def tokens_of(keys: TenantKeys, texts: Mapping[str, Iterable[str]], known: Collection[int] = ()) -> list[int]:
    """The blind-index tokens of a record's folded texts, by class, and those ``known``: sorted, each once."""
    found = set(known)
    for kind, values in texts.items():
        terms: set[str] = set()
        for text in values:
            terms |= terms_of(text)
        if terms:
            found.update(keys.index.tokens(kind, terms))
    return sorted(found)


_STEP: Final = 100


def tokens_in_steps(keys: TenantKeys, kind: str, text: str) -> Iterator[list[int]]:
    """The tokens of :func:`tokens_of` for one folded text, in parts that take a millisecond each."""
    if not text:
        return
    yield keys.index.tokens(kind, {f"1{text[0]}", f"b{text[:2]}", f"={text}"})
    for first in range(0, len(text) - 1, _STEP):
        pairs = range(first, min(first + _STEP, len(text) - 1))
        yield keys.index.tokens(kind, {f"2{text[start : start + 2]}" for start in pairs})
