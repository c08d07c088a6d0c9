"""Accepting a log that does not continue its anchor: after a restore, by an operator, with an entry that says so."""

from __future__ import annotations

from dataclasses import dataclass

from daicho.audit import checkpoint_rows, log
from daicho.audit.anchors import Anchor, Replaced
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.continuity import check_tree
from daicho.audit.events import anchored_anew, tell_signed
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.merkle import CompactRange
from daicho.audit.model import Tree
from daicho.audit.notes import Checkpoint
from daicho.audit.repository import read_head
from daicho.keyring import Keyring
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantId


@dataclass(frozen=True, slots=True)
class Accepted:
    """The anchor of before (None: there was none that reads), the log as it was accepted, and the new anchor."""

    before: Tree | None
    log: Tree
    anchor: Tree


async def accept_log(
    database: Database,
    keyring: Keyring,
    checkpoints: Checkpoints,
    tenant_id: TenantId,
    *,
    reason: str,
    clock: Clock,
) -> Accepted:
    """Anchor the tenant's log as it is, whatever its anchor was; an entry of the log names both and ``reason``.

    Raises :class:`LogForked` when the log's own tree is damaged (restore it first), StaleVersion when the anchor
    changed meanwhile, and Unavailable. Interrupted halfway, it is to be repeated.
    """
    version = await checkpoints.anchors.version(tenant_id)
    before = await _read_anchor(checkpoints, tenant_id)
    accepted = await _read_sound_head(database, tenant_id)
    keys = await keyring.open(tenant_id)
    tree_before = None if before is None else before.tree
    fact = anchored_anew(
        tenant_id, clock(), before=tree_before, log=(accepted.size, accepted.root()), reason=reason
    )
    async with database.transaction(tenant_id) as tx:
        await log.append(tx, keys, [fact])
    head = await _read_sound_head(database, tenant_id)
    signed = await checkpoints.key.sign(Checkpoint(origin_of(tenant_id), head.size, head.root()))
    size_before = None if tree_before is None else tree_before[0]
    anchor = Anchor(signed, (head.size, head.root()), replaced=Replaced(size_before, reason))
    await checkpoints.anchors.write(tenant_id, anchor, replacing=version)
    async with database.transaction(tenant_id) as tx:
        await checkpoint_rows.drop_checkpoints_from(tx, head.size)
        await checkpoint_rows.add_checkpoint(tx, signed, clock())
        await tell_signed(tx, signed)
    return Accepted(tree_before, (accepted.size, accepted.root()), anchor.tree)


async def _read_anchor(checkpoints: Checkpoints, tenant_id: TenantId) -> Anchor | None:
    try:
        return await checkpoints.anchors.read(tenant_id)
    except LogForked:
        return None


async def _read_sound_head(database: Database, tenant_id: TenantId) -> CompactRange:
    async with database.reading(tenant_id) as tx:
        head = await read_head(tx)
        await check_tree(tx, head, [])
    return head
