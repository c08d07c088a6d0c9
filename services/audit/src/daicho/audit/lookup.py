"""The look-up of entries by record, compared with what it is made from.

``entry_record`` is no part of the tree: it is derived from payloads, which are. Whoever wrote into it could hide an
entry from a search by record, though never from the log, its export or a search by anything else. This derives it
again and names the first entry for which it differs. Of an erased payload nothing can be derived any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from daicho.audit import repository
from daicho.audit.events import records_of
from daicho.audit.export import BLOCK, block_count
from daicho.audit.leaf import LeafInvalid, deed_of, read_payload
from daicho.audit.log import BLOB, TABLE
from daicho.audit.repository import Stored
from daicho.events import Rejected
from daicho.keyring import Keyring, Tampered, TenantKeys
from daicho.tenancy import Database, TenantId, TenantTransaction

BLOCKS: Final = 64
"""Blocks of entries that are compared at once."""

READ_RECORDS: Final = """
    /* whole tenant: an operator's command, which compares all of it; an index by entry would cost every append */
    SELECT sequence, record_id, deed, time FROM entry_record WHERE tenant_id = $1 AND sequence >= $2 AND sequence < $3
"""


Row = tuple[int, bytes, int, datetime]
"""Sequence, record, deed, time."""


@dataclass(frozen=True, slots=True)
class Compared:
    """``entries`` were compared, ``underivable`` of them have no payload; ``first_bad`` names one, and why."""

    entries: int
    underivable: int
    first_bad: int | None = None
    why: str = ""


async def compare(database: Database, keyring: Keyring, tenant_id: TenantId) -> Compared:
    """Compare a tenant's look-up from its first entry to its first difference."""
    underivable = 0
    async with database.reading(tenant_id) as tx:
        size = (await repository.read_head(tx)).size
    for first in range(0, block_count(size), BLOCKS):
        keys = await keyring.open(tenant_id)
        begin, end = first * BLOCK, min((first + BLOCKS) * BLOCK, size)
        async with database.reading(tenant_id) as tx:
            wanted, gone = await _derived(tx, keys, range(first, first + BLOCKS), size)
            rows = await tx.driver.fetch(READ_RECORDS, tenant_id, begin, end)
        underivable += len(gone)
        held = {(row[0], row[1].bytes, row[2], row[3]) for row in rows if row[0] not in gone}
        if wanted != held:
            bad = min(wanted ^ held)
            why = f"record {UUID(bytes=bad[1])} {'is missing' if bad in wanted else 'does not belong to it'}"
            return Compared(bad[0], underivable, bad[0], why)
    return Compared(size, underivable)


async def _derived(
    tx: TenantTransaction, keys: TenantKeys, blocks: range, size: int
) -> tuple[set[Row], set[int]]:
    """The rows as leaves and payloads say, and the entries whose payloads say nothing."""
    wanted: set[Row] = set()
    gone: set[int] = set()
    for block in blocks:
        for leaf, sealed in await repository.read_block(tx, block, size):
            records = _records(keys, (leaf, sealed))
            if records is None:
                gone.add(leaf.sequence)
            else:
                wanted.update((leaf.sequence, record, deed_of(leaf), leaf.time) for record in records)
    return wanted, gone


def _records(keys: TenantKeys, entry: Stored) -> list[bytes] | None:
    leaf, sealed = entry
    if sealed is None:
        return None
    try:
        return records_of(read_payload(keys.unseal(TABLE, leaf.entry_id, BLOB, sealed)))
    except (Tampered, LeafInvalid, Rejected, KeyError):
        return None
