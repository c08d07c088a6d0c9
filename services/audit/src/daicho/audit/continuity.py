"""Whether the log in the database continues what was signed before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from daicho.audit import checkpoint_rows, merkle, repository
from daicho.audit.anchors import Anchor
from daicho.audit.checkpoint_key import CheckpointKey
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.merkle import CompactRange
from daicho.audit.model import Signed
from daicho.audit.notes import Checkpoint, NoteInvalid
from daicho.tenancy import TenantTransaction


@dataclass(frozen=True, slots=True)
class Log:
    """A log as the database holds it: its head, and its newest checkpoint (None: there is none)."""

    head: CompactRange
    held: Signed | None


async def read_log(tx: TenantTransaction, key: CheckpointKey) -> Log:
    """The log of the transaction's tenant. Raises :class:`LogForked` for a head or a checkpoint that is forged."""
    row = await checkpoint_rows.read_checkpoint(tx)
    head = await repository.read_head(tx)
    if row is None:
        return Log(head, None)
    try:
        held = await key.read(row.note, origin_of(tx.tenant_id))
    except NoteInvalid as error:
        raise LogForked(reason="checkpoint_forged") from error
    if (held.checkpoint.size, held.checkpoint.root) != (row.size, row.root):
        raise LogForked(reason="checkpoint_forged")
    return Log(head, held)


async def check_continues(tx: TenantTransaction, log: Log, anchor: Anchor) -> None:
    """Raise :class:`LogForked` unless ``log`` continues ``anchor`` and its own newest checkpoint.

    The newest checkpoint in the database is the anchored one; the one before it, when a process ended between
    anchoring and storing; or a newer one, when the key store was restored from an older snapshot.
    """
    if anchor.refusal is not None:
        raise LogForked(reason="witness_refused")
    _check_held(log.held, anchor)
    signed = [anchor.signed.checkpoint]
    if log.held is not None and log.held.checkpoint.size > anchor.signed.checkpoint.size:
        signed.append(log.held.checkpoint)
    await check_tree(tx, log.head, signed)


async def check_tree(tx: TenantTransaction, head: CompactRange, signed: Iterable[Checkpoint]) -> None:
    """Raise :class:`LogForked` unless ``head`` is made of the tree's nodes and each of ``signed`` begins it."""
    olds = [(point.size, point.root) for point in signed]
    new, peaks = head.size, merkle.peaks_of(head.size)
    if any(size > new for size, _ in olds):
        raise LogForked(reason="entries_missing")
    wanted = [*peaks, *(node for size, _ in olds for node in merkle.consistency_nodes(size, new))]
    nodes = await repository.read_nodes(tx, wanted, new)
    if any(nodes[place] != peak for place, peak in zip(peaks, head.peaks, strict=True)):
        raise LogForked(reason="tree_damaged")
    for size, root in olds:
        proof = merkle.consistency_proof(size, new, nodes)
        try:
            merkle.verify_consistency(size, new, proof, old_root=root, new_root=head.root())
        except merkle.ProofInvalid as error:
            raise LogForked(reason="entries_rewritten") from error


def _check_held(held: Signed | None, anchor: Anchor) -> None:
    if held is None:
        if 0 not in (anchor.tree[0], anchor.previous[0]):
            raise LogForked(reason="checkpoint_missing")
        return
    tree = held.checkpoint.size, held.checkpoint.root
    if tree in (anchor.tree, anchor.previous) or tree[0] > anchor.tree[0]:
        return
    raise LogForked(reason="entries_rewritten" if tree[0] == anchor.tree[0] else "checkpoint_missing")
