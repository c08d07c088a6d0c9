"""A Merkle tree over one batch: one signature of its root proves every message in it.

Leaves and inner nodes are hashed in different domains (as in RFC 9162, section 2.1), so that neither passes for the
other. A node without a sibling moves up unchanged, and the number of leaves is signed with the root.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(topic: str, key: bytes, value: bytes) -> bytes:
    """The hash of one message: topic and partition key with their lengths, then the envelope's bytes."""
    name = topic.encode()
    head = len(name).to_bytes(2, "big") + name + len(key).to_bytes(2, "big")
    return sha256(b"".join((_LEAF, head, key, value))).digest()


def build(leaves: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """``(root, paths)`` of at least one leaf; a path is the siblings from the leaf up, one after the other."""
    levels = [list(leaves)]
    while len(level := levels[-1]) > 1:
        above = [sha256(_NODE + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)]
        levels.append(above if len(level) % 2 == 0 else [*above, level[-1]])
    paths = [b""]
    for level in reversed(levels[:-1]):
        last = len(level) - 1
        paths = [
            (level[n ^ 1] + paths[n >> 1]) if n ^ 1 <= last else paths[n >> 1] for n in range(len(level))
        ]
    return levels[-1][0], paths


def root_of(leaf: bytes, index: int, size: int, path: bytes) -> bytes | None:
    """The root that ``path`` leads to from leaf ``index`` of ``size``; None when the path does not fit."""
    if not 0 <= index < size:
        return None
    node, at = leaf, 0
    while size > 1:
        if index ^ 1 < size:
            sibling = path[at : at + HASH_BYTES]
            node = sha256(_NODE + sibling + node if index & 1 else _NODE + node + sibling).digest()
            at += HASH_BYTES
        index, size = index >> 1, (size + 1) >> 1
    return node if at == len(path) else None
