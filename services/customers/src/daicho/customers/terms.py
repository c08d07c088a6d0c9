"""What the blind index holds of a record: its searchable texts, folded, cut into terms, by class.

A term is one of four kinds, told apart by its first character: two neighbouring characters anywhere
(``2``), the first character (``1``), the first two (``b``), the whole value (``=``). One character alone
stands only for beginnings: an index of every character would spell the text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from daicho.keyring import TenantKeys

NAME: Final = "person_name"
KANA: Final = "kana"
EMAIL: Final = "email"
PHONE: Final = "phone"
TEXT: Final = "text"
CLASSES: Final = (NAME, KANA, EMAIL, PHONE, TEXT)


@lru_cache(maxsize=8_192)
def terms_of(folded: str) -> frozenset[str]:
    """The index terms of one folded value; none of an empty one."""
    if not folded:
        return frozenset()
    pairs = {f"2{folded[start : start + 2]}" for start in range(len(folded) - 1)}
    return frozenset({*pairs, f"1{folded[0]}", f"b{folded[:2]}", f"={folded}"})


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


def tokens_of(keys: TenantKeys, texts: Mapping[str, Iterable[str]]) -> list[int]:
    """The blind-index tokens of a record's folded texts, by class: sorted, each once."""
    found: set[int] = set()
    for kind, values in texts.items():
        terms: set[str] = set()
        for text in values:
            terms |= terms_of(text)
        if terms:
            found.update(keys.index.tokens(kind, terms))
    return sorted(found)
