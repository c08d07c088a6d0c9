"""Telling facts: a row in the same transaction as the change it tells of.

The table ``outbox`` takes a row from the application's role and gives it to the relay's role alone. A
row's id is drawn after the aggregate's row is locked, so within an aggregate the order of ids is the order
of commits.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from uuid import UUID

from google.protobuf.message import Message as ProtoMessage

from daicho.events.envelope import Aggregate, HasEventKey, enclose, partition_key, topic_of
from daicho.tenancy import Actor, TenantTransaction, Transaction, uuid7

SHARDS = 4
"""An outbox is relayed in this many shards, each by one relay at a time."""

_TELL = """
    INSERT INTO outbox (shard, tenant_id, topic, key, event_id, envelope)
    SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::uuid[], $6::bytea[])
"""
_NEXT = """
    INSERT INTO broadcast (topic, sequence) VALUES ($1, $2)
    ON CONFLICT (topic) DO UPDATE SET sequence = broadcast.sequence + excluded.sequence
    RETURNING sequence
"""

Telling = tuple[ProtoMessage, Aggregate]


async def tell(
    tx: TenantTransaction, keys: HasEventKey | None, message: ProtoMessage, *, aggregate: Aggregate
) -> UUID:
    """Tell ``message`` when ``tx`` commits; answers the event's id.

    Call it after the change of the aggregate: what the ORM session still holds is flushed first, so that
    the aggregate's row is locked before the event takes its place in the order. ``keys`` are the tenant's
    keys when the message has sealed fields, else None. The topic follows from the message's package.
    """
    return (await tell_all(tx, keys, [(message, aggregate)]))[0]


async def tell_all(
    tx: TenantTransaction, keys: HasEventKey | None, tellings: Sequence[Telling]
) -> Sequence[UUID]:
    """:func:`tell` for many, in their order and one statement."""
    rows = [
        (
            topic_of(message),
            partition_key(tx.tenant_id, aggregate.id),
            enclose(message, actor=tx.actor, tenant_id=tx.tenant_id, aggregate=aggregate, keys=keys),
        )
        for message, aggregate in tellings
    ]
    await tx.session.flush()
    ids = [UUID(bytes=event_id) for _, _, (event_id, _) in rows]
    await tx.driver.execute(
        _TELL,
        [shard_of(key) for _, key, _ in rows],
        [tx.tenant_id] * len(rows),
        [topic for topic, _, _ in rows],
        [key for _, key, _ in rows],
        ids,
        [value for _, _, (_, value) in rows],
    )
    return ids


async def broadcast(
    tx: Transaction, topic: str, make: Callable[[int], ProtoMessage], *, heartbeat: bool = False
) -> int:
    """Tell every process at once, by way of ``topic``; answers the broadcast's sequence number.

    ``make(sequence)`` builds the message. Broadcasts of a topic are numbered without gaps in the order of
    their commits (the counter's row stays locked until then, so do this last). A heartbeat repeats the last
    number: whoever holds a smaller one has missed something.
    """
    await tx.session.flush()
    sequence: int = await tx.driver.fetchval(_NEXT, topic, 0 if heartbeat else 1)
    actor: Actor | None = tx.actor
    message = make(sequence)
    about = Aggregate("heartbeat" if heartbeat else "broadcast", uuid7(), sequence)
    event_id, value = enclose(message, actor=actor, tenant_id=tx.tenant_id, aggregate=about, keys=None)
    await tx.driver.execute(_TELL, [0], [tx.tenant_id], [topic], [b""], [UUID(bytes=event_id)], [value])
    return sequence


def shard_of(key: bytes) -> int:
    """The shard of the outbox for a partition key; bits other than those that choose the partition."""
    return (zlib.crc32(key) >> 16) % SHARDS
