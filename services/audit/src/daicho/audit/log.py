"""Appending: facts become entries of their tenant's log, numbered without gaps, under its tree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from daicho.audit import leaf as leaves
from daicho.audit import merkle, repository
from daicho.audit.leaf import Leaf
from daicho.audit.merkle import Coordinates
from daicho.audit.model import Fact
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantId, TenantTransaction

TABLE = "entry"
BLOB = "payload"


async def append(tx: TenantTransaction, keys: TenantKeys, facts: Sequence[Fact]) -> range:
    """Append ``facts`` in their order; answers the sequence numbers that they got.

    Whoever else appends to the tenant's log waits until ``tx`` ends, so the numbers have no gaps.
    """
    head = await repository.lock_head(tx)
    first = head.size
    entries: list[tuple[Leaf, bytes]] = []
    nodes: list[tuple[Coordinates, bytes]] = []
    for sequence, fact in enumerate(facts, first):
        payload = leaves.write_payload(fact.content)
        leaf = leaf_of(tx.tenant_id, sequence, fact, payload)
        nodes += head.append(merkle.leaf_hash(bytes(leaf)))
        entries.append((leaf, keys.seal(TABLE, fact.id, BLOB, payload)))
    await repository.append(
        tx,
        head,
        entries,
        records=[(record, sequence) for sequence, fact in enumerate(facts, first) for record in fact.records],
        nodes=nodes,
        keys=[fact.key for fact in facts if fact.key is not None],
    )
    return range(first, head.size)


def leaf_of(tenant_id: TenantId, sequence: int, fact: Fact, payload: bytes) -> Leaf:
    """The leaf of ``fact`` at its place."""
    return Leaf(
        tenant_id=tenant_id,
        sequence=sequence,
        entry_id=fact.id,
        time=fact.time,
        kind=fact.kind,
        actor_kind=fact.actor_kind,
        actor_user_id=fact.actor_user_id,
        actor_session_id=fact.actor_session_id,
        actor_service=fact.actor_service,
        action=fact.action,
        resource_type=fact.resource_type,
        resource_id=fact.resource_id,
        payload_digest=leaves.payload_digest(payload),
    )


class Unsigned:
    """The tenants whose logs grew since their last checkpoint, as far as this process knows."""

    def __init__(self) -> None:
        self._tenants: dict[TenantId, int] = {}
        self._grown = asyncio.Event()

    def add(self, tenant_id: TenantId) -> None:
        """The tenant's log grows with the transaction that is under way."""
        # Two looks: the first may come before the transaction's end.
        self._tenants[tenant_id] = 2
        self._grown.set()

    async def take(self) -> Sequence[TenantId]:
        """Wait until there are such tenants; each is answered until it was looked at often enough."""
        if not self._tenants:
            self._grown.clear()
            await self._grown.wait()
        taken = list(self._tenants)
        self._tenants = {tenant: left - 1 for tenant, left in self._tenants.items() if left > 1}
        return taken


Grown = Callable[[TenantId], None]
