"""What of a contact the blind index holds: its searchable texts, folded, cut into terms, by class.

A term is one of four kinds, told apart by its first character: two neighbouring characters anywhere
(``2``), the first character (``1``), the first two (``b``), the whole value (``=``). One character alone
stands only for beginnings: an index of every character would spell the text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from daicho.nihongo import fold, phone_digits

NAME: Final = "person_name"
KANA: Final = "kana"
EMAIL: Final = "email"
PHONE: Final = "phone"
COMPANY: Final = "text"
CLASSES: Final = (NAME, KANA, EMAIL, PHONE, COMPANY)


@lru_cache(maxsize=65_536)
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


def contact_terms(texts: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Terms by class for the searchable texts of a contact, also by class, folded."""
    return {name: set().union(*(terms_of(text) for text in values)) for name, values in texts.items()}


def searchable(
    *,
    name: str,
    kana: str,
    emails: Iterable[str],
    phones: Iterable[str],
    company: str | None,
) -> dict[str, list[str]]:
    """The texts of a contact that search looks at, folded, by class; the same for indexing and verifying.

    ``name`` and ``kana`` are family and given name run together; ``phones`` are E.164 and searched by the
    digits that people dial.
    """
    return {
        NAME: [fold(name)],
        KANA: [fold(kana)] if kana else [],
        EMAIL: [fold(address) for address in emails],
        PHONE: [phone_digits(number) for number in phones],
        COMPANY: [fold(company)] if company else [],
    }
