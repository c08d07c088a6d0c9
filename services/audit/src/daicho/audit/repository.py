"""Every query of the log. Statements are text: they run on the driver, in rounds of hundreds of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from daicho.audit import merkle
from daicho.audit.export import BLOCK, HEIGHT, origin_of
from daicho.audit.leaf import ActorKind, Kind, Leaf
from daicho.audit.merkle import CompactRange, Coordinates
from daicho.audit.model import Question, Signed
from daicho.audit.notes import Checkpoint
from daicho.tenancy import TenantTransaction

LOCK_HEAD: Final = (
    "/* whole tenant: it is one row */ SELECT size, peaks FROM log_head WHERE tenant_id = $1 FOR UPDATE"
)
BEGIN_LOG: Final = """
    INSERT INTO log_head (tenant_id, size, peaks) VALUES ($1, 0, '') ON CONFLICT (tenant_id) DO NOTHING
"""
READ_HEAD: Final = "/* whole tenant: it is one row */ SELECT size, peaks FROM log_head WHERE tenant_id = $1"
MOVE_HEAD: Final = """
    /* whole tenant: it is one row */ UPDATE log_head SET size = $2, peaks = $3 WHERE tenant_id = $1
"""
ADD_ENTRIES: Final = """
    INSERT INTO entry (tenant_id, sequence, entry_id, time, kind, actor_kind, actor_user_id, actor_session_id,
        actor_service, action, resource_type, resource_id, payload, payload_digest)
    SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::smallint[], $6::smallint[],
        $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::bytea[], $14::bytea[])
"""
ADD_RECORDS: Final = """
    INSERT INTO entry_record (tenant_id, record_id, time, sequence)
    SELECT $1, * FROM unnest($2::uuid[], $3::timestamptz[], $4::bigint[])
"""
ADD_NODES: Final = """
    INSERT INTO tree_node (tenant_id, level, number, hash)
    SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])
"""
# Of two wrapped forms of one key the one under the newer version of the tenant's key stays.
ADD_KEYS: Final = """
    INSERT INTO event_key AS held (tenant_id, service, version, wrapped)
    SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[])
    ON CONFLICT (tenant_id, service, version) DO UPDATE SET wrapped = excluded.wrapped
    WHERE substr(split_part(held.wrapped, ':', 2), 2)::int < substr(split_part(excluded.wrapped, ':', 2), 2)::int
"""
READ_KEY: Final = "SELECT wrapped FROM event_key WHERE tenant_id = $1 AND service = $2 AND version = $3"
READ_NODES: Final = """
    SELECT n.level, n.number, n.hash
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS wanted (level, first, last)
    JOIN tree_node n ON n.tenant_id = $1 AND n.level = wanted.level AND n.number BETWEEN wanted.first AND wanted.last
"""
_ENTRY: Final = """e.sequence, e.entry_id, e.time, e.kind, e.actor_kind, e.actor_user_id, e.actor_session_id,
        e.actor_service, e.action, e.resource_type, e.resource_id, e.payload, e.payload_digest"""
_ONE: Final = " FROM entry e WHERE e.tenant_id = $1 AND e.entry_id = $2"
_MANY: Final = " FROM entry e WHERE e.tenant_id = $1 AND e.sequence BETWEEN $2 AND $3 ORDER BY e.sequence"
READ_ENTRY: Final = "SELECT " + _ENTRY + _ONE
READ_ENTRIES: Final = "SELECT " + _ENTRY + _MANY
READ_CHECKPOINT: Final = (
    "SELECT size, root, note, key, signed_at FROM checkpoint WHERE tenant_id = $1 ORDER BY size DESC LIMIT 1"
)
ADD_CHECKPOINT: Final = """
    INSERT INTO checkpoint (tenant_id, size, root, note, key, signed_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, size) DO NOTHING RETURNING true
"""
DROP_CHECKPOINT: Final = "DELETE FROM checkpoint WHERE tenant_id = $1 AND size = $2"

# Each begins from the index of what it is asked for, newest first; the rest is compared row by row.
_AROUND: Final = """e.time >= $2 AND (e.time, e.sequence) < ($3, $4)
      AND ($5::uuid IS NULL OR e.actor_user_id = $5) AND ($6::text IS NULL OR e.action = $6)
      AND ($7::text IS NULL OR e.resource_type = $7)
    ORDER BY e.time DESC, e.sequence DESC LIMIT $8"""
_FIND: Final = _ENTRY + " FROM entry e WHERE e.tenant_id = $1 AND "
FIND_BY_TIME: Final = "SELECT " + _FIND + _AROUND
FIND_BY_ACTOR: Final = "SELECT " + _FIND + "e.actor_user_id = $5 AND " + _AROUND
FIND_BY_ACTION: Final = "SELECT " + _FIND + "e.action = $6 AND " + _AROUND
FIND_BY_RESOURCE: Final = "SELECT " + _FIND + "e.resource_type = $7 AND " + _AROUND
_BY_RECORD: Final = """
    FROM entry_record r JOIN entry e ON e.tenant_id = $1 AND e.sequence = r.sequence
    WHERE r.tenant_id = $1 AND r.record_id = $9 AND r.time >= $2 AND (r.time, r.sequence) < ($3, $4)
      AND ($5::uuid IS NULL OR e.actor_user_id = $5) AND ($6::text IS NULL OR e.action = $6)
      AND ($7::text IS NULL OR e.resource_type = $7)
    ORDER BY r.time DESC, r.sequence DESC LIMIT $8"""
FIND_BY_RECORD: Final = "SELECT " + _ENTRY + _BY_RECORD

log = structlog.get_logger()

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


Stored = tuple[Leaf, bytes | None]
"""An entry as it stands in the database: its leaf, and its payload, sealed (None: erased)."""


async def lock_head(tx: TenantTransaction) -> CompactRange:
    """The log's head, held until the transaction ends."""
    row = await tx.driver.fetchrow(LOCK_HEAD, tx.tenant_id)
    if row is None:
        await tx.driver.execute(BEGIN_LOG, tx.tenant_id)
        row = await tx.driver.fetchrow(LOCK_HEAD, tx.tenant_id)
    return _head(row)


async def read_head(tx: TenantTransaction) -> CompactRange:
    """The log's head at this moment."""
    return _head(await tx.driver.fetchrow(READ_HEAD, tx.tenant_id))


async def move_head(tx: TenantTransaction, head: CompactRange) -> None:
    """Remember ``head``."""
    await tx.driver.execute(MOVE_HEAD, tx.tenant_id, head.size, b"".join(head.peaks))


async def add_entries(tx: TenantTransaction, entries: Sequence[tuple[Leaf, bytes]]) -> None:
    """Add leaves and their sealed payloads."""
    leaves = [leaf for leaf, _ in entries]
    await tx.driver.execute(
        ADD_ENTRIES,
        tx.tenant_id,
        [leaf.sequence for leaf in leaves],
        [leaf.entry_id for leaf in leaves],
        [leaf.time for leaf in leaves],
        [int(leaf.kind) for leaf in leaves],
        [int(leaf.actor_kind) for leaf in leaves],
        [leaf.actor_user_id for leaf in leaves],
        [leaf.actor_session_id for leaf in leaves],
        [leaf.actor_service for leaf in leaves],
        [leaf.action for leaf in leaves],
        [leaf.resource_type for leaf in leaves],
        [leaf.resource_id for leaf in leaves],
        [payload for _, payload in entries],
        [leaf.payload_digest for leaf in leaves],
    )


async def add_records(tx: TenantTransaction, records: Sequence[tuple[UUID, datetime, int]]) -> None:
    """Let entries be found by records: (record, time, sequence)."""
    if records:
        await tx.driver.execute(ADD_RECORDS, tx.tenant_id, *map(list, zip(*records, strict=True)))


async def add_nodes(tx: TenantTransaction, nodes: Iterable[tuple[Coordinates, bytes]]) -> None:
    """Keep the leaves and the nodes over whole blocks."""
    kept = [(level, number, node) for (level, number), node in nodes if level == 0 or level >= HEIGHT]
    await tx.driver.execute(ADD_NODES, tx.tenant_id, *map(list, zip(*kept, strict=True)))


async def add_keys(tx: TenantTransaction, keys: Iterable[tuple[str, int, str]]) -> None:
    """Keep wrapped keys of events: (service, version, wrapped)."""
    newest = {(service, version): wrapped for service, version, wrapped in keys}
    if newest:
        services, versions = [name[0] for name in newest], [name[1] for name in newest]
        await tx.driver.execute(ADD_KEYS, tx.tenant_id, services, versions, list(newest.values()))


async def read_key(tx: TenantTransaction, service: str, version: int) -> str | None:
    """The wrapped form of a service's event key."""
    found: str | None = await tx.driver.fetchval(READ_KEY, tx.tenant_id, service, version)
    return found


async def read_nodes(
    tx: TenantTransaction, wanted: Iterable[Coordinates], size: int
) -> dict[Coordinates, bytes]:
    """The nodes ``wanted`` of the tree of ``size`` leaves; one that is gone reads as zeros, and proves nothing."""
    found: dict[Coordinates, bytes] = {}
    small: list[Coordinates] = []
    ranges: list[tuple[int, int, int]] = []
    for level, number in set(wanted):
        if 0 < level < HEIGHT:
            small.append((level, number))
            ranges.append((0, number << level, ((number + 1) << level) - 1))
        else:
            ranges.append((level, number, number))
    held = await _read_ranges(tx, ranges)
    for level, number, last in ranges:
        if level or number == last:
            found[level, number] = held.get((level, number), bytes(32))
    for level, number in small:
        leaves = [
            held.get((0, at), bytes(32)) for at in range(number << level, min((number + 1) << level, size))
        ]
        found[level, number] = merkle.root_of(leaves)
    return found


async def read_leaves(tx: TenantTransaction, first: int, end: int) -> dict[int, bytes]:
    """The leaf hashes from ``first`` to before ``end``, as far as they are there."""
    held = await _read_ranges(tx, [(0, first, end - 1)])
    return {number: node for (_, number), node in held.items()}


async def _read_ranges(
    tx: TenantTransaction, ranges: Sequence[tuple[int, int, int]]
) -> dict[Coordinates, bytes]:
    if not ranges:
        return {}
    rows = await tx.driver.fetch(READ_NODES, tx.tenant_id, *map(list, zip(*ranges, strict=True)))
    return {(row["level"], row["number"]): row["hash"] for row in rows}


async def read_entry(tx: TenantTransaction, entry_id: UUID) -> Stored | None:
    """One entry."""
    row = await tx.driver.fetchrow(READ_ENTRY, tx.tenant_id, entry_id)
    return next(iter(_entries(tx, [row])), None) if row is not None else None


async def read_block(tx: TenantTransaction, block: int, size: int) -> list[Stored]:
    """The entries of one block of the log of ``size`` entries."""
    last = min((block + 1) * BLOCK, size) - 1
    rows = await tx.driver.fetch(READ_ENTRIES, tx.tenant_id, block * BLOCK, last)
    return _entries(tx, rows)


async def find(tx: TenantTransaction, asked: Question) -> list[Stored]:
    """A page of entries, newest first."""
    before = asked.before or (asked.end or _LAST, -1)
    arguments = [
        tx.tenant_id, asked.begin or _FIRST, *before, asked.actor_id, asked.action, asked.resource, asked.limit,
    ]  # fmt: skip
    if asked.record_id is not None:
        statement = FIND_BY_RECORD
        arguments.append(asked.record_id)
    elif asked.actor_id is not None:
        statement = FIND_BY_ACTOR
    elif asked.action is not None:
        statement = FIND_BY_ACTION
    elif asked.resource is not None:
        statement = FIND_BY_RESOURCE
    else:
        statement = FIND_BY_TIME
    return _entries(tx, await tx.driver.fetch(statement, *arguments))


async def read_checkpoint(tx: TenantTransaction) -> tuple[Signed, datetime] | None:
    """The newest signed checkpoint and when it was signed."""
    row = await tx.driver.fetchrow(READ_CHECKPOINT, tx.tenant_id)
    if row is None:
        return None
    checkpoint = Checkpoint(origin_of(tx.tenant_id), row["size"], row["root"])
    return Signed(checkpoint, row["note"], row["key"]), row["signed_at"]


async def add_checkpoint(tx: TenantTransaction, signed: Signed, signed_at: datetime) -> bool:
    """Keep a checkpoint; False when one of its size was there."""
    point = signed.checkpoint
    return bool(
        await tx.driver.fetchval(
            ADD_CHECKPOINT, tx.tenant_id, point.size, point.root, signed.note, signed.key, signed_at
        )
    )


async def drop_checkpoint(tx: TenantTransaction, size: int) -> None:
    """Forget a checkpoint that a newer one of the same minute replaces."""
    await tx.driver.execute(DROP_CHECKPOINT, tx.tenant_id, size)


def _head(row: Mapping[str, Any] | None) -> CompactRange:
    if row is None:
        return CompactRange()
    peaks = row["peaks"]
    return CompactRange(row["size"], [peaks[at : at + 32] for at in range(0, len(peaks), 32)])


def _entries(tx: TenantTransaction, rows: Iterable[asyncpg.Record]) -> list[Stored]:
    """The entries in ``rows``. One that somebody wrote into beyond recognition is as good as gone."""
    entries = []
    for row in rows:
        try:
            entries.append(_entry_of(tx, row))
        except ValueError:
            log.error(  # noqa: TRY400 - the trace says no more
                "audit_entry_unreadable", tenant_id=str(tx.tenant_id), sequence=row["sequence"]
            )
    return entries


def _entry_of(tx: TenantTransaction, row: asyncpg.Record) -> Stored:
    leaf = Leaf(
        tenant_id=tx.tenant_id,
        sequence=row["sequence"],
        entry_id=row["entry_id"],
        time=row["time"],
        kind=Kind(row["kind"]),
        actor_kind=ActorKind(row["actor_kind"]),
        actor_user_id=row["actor_user_id"],
        actor_session_id=row["actor_session_id"],
        actor_service=row["actor_service"],
        action=row["action"],
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        payload_digest=row["payload_digest"],
    )
    return leaf, row["payload"]
