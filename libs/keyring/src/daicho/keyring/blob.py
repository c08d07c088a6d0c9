"""Sealed values: AES-256-GCM, bound to tenant, table, row and blob. The layout is frozen.

``0x01 | key version (4 bytes, big endian) | nonce (12) | ciphertext and tag``; the additional data is
``daicho/blob/v1 NUL tenant(16) table NUL row(16) name``. NIST SP 800-38D allows 2**32 random nonces a key.
"""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring.faults import Tampered

LAYOUT: Final = 1
HEAD: Final = 5
HEADER: Final = 17
_PREFIX: Final = b"daicho/blob/v1\x00"


def bind_table(tenant_id: UUID, table: str) -> bytes:
    """The part of the additional data that the rows of a table share: a list of them makes it once."""
    return b"".join((_PREFIX, tenant_id.bytes, table.encode(), b"\x00"))


def bind(table: bytes, row_id: UUID, name: str) -> bytes:
    """The additional data that ties a blob to its place; ``table`` is :func:`bind_table`'s."""
    return b"".join((table, row_id.bytes, name.encode()))


def head(version: int) -> bytes:
    """What a blob begins with that the key of ``version`` sealed."""
    return b"\x01" + version.to_bytes(4, "big")


def seal(cipher: AESGCM, version: int, data: bytes, bound: bytes) -> bytes:
    """``data`` sealed by the key of ``version``."""
    nonce = os.urandom(12)
    return b"".join((head(version), nonce, cipher.encrypt(nonce, data, bound)))


def version_of(blob: bytes) -> int:
    """The version of the key that sealed ``blob``. Raises :class:`Tampered` when it is no blob."""
    if len(blob) < HEADER + 16 or blob[0] != LAYOUT:
        raise Tampered("not a sealed value")
    return int.from_bytes(blob[1:5], "big")


def unseal(cipher: AESGCM, blob: bytes, bound: bytes) -> bytes:
    """What was sealed. Raises :class:`Tampered` when it was changed or stood elsewhere."""
    try:
        return cipher.decrypt(blob[5:17], blob[17:], bound)
    except (InvalidTag, ValueError):  # the latter where it ends within its nonce
        raise Tampered("a sealed value does not open in its place") from None
