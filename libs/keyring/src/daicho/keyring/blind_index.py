"""Tokens that find sealed text without opening it: keyed hashes, one key a class, cut to 64 bits."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

# Tokens kept for each class; beyond it the class's memory starts anew. A token costs about 150 bytes.
KEPT: Final = 50_000


class BlindIndex:
    """The index of one tenant in one service, under one version of its index key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._classes: dict[str, tuple[bytes, dict[str, int]]] = {}

    def tokens(self, kind: str, terms: Iterable[str]) -> list[int]:
        """The tokens of ``terms`` in the class ``kind``: signed 64-bit, sorted, each once."""
        held = self._classes.get(kind)
        if held is None:
            held = self._classes[kind] = (self._derive(kind), {})
        key, known = held
        if len(known) > KEPT:
            known.clear()
        found = set()
        for term in terms:
            token = known.get(term)
            if token is None:
                digest = hashlib.blake2b(term.encode(), digest_size=8, key=key).digest()
                token = known[term] = int.from_bytes(digest, "big", signed=True)
            found.add(token)
        return sorted(found)

    def digest(self, field: str, value: str) -> bytes:
        """A 256-bit HMAC of a whole value of ``field``: what a unique key holds and an exact look-up asks."""
        return hmac.digest(self._derive(f"unique/{field}"), value.encode(), "sha256")

    def _derive(self, label: str) -> bytes:
        return hmac.digest(self._key, b"daicho/index/v1\x00" + label.encode(), "sha256")
