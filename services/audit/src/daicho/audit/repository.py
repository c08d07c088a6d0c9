"""Every query of the log. Statements are text: they run on the driver, in rounds of hundreds of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from asyncpg.pgproto import pgproto

from daicho.audit import finding, merkle
from daicho.audit.export import BLOCK, HEIGHT
from daicho.audit.faults import LogForked
from daicho.audit.leaf import ActorKind, Kind, Leaf, deed_of
from daicho.audit.merkle import CompactRange, Coordinates
from daicho.audit.model import Question
from daicho.tenancy import TenantTransaction

LOCK_HEAD: Final = (
    "/* whole tenant: it is one row */ SELECT size, peaks FROM log_head WHERE tenant_id = $1 FOR UPDATE"
)
BEGIN_LOG: Final = """
    INSERT INTO log_head (tenant_id, size, peaks) VALUES ($1, 0, '') ON CONFLICT (tenant_id) DO NOTHING
"""
READ_HEAD: Final = "/* whole tenant: it is one row */ SELECT size, peaks FROM log_head WHERE tenant_id = $1"
# One message for all of a round. Of two wrapped forms of one key the one under the newer version of the tenant's
# key stays.
APPEND: Final = """
    /* whole tenant: the head is one row */
    WITH entries AS (
        INSERT INTO entry (tenant_id, sequence, entry_id, time, kind, actor_kind, actor_user_id, actor_session_id,
            actor_service, action, resource_type, resource_id, payload, payload_digest)
        SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::smallint[], $6::smallint[],
            $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::uuid[], $13::bytea[], $14::bytea[])
    ), records AS (
        INSERT INTO entry_record (tenant_id, record_id, sequence, deed, time)
        SELECT $1, * FROM unnest($15::uuid[], $16::bigint[], $17::bigint[], $18::timestamptz[])
    ), nodes AS (
        INSERT INTO tree_node (tenant_id, level, number, hash)
        SELECT $1, * FROM unnest($19::smallint[], $20::bigint[], $21::bytea[])
    ), keys AS (
        INSERT INTO event_key AS held (tenant_id, service, version, wrapped)
        SELECT $1, * FROM unnest($22::text[], $23::bigint[], $24::text[])
        ON CONFLICT (tenant_id, service, version) DO UPDATE SET wrapped = excluded.wrapped
        WHERE substr(split_part(held.wrapped, ':', 2), 2)::int
            < substr(split_part(excluded.wrapped, ':', 2), 2)::int
    )
    UPDATE log_head SET size = $25, peaks = $26 WHERE tenant_id = $1
"""
READ_KEY: Final = "SELECT wrapped FROM event_key WHERE tenant_id = $1 AND service = $2 AND version = $3"
READ_NODES: Final = """
    SELECT n.level, n.number, n.hash
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS wanted (level, first, last)
    JOIN tree_node n ON n.tenant_id = $1 AND n.level = wanted.level AND n.number BETWEEN wanted.first AND wanted.last
"""
_ONE: Final = " FROM entry e WHERE e.tenant_id = $1 AND e.entry_id = $2"
_MANY: Final = " FROM entry e WHERE e.tenant_id = $1 AND e.sequence BETWEEN $2 AND $3 ORDER BY e.sequence"
READ_ENTRY: Final = "SELECT " + finding.ENTRY + _ONE
READ_ENTRIES: Final = "SELECT " + finding.ENTRY + _MANY
log = structlog.get_logger()

Stored = tuple[Leaf, bytes | None]
"""An entry as it stands in the database: its leaf, and its payload, sealed (None: erased)."""


async def lock_head(tx: TenantTransaction) -> CompactRange:
    """The log's head, held until the transaction ends. Raises :class:`LogForked` for one that does not read."""
    row = await tx.driver.fetchrow(LOCK_HEAD, tx.tenant_id)
    if row is None:
        await tx.driver.execute(BEGIN_LOG, tx.tenant_id)
        row = await tx.driver.fetchrow(LOCK_HEAD, tx.tenant_id)
    return _head(row)


async def read_head(tx: TenantTransaction) -> CompactRange:
    """The log's head at this moment. Raises :class:`LogForked` for one that does not read."""
    return _head(await tx.driver.fetchrow(READ_HEAD, tx.tenant_id))


async def append(
    tx: TenantTransaction,
    head: CompactRange,
    entries: Sequence[tuple[Leaf, bytes]],
    *,
    records: Iterable[tuple[bytes, int]],
    nodes: Iterable[tuple[Coordinates, bytes]],
    keys: Iterable[tuple[str, int, str]],
) -> None:
    """Add leaves with their sealed payloads, and move the log to ``head``.

    ``records`` are (record, sequence) that the entries are found by; ``nodes`` those that became full, of which
    leaves and the nodes over whole blocks are kept; ``keys`` are wrapped keys (service, version, wrapped).
    """
    leaves = [leaf for leaf, _ in entries]
    found_by = sorted(records)  # neighbours in the index are written together
    held = {leaf.sequence: (deed_of(leaf), leaf.time) for leaf in leaves}
    found_of = [held[sequence] for _, sequence in found_by]
    kept = [(level, number, node) for (level, number), node in nodes if level == 0 or level >= HEIGHT]
    wrapped = {(service, version): text for service, version, text in keys}
    await tx.driver.execute(
        APPEND,
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
        [pgproto.UUID(record) for record, _ in found_by],  # a tenth of uuid.UUID's time, and there are many
        [sequence for _, sequence in found_by],
        [deed for deed, _ in found_of],
        [time for _, time in found_of],
        [level for level, _, _ in kept],
        [number for _, number, _ in kept],
        [node for _, _, node in kept],
        [service for service, _ in wrapped],
        [version for _, version in wrapped],
        list(wrapped.values()),
        head.size,
        b"".join(head.peaks),
    )


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
    """A page of entries, the newest first."""
    return _entries(tx, await finding.find(tx, asked))


def _head(row: Mapping[str, Any] | None) -> CompactRange:
    if row is None:
        return CompactRange()
    peaks = row["peaks"]
    nodes = [peaks[at : at + merkle.HASH] for at in range(0, len(peaks), merkle.HASH)]
    try:
        return CompactRange(row["size"], nodes)
    except ValueError as error:
        raise LogForked(reason="head_unreadable") from error


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
