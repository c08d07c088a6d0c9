"""What a company is found by."""

from __future__ import annotations

from typing import Final

from daicho.customers.contacts.terms import terms_of
from daicho.keyring import TenantKeys
from daicho.nihongo import fold

CLASS: Final = "text"


def texts_of(name: str, kana: str | None) -> list[str]:
    """The folded texts by which a company is found."""
    return [fold(name), *([fold(kana)] if kana else [])]


def tokens_of(keys: TenantKeys, name: str, kana: str | None) -> list[int]:
    """The blind-index tokens of a company: sorted, each once."""
    terms: set[str] = set()
    for text in texts_of(name, kana):
        terms |= terms_of(text)
    return keys.index.tokens(CLASS, terms)
