"""Trees, roots and proofs against RFC 9162: its definitions written plainly, and the vectors that are known."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daicho.audit import merkle
from daicho.audit.merkle import CompactRange, ProofInvalid

# The leaves and roots of RFC 6962's reference implementation (certificate-transparency, merkle_tree_test).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(entries: Sequence[bytes]) -> bytes:
    """MTH as section 2.1.1 writes it."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = power_below(len(entries))
    return sha256(b"\x01" + plain_root(entries[:k]) + plain_root(entries[k:])).digest()


def plain_path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH as section 2.1.3.1 writes it."""
    if len(entries) == 1:
        return []
    k = power_below(len(entries))
    if index < k:
        return [*plain_path(index, entries[:k]), plain_root(entries[k:])]
    return [*plain_path(index - k, entries[k:]), plain_root(entries[:k])]


def plain_subproof(old: int, entries: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF as section 2.1.4.1 writes it."""
    if old == len(entries):
        return [] if whole else [plain_root(entries)]
    k = power_below(len(entries))
    if old <= k:
        return [*plain_subproof(old, entries[:k], whole=whole), plain_root(entries[k:])]
    return [*plain_subproof(old - k, entries[k:], whole=False), plain_root(entries[:k])]


def power_below(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


def grown(log: Sequence[bytes]) -> tuple[CompactRange, dict[merkle.Coordinates, bytes]]:
    """The head of ``log`` and every full node of it."""
    head, nodes = CompactRange(), {}
    for entry in log:
        nodes.update(head.append(merkle.leaf_hash(entry)))
    return head, nodes


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert grown(LEAVES[:size])[0].root().hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert CompactRange().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_inclusion_proof_of_the_rfcs_example() -> None:
    """RFC 9162, 2.1.5: the tree of seven leaves; the path of d3 is c, g, l; of d6, i and k."""
    _, nodes = grown(LEAVES[:7])
    d = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    g = merkle.node_hash(d[0], d[1])
    h = merkle.node_hash(d[2], d[3])
    i = merkle.node_hash(d[4], d[5])
    k = merkle.node_hash(g, h)
    late = merkle.node_hash(i, d[6])
    assert merkle.inclusion_proof(0, 7, nodes) == [d[1], h, late]
    assert merkle.inclusion_proof(3, 7, nodes) == [d[2], g, late]
    assert merkle.inclusion_proof(4, 7, nodes) == [d[5], d[6], k]
    assert merkle.inclusion_proof(6, 7, nodes) == [i, k]


def test_consistency_proofs_of_the_rfcs_example() -> None:
    """RFC 9162, 2.1.5: between the tree of seven leaves and those of three, four and six."""
    _, nodes = grown(LEAVES[:7])
    d = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    g = merkle.node_hash(d[0], d[1])
    h = merkle.node_hash(d[2], d[3])
    i = merkle.node_hash(d[4], d[5])
    k = merkle.node_hash(g, h)
    late = merkle.node_hash(i, d[6])
    assert merkle.consistency_proof(3, 7, nodes) == [d[2], d[3], g, late]
    assert merkle.consistency_proof(4, 7, nodes) == [late]
    assert merkle.consistency_proof(6, 7, nodes) == [i, d[6], k]


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 100])
def test_every_inclusion_proof_is_the_rfcs_and_verifies(size: int) -> None:
    log = entries(size)
    head, nodes = grown(log)
    assert head.root() == plain_root(log)
    for index in range(size):
        needed = {node: nodes[node] for node in merkle.inclusion_nodes(index, size)}
        proof = merkle.inclusion_proof(index, size, needed)
        assert proof == plain_path(index, log)
        merkle.verify_inclusion(merkle.leaf_hash(log[index]), index, size, proof, root=head.root())


@pytest.mark.parametrize("new", [*range(1, 34), 64, 65])
def test_every_consistency_proof_is_the_rfcs_and_verifies(new: int) -> None:
    log = entries(new)
    head, nodes = grown(log)
    for old in range(new + 1):
        needed = {node: nodes[node] for node in merkle.consistency_nodes(old, new)}
        proof = merkle.consistency_proof(old, new, needed)
        assert proof == ([] if old in (0, new) else plain_subproof(old, log, whole=True))
        merkle.verify_consistency(old, new, proof, old_root=plain_root(log[:old]), new_root=head.root())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_inclusion_proof_verifies_for_another_leaf_place_size_or_path(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    log = entries(size)
    head, nodes = grown(log)
    leaf, proof = merkle.leaf_hash(log[index]), merkle.inclusion_proof(index, size, nodes)
    wrong = [
        (merkle.leaf_hash(b"another"), index, size, proof),
        (leaf, size, size, proof),
        (leaf, -1, size, proof),
        (leaf, index, size, [*proof, leaf]),
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((leaf, index, size, [*proof[:at], bytes(32), *proof[at + 1 :]]))
        wrong.append((leaf, index, size, proof[:-1]))
    wrong += [(leaf, other, size, proof) for other in range(size) if other != index]
    for case in wrong:
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(case[0], case[1], case[2], case[3], root=head.root())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_consistency_proof_verifies_between_other_roots_or_along_another_path(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    log = entries(new)
    head, nodes = grown(log)
    proof, old_root = merkle.consistency_proof(old, new, nodes), plain_root(log[:old])
    forked = plain_root([b"forged", *log[1:old]])
    at = data.draw(st.integers(0, len(proof) - 1))
    wrong = [
        (old, new, proof, forked, head.root()),
        (old, new, proof, old_root, bytes(32)),
        (old, new, [*proof, bytes(32)], old_root, head.root()),
        (old, new, proof[:-1], old_root, head.root()),
        (old, new, [*proof[:at], bytes(32), *proof[at + 1 :]], old_root, head.root()),
        (new + 1, new, proof, old_root, head.root()),
        (new, new, [], old_root, head.root()),
        (0, new, [], old_root, head.root()),
    ]
    for was, now, path, before, after in wrong:
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(was, now, path, old_root=before, new_root=after)


def test_a_root_is_not_taken_for_that_of_a_tree_of_another_size() -> None:
    """Paths that lead to the right root, but are too long or too short for the size that is claimed."""
    one, two = merkle.leaf_hash(b"1"), merkle.leaf_hash(b"2")
    both = merkle.node_hash(one, two)
    with pytest.raises(ProofInvalid, match="too long"):
        merkle.verify_inclusion(two, 0, 1, [one], root=both)
    with pytest.raises(ProofInvalid, match="too short"):
        merkle.verify_inclusion(one, 0, 4, [two], root=both)
    with pytest.raises(ProofInvalid, match="too short"):
        merkle.verify_consistency(1, 4, [two], old_root=one, new_root=both)
    more = merkle.node_hash(one, both)
    with pytest.raises(ProofInvalid, match="too long"):
        merkle.verify_consistency(1, 2, [two, one], old_root=merkle.node_hash(one, one), new_root=more)
    with pytest.raises(ProofInvalid, match="too short"):
        merkle.verify_consistency(3, 5, [], old_root=one, new_root=one)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100, 1023])
def test_a_head_is_taken_up_again_from_its_kept_nodes(size: int) -> None:
    log = entries(size + 3)
    _, nodes = grown(log[:size])
    head = CompactRange(size, [nodes[node] for node in merkle.peaks_of(size)])
    for entry in log[size:]:
        head.append(merkle.leaf_hash(entry))
    assert (head.size, head.root()) == (size + 3, plain_root(log))


def test_a_head_is_not_taken_up_from_too_few_nodes() -> None:
    with pytest.raises(ValueError, match="peaks"):
        CompactRange(7, [bytes(32)])


def test_an_append_makes_as_few_nodes_as_there_are_and_keeps_a_handful() -> None:
    head, made = CompactRange(), 0
    for entry in entries(5_000):
        made += len(head.append(merkle.leaf_hash(entry)))
    assert made == 2 * 5_000 - (5_000).bit_count()
    assert len(head.peaks) <= 13


def test_asking_for_what_a_tree_does_not_have_is_refused() -> None:
    for index, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(ValueError, match="leaf"):
            merkle.inclusion_proof(index, size, {})
    with pytest.raises(ValueError, match="hold"):
        merkle.consistency_proof(6, 5, {})
