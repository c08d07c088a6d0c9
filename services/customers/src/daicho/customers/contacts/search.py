"""Finding contacts by words over sealed fields: candidates from the blind index, verified on what they open to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers.contacts import repository, rows
from daicho.customers.contacts.sealing import Card
from daicho.customers.contacts.terms import CLASSES, PHONE, query_terms
from daicho.keyring import TenantKeys
from daicho.nihongo import fold, search_digits
from daicho.tenancy import TenantTransaction

MOST_OPENED: Final = 2_000
"""Rows that one page may open before it answers with what it has."""

_SEARCH = "SELECT id FROM search_contact_ids($1, $2, $3, $4) AS found(id)"


@dataclass(frozen=True, slots=True)
class Query:
    """A query as folded words; ``digits`` marks one that is a (part of a) telephone number."""

    words: tuple[str, ...]
    digits: bool

    @classmethod
    def read(cls, text: str) -> Query:
        """``text`` folded and split at blanks; a telephone number with blanks stays one word."""
        digits = search_digits(text)
        if digits:
            plain = fold(text).split()
            return cls(tuple(plain) if len(plain) == 1 else (digits,), digits=True)
        return cls(tuple(fold(text).split()), digits=False)

    def terms(self, keys: TenantKeys) -> list[list[list[int]]]:
        """The tokens to look for: for each word its alternatives, one a class."""
        return [[keys.index.tokens(name, terms) for name, terms in self._terms(word)] for word in self.words]

    def _terms(self, word: str) -> Iterable[tuple[str, frozenset[str]]]:
        for name in CLASSES:
            if name != PHONE:
                yield name, query_terms(word)
            elif self.digits:
                yield name, query_terms(search_digits(word))

    def matches(self, texts: Mapping[str, Sequence[str]]) -> bool:
        """Whether every word stands in some text: anywhere, or for one character at its beginning."""
        return all(self._stands(word, texts) for word in self.words)

    def _stands(self, word: str, texts: Mapping[str, Sequence[str]]) -> bool:
        for name, values in texts.items():
            if name == PHONE:
                if not self.digits:
                    continue
                wanted = search_digits(word)
            else:
                wanted = word
            if any(text.startswith(wanted) if len(wanted) == 1 else wanted in text for text in values):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Page:
    """Contacts found, newest first, and the id to go on after; None when there are no more."""

    found: list[tuple[Any, Card]]
    after: UUID | None


async def search_page(
    tx: TenantTransaction,
    keys: TenantKeys,
    query: Query,
    *,
    owners: frozenset[UUID] | None,
    after: UUID,
    count: int,
) -> Page:
    """Up to ``count`` contacts of ``owners`` that match, older than ``after``.

    A page opens at most :data:`MOST_OPENED` rows; then it may be short, or empty, and still go on.
    """
    terms = msgspec.json.encode(query.terms(keys)).decode()
    found: list[tuple[Any, Card]] = []
    opened = 0
    while opened < MOST_OPENED:
        ids = [
            row["id"]
            for row in await tx.driver.fetch(
                _SEARCH, terms, None if owners is None else list(owners), after, count
            )
        ]
        opened += len(ids)
        by_id = {row["id"]: row for row in await repository.fetch_by_ids(tx, ids)} if ids else {}
        for contact_id in ids:
            after = contact_id
            row = by_id.get(contact_id)
            if row is None:
                continue
            card = rows.open_card(keys, row)
            if query.matches(rows.texts_of(card, row["company_name"])):
                found.append((row, card))
                if len(found) == count:
                    return Page(found, after)
        if len(ids) < count:
            return Page(found, None)
    return Page(found, after)
