"""What somebody typed into the search box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daicho.customers.terms import CLASSES, EMAIL, PHONE, query_terms
from daicho.faults import FieldFault, Invalid
from daicho.keyring import TenantKeys
from daicho.nihongo import expands_too_much, fold, search_digits

LONGEST: Final = 200
"""Characters of a query."""
MOST: Final = 20
"""Different words of a query: each is a look-up."""


@dataclass(frozen=True, slots=True)
class Words:
    """A query as folded words that must all be found; ``digits`` marks one that is (part of) a telephone number."""

    words: tuple[str, ...]
    digits: bool

    @classmethod
    def read(cls, text: str) -> Words:
        """``text`` folded and split at blanks, each word once; a telephone number with blanks stays one word.

        Raises Invalid beyond :data:`LONGEST` characters, counted after folding, or :data:`MOST` words."""
        digits = search_digits(text)
        folded = fold(text)
        if len(folded) > LONGEST or expands_too_much(text):
            raise Invalid([FieldFault("/q", "too_long", {"maximum": LONGEST})])
        plain = tuple(dict.fromkeys(folded.split()))
        if len(plain) > MOST:
            raise Invalid([FieldFault("/q", "too_many", {"maximum": MOST})])
        if digits:
            return cls(plain if len(plain) == 1 and len(folded.split()) == 1 else (digits,), digits=True)
        return cls(plain, digits=False)

    def terms(self, keys: TenantKeys) -> list[list[list[int]]]:
        """The tokens to look for: for each word its alternatives, one a class."""
        return [[keys.index.sought(kind, terms) for kind, terms in self._terms(word)] for word in self.words]

    def _terms(self, word: str) -> Iterable[tuple[str, frozenset[str]]]:
        """Terms by class; each class costs a look-up, so those that cannot hold the word are left out."""
        for kind in CLASSES:
            if kind == PHONE:
                if self.digits:
                    yield kind, query_terms(search_digits(word))
            elif kind != EMAIL or word.isascii():
                yield kind, query_terms(word)

    def match(self, texts: Mapping[str, Sequence[str]]) -> bool:
        """Whether every word stands in some text: anywhere, or for one character at its beginning."""
        return all(self._stands(word, texts) for word in self.words)

    def _stands(self, word: str, texts: Mapping[str, Sequence[str]]) -> bool:
        for kind, values in texts.items():
            if kind == PHONE:
                if not self.digits:
                    continue
                wanted = search_digits(word)
            else:
                wanted = word
            if any(text.startswith(wanted) if len(wanted) == 1 else wanted in text for text in values):
                return True
        return False
