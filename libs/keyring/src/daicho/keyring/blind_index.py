"""Tokens that find sealed text without opening it: keyed hashes, one key a class, cut to 64 bits.

While the index key rotates a tenant has two token sets: what is written carries the tokens of both keys, what
is looked for those of the key that every row already has; see :meth:`daicho.keyring.Keyring.begin_index_rotation`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final
from weakref import ref

# Tokens kept in the process, of all tenants and classes. A token costs about 150 bytes.
KEPT: Final = 200_000
_RECOUNT: Final = 10_000


class TokenMemory:
    """Bounds what the tokens of all tenants take; those that learned nothing for longest are forgotten first."""

    def __init__(self, capacity: int = KEPT) -> None:
        self._capacity = capacity
        self._step = min(_RECOUNT, capacity)
        self._learned = 0
        self._held: dict[int, ref[_Tokens]] = {}

    def learned(self, tokens: _Tokens, count: int) -> None:
        """``tokens`` has grown by ``count``."""
        self._held.pop(id(tokens), None)
        self._held[id(tokens)] = ref(tokens)  # now the last in order
        self._learned += count
        if self._learned >= self._step:
            self._learned = 0
            self._trim()

    def _trim(self) -> None:
        alive = {key: tokens for key, held in self._held.items() if (tokens := held()) is not None}
        self._held = {key: self._held[key] for key in alive}
        total = sum(map(len, alive.values()))
        if total <= self._capacity:
            return
        for key, tokens in alive.items():
            total -= len(tokens)
            tokens.clear()
            del self._held[key]
            if total <= self._capacity // 2:
                return


class _Tokens(dict[str, int]):
    """Term to token, computed when first asked for."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, term: str) -> int:
        digest = hashlib.blake2b(term.encode(), digest_size=8, key=self._key).digest()
        token = self[term] = int.from_bytes(digest, "big", signed=True)
        return token


class BlindIndex:
    """The index of one tenant in one service.

    ``keys``: the first is the one that searches use; what is written carries the tokens of all.
    """

    def __init__(self, keys: Sequence[bytes], memory: TokenMemory | None = None) -> None:
        self._keys = tuple(keys)
        self._memory = memory or TokenMemory()
        self._classes: dict[str, tuple[_Tokens, ...]] = {}

    def tokens(self, kind: str, terms: Iterable[str]) -> list[int]:
        """What to write for ``terms`` in the class ``kind``: signed 64-bit, sorted, each once."""
        sets = self._class(kind)
        if len(sets) == 1:
            return self._hash(sets[0], terms)
        listed = list(terms)
        return sorted({token for known in sets for token in self._hash(known, listed)})

    def sought(self, kind: str, terms: Iterable[str]) -> list[int]:
        """What a row that holds all of ``terms`` in the class ``kind`` has among its tokens."""
        return self._hash(self._class(kind)[0], terms)

    def _hash(self, known: _Tokens, terms: Iterable[str]) -> list[int]:
        before = len(known)
        found = sorted(set(map(known.__getitem__, terms)))
        if len(known) != before:
            self._memory.learned(known, len(known) - before)
        return found

    def _class(self, kind: str) -> tuple[_Tokens, ...]:
        held = self._classes.get(kind)
        if held is None:
            held = self._classes[kind] = tuple(_Tokens(derive(key, kind)) for key in self._keys)
        return held


def fingerprint(keys: Sequence[bytes]) -> bytes:
    """Eight bytes that say by which ``keys`` tokens were written, and nothing about the keys."""
    return hashlib.sha256(b"".join(sorted(derive(key, "fingerprint") for key in keys))).digest()[:8]


def derive(key: bytes, label: str) -> bytes:
    """A key of its own for ``label``."""
    return hmac.digest(key, b"daicho/index/v1\x00" + label.encode(), "sha256")
