"""Merkle trees as RFC 9162 section 2.1 defines them, over SHA-256.

A node has coordinates ``(level, index)``: level 0 are the leaves, and a node at level *l* is the root of the
full subtree over leaves ``index * 2**l`` up to ``(index + 1) * 2**l``. Full nodes never change once they
exist, so a log keeps them beside its entries, and every root and proof is made of O(log n) of them. Nothing
here reads or writes anything: proofs say which nodes they need, and take them as a mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

Coordinates = tuple[int, int]
"""Level and index of a node."""

EMPTY_ROOT = sha256(b"").digest()
HASH = 32
"""Bytes of a hash."""


class ProofInvalid(Exception):
    """A proof does not lead to the root that it should."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A log's head: its size and the roots of the full subtrees that it is made of, left to right.

    Enough to append and to know the root; a log of a million entries is twenty hashes.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """A head of ``size`` leaves; ``peaks`` are the nodes at :func:`peaks_of`, in its order."""
        if size < 0 or len(peaks) != size.bit_count() or any(len(peak) != HASH for peak in peaks):
            raise ValueError(f"a log of {size} entries does not have these {len(peaks)} peaks")
        self._size = size
        self._peaks = list(peaks)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, the largest first."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> list[tuple[Coordinates, bytes]]:
        """Add the leaf with the hash ``leaf``; answers every node that is now full, the leaf first."""
        level, index, node = 0, self._size, leaf
        made = [((level, index), node)]
        while index & 1:
            node = node_hash(self._peaks.pop(), node)
            level, index = level + 1, index >> 1
            made.append(((level, index), node))
        self._peaks.append(node)
        self._size += 1
        return made

    def root(self) -> bytes:
        """The root of the tree."""
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes."""
    head = CompactRange()
    for leaf in leaves:
        head.append(leaf)
    return head.root()


def peaks_of(size: int) -> list[Coordinates]:
    """The full subtrees that a tree of ``size`` leaves is made of, left to right."""
    return full_nodes(0, size)


def full_nodes(begin: int, end: int) -> list[Coordinates]:
    """The fewest full nodes over the leaves from ``begin`` to before ``end``, left to right."""
    nodes = []
    while begin < end:
        alignment = (begin & -begin).bit_length() - 1 if begin else end.bit_length()
        level = min(alignment, (end - begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_nodes(index: int, size: int) -> list[Coordinates]:
    """The nodes that :func:`inclusion_proof` needs."""
    return [node for begin, end in _path(index, size) for node in full_nodes(begin, end)]


def inclusion_proof(index: int, size: int, nodes: Mapping[Coordinates, bytes]) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 9162, 2.1.3.1), lowest first.

    Raises ValueError for a leaf that the tree does not have, KeyError for a missing node.
    """
    return [_subtree(begin, end, nodes) for begin, end in _path(index, size)]


def block_nodes(block: int, size: int, height: int) -> list[Coordinates]:
    """The nodes that :func:`block_proof` needs."""
    return [node for begin, end in _block_path(block, size, height) for node in full_nodes(begin, end)]


def block_proof(block: int, size: int, height: int, nodes: Mapping[Coordinates, bytes]) -> list[bytes]:
    """The path of a whole block of ``2**height`` leaves in the tree of ``size`` leaves, lowest first.

    The tree over leaves is also a tree over the roots of its blocks, the last of which may be partial: so
    the path verifies by :func:`verify_inclusion` with the block's root in the place of the leaf, the block's
    number as index and the number of blocks as size.
    """
    return [_subtree(begin, end, nodes) for begin, end in _block_path(block, size, height)]


def consistency_nodes(old: int, new: int) -> list[Coordinates]:
    """The nodes that :func:`consistency_proof` needs."""
    return [node for begin, end in _joint(old, new) for node in full_nodes(begin, end)]


def consistency_proof(old: int, new: int, nodes: Mapping[Coordinates, bytes]) -> list[bytes]:
    """The proof that the tree of ``old`` leaves begins the tree of ``new`` leaves (RFC 9162, 2.1.4.1).

    It is empty when ``old`` is zero or ``new``. Raises ValueError when ``old`` exceeds ``new``.
    """
    return [_subtree(begin, end, nodes) for begin, end in _joint(old, new)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that ``proof`` leads to from the leaf hash ``leaf`` (RFC 9162, 2.1.3.2).

    Raises :class:`ProofInvalid` when the proof's length is not that of any path there.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} leaves has no leaf {index}")
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the inclusion proof is too long")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofInvalid("the inclusion proof is too short")
    return node


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], *, root: bytes) -> None:
    """Raise :class:`ProofInvalid` unless ``leaf`` is leaf ``index`` of the tree of ``size`` under ``root``."""
    if root_from_inclusion(leaf, index, size, proof) != root:
        raise ProofInvalid("the inclusion proof does not lead to the root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], *, old_root: bytes, new_root: bytes
) -> None:
    """Raise :class:`ProofInvalid` unless the tree of ``old`` leaves begins the tree of ``new`` leaves.

    RFC 9162, 2.1.4.2; an empty tree begins every tree.
    """
    if old > new or old < 0:
        raise ProofInvalid(f"a tree of {new} leaves cannot hold one of {old}")
    if old in (0, new):
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected:
            raise ProofInvalid("the trees differ")
        return
    path = list(proof)
    if old & (old - 1) == 0:  # a full tree is its own first node
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid("the consistency proof is too short")
    if _joined(old - 1, new - 1, path) != (old_root, new_root):
        raise ProofInvalid("the consistency proof does not lead to both roots")


def _joined(position: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """The old and the new root that a consistency path leads to."""
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the consistency proof is too long")
        if position & 1 or position == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofInvalid("the consistency proof is too short")
    return before, after


def _path(index: int, size: int) -> list[tuple[int, int]]:
    """The sibling subtrees on the way from leaf ``index`` to the root, as ranges of leaves, lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    ranges = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def _block_path(block: int, size: int, height: int) -> list[tuple[int, int]]:
    """The sibling subtrees of a block, as ranges of leaves, lowest first."""
    blocks = (size + (1 << height) - 1) >> height
    return [(begin << height, min(end << height, size)) for begin, end in _path(block, blocks)]


def _joint(old: int, new: int) -> list[tuple[int, int]]:
    """The subtrees of a consistency proof as ranges of leaves, in the proof's order."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot hold one of {old}")
    if old in (0, new):
        return []
    ranges = []
    begin, end = 0, new
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:  # the old root itself is known to whoever verifies
        ranges.append((begin, end))
    return ranges[::-1]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _subtree(begin: int, end: int, nodes: Mapping[Coordinates, bytes]) -> bytes:
    return _fold([nodes[coordinates] for coordinates in full_nodes(begin, end)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    """The root over adjacent full subtrees that grow smaller to the right."""
    node = peaks[-1]
    for peak in peaks[-2::-1]:
        node = node_hash(peak, node)
    return node
