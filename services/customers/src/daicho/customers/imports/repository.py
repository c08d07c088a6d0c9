"""Every query about imports but those that take rows over; see :mod:`daicho.customers.imports.taking_over`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from daicho.customers.imports.model import Import, Status, open_import
from daicho.customers.imports.preparing import Prepared
from daicho.faults import NotFound
from daicho.keyring import TenantKeys
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction
from daicho.web import PAGE_BYTES

_READ: Final = 'SELECT * FROM "import" WHERE tenant_id = $1 AND id = $2'
_LOCK: Final = f"{_READ} FOR UPDATE"
_LAST_STEP: Final = 'SELECT status, updated_at FROM "import" WHERE tenant_id = $1 AND id = $2 FOR UPDATE'
_LIST: Final = """
    WITH page AS (
        SELECT i.*, octet_length(i.sealed) AS size FROM "import" i WHERE i.tenant_id = $1 AND i.id < $2
        AND ($3::uuid[] IS NULL OR i.created_by = ANY ($3)) ORDER BY i.id DESC LIMIT $4
    ), measured AS (SELECT p.*, count(*) OVER () AS matched, sum(size) OVER (ORDER BY id DESC) AS so_far FROM page p)
    SELECT * FROM measured WHERE so_far <= $5 OR so_far = size ORDER BY id DESC
"""
_ADD: Final = """
    INSERT INTO "import" (tenant_id, id, resource, status, version, created_by, created_at, updated_at,
        file_size, format, sealed, on_match)
    VALUES ($1, $2, $3, 'mapping', 1, $4, $5, $5, $6, $7, $8, 'create')
"""
_DESCRIBE: Final = """
    UPDATE "import" SET format = $3, sealed = $4, match_on = $5, on_match = $6, status = 'mapping', failure = NULL,
        version = version + 1, updated_at = $7, read = 0, rows = 0, valid = 0, rejected = 0, skipped = 0
    WHERE tenant_id = $1 AND id = $2
"""
_BEGIN_CHECK: Final = """
    UPDATE "import" SET status = 'checking', failure = NULL, version = version + 1, updated_at = $3, fields_revision = $4,
        read = 0, rows = 0, valid = 0, rejected = 0, created = 0, updated = 0, skipped = 0
    WHERE tenant_id = $1 AND id = $2
"""
_SET_STATUS: Final = """
    UPDATE "import" SET status = $3, failure = $4, version = version + 1, updated_at = $5
    WHERE tenant_id = $1 AND id = $2
"""
_STAGED: Final = ("import_row", "import_rejected", "import_company", "import_lane")
_STAGE: Final = """
    INSERT INTO import_row (tenant_id, import_id, number, line, action, record_id, plain, tokens, card, rest,
        company_name, key_fields, digests, index_values, tags, state_digest, change)
    SELECT $1, $2, number, line, action, record_id, plain::jsonb, tokens::bigint[], card, rest,
        company_name, key_fields::text[], digests, index_values::jsonb, tags::jsonb, state_digest, change
    FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::bytea[],
        $10::bytea[], $11::text[], $12::text[], $13::bytea[], $14::text[], $15::text[], $16::bytea[], $17::bytea[])
        AS s(number, line, action, record_id, plain, tokens, card, rest, company_name, key_fields, digests,
            index_values, tags, state_digest, change)
"""
_REJECT: Final = """
    INSERT INTO import_rejected (tenant_id, import_id, number, line, sealed)
    SELECT $1, $2, number, line, sealed FROM unnest($3::bigint[], $4::bigint[], $5::bytea[]) AS r(number, line, sealed)
"""
_NAME_COMPANIES: Final = """
    INSERT INTO import_company (tenant_id, import_id, name) SELECT $1, $2, name FROM unnest($3::text[]) AS c(name)
    ON CONFLICT (tenant_id, import_id, name) DO NOTHING
"""
_ADVANCE: Final = """
    UPDATE "import" SET read = $4, rows = rows + $5, valid = valid + $6, rejected = rejected + $7,
        skipped = skipped + $8, version = version + 1, updated_at = now(),
        index_keys = CASE WHEN read = 0 OR index_keys = $9 THEN $9 END
    WHERE tenant_id = $1 AND id = $2 AND read = $3 AND status = 'checking'
"""
_REJECTED: Final = """
    WITH page AS (
        SELECT number, line, sealed FROM import_rejected
        WHERE tenant_id = $1 AND import_id = $2 AND number >= $3 AND sealed IS NOT NULL ORDER BY number LIMIT $4
    ), measured AS (SELECT p.*, sum(octet_length(sealed)) OVER (ORDER BY number) AS so_far FROM page p)
    SELECT number, line, sealed FROM measured WHERE so_far <= $5 OR so_far = octet_length(sealed) ORDER BY number
"""
_REJECTED_NUMBERS: Final = "SELECT number FROM import_rejected WHERE tenant_id = $1 AND import_id = $2"
_STORED_BYTES: Final = """
    /* whole tenant: a sum over a tenant's imports, once an upload */
    SELECT coalesce(sum(file_size), 0)::bigint FROM "import"
    WHERE tenant_id = $1 AND status <> 'done' AND failure IS DISTINCT FROM 'expired'
"""
_encode = msgspec.json.Encoder().encode


async def stored_bytes(tx: TenantTransaction) -> int:
    """Bytes of the tenant's files that are kept: of imports that have not run, and have not expired."""
    found: int = await tx.driver.fetchval(_STORED_BYTES, tx.tenant_id)
    return found


class Step(NamedTuple):
    """Where an import stands, and since when."""

    status: Status
    at: datetime


class Superseded(Exception):
    """Somebody else has taken this import on, or it was deleted: stop."""


class FieldsChanged(Exception):
    """Custom fields are no longer those of the check: what it staged may be sealed or indexed otherwise now."""


async def add_import(
    tx: TenantTransaction,
    import_id: UUID,
    resource: str,
    *,
    size: int,
    file: Any,
    sealed: bytes,
    at: datetime,
) -> None:
    """A new import of the acting user."""
    owner = tx.actor.user_id
    await tx.driver.execute(
        _ADD, tx.tenant_id, import_id, resource, owner, at, size, _encode(file).decode(), sealed
    )


async def read_import(
    tx: TenantTransaction, keys: TenantKeys, import_id: UUID, *, lock: bool = False
) -> Import:
    """One import. Raises NotFound."""
    row = await tx.driver.fetchrow(_LOCK if lock else _READ, tx.tenant_id, import_id)
    if row is None:
        raise NotFound
    return open_import(keys, row)


async def last_step(tx: TenantTransaction, import_id: UUID) -> Step | None:
    """Where an import stands, locked; None when there is none. Needs no key."""
    row = await tx.driver.fetchrow(_LAST_STEP, tx.tenant_id, import_id)
    return None if row is None else Step(*row)


async def list_imports(
    tx: TenantTransaction, keys: TenantKeys, owners: frozenset[Any] | None, after: UUID, count: int
) -> tuple[list[Import], bool]:
    """The next ``count`` imports older than ``after`` of ``owners``, newest first, fewer when their descriptions are more
    than :data:`daicho.web.PAGE_BYTES`; and whether there are more."""
    among = None if owners is None else list(owners)
    rows = await tx.driver.fetch(_LIST, tx.tenant_id, after, among, count + 1, PAGE_BYTES)
    found = await in_slices(lambda row: open_import(keys, row), rows[:count])
    return found, bool(rows) and rows[0]["matched"] > len(found)


async def describe(
    tx: TenantTransaction, found: Import, file: Any, sealed: bytes, at: datetime, **match: Any
) -> None:
    """Store how the file is read and mapped from now on; what an earlier check staged is dropped."""
    await drop_staged(tx, found.id)
    await tx.driver.execute(
        _DESCRIBE,
        tx.tenant_id,
        found.id,
        _encode(file).decode(),
        sealed,
        match["match_on"],
        match["on_match"],
        at,
    )


async def begin_check(tx: TenantTransaction, import_id: UUID, at: datetime, revision: int) -> None:
    """A check from the first row, by the custom fields at ``revision``."""
    await drop_staged(tx, import_id)
    await tx.driver.execute(_BEGIN_CHECK, tx.tenant_id, import_id, at, revision)


async def set_status(
    tx: TenantTransaction, import_id: UUID, status: Status, at: datetime, failure: str | None = None
) -> None:
    """Turn to ``status``."""
    await tx.driver.execute(_SET_STATUS, tx.tenant_id, import_id, status, failure, at)


async def drop_staged(tx: TenantTransaction, import_id: UUID, *, keep_rejected: bool = False) -> None:
    """Remove what a check staged."""
    for table in _STAGED:
        if not (keep_rejected and table == "import_rejected"):
            await tx.driver.execute(
                f"DELETE FROM {table} WHERE tenant_id = $1 AND import_id = $2",  # noqa: S608 one of four of our own
                tx.tenant_id,
                import_id,
            )


async def stage(
    tx: TenantTransaction,
    import_id: UUID,
    prepared: Prepared,
    *,
    before: int,
    after: int,
    count: int,
    index_keys: bytes,
) -> None:
    """Keep what came of the rows after ``before`` up to ``after``, ``count`` of them, with tokens by ``index_keys``.

    Raises :class:`Superseded` when the import does not stand at ``before``.
    """
    staged, rejected = prepared.staged, prepared.rejected
    valid = count - len(rejected)
    answer = await tx.driver.execute(
        _ADVANCE,
        tx.tenant_id,
        import_id,
        before,
        after,
        count,
        valid,
        len(rejected),
        valid - len(staged),
        index_keys,
    )
    if answer != "UPDATE 1":
        raise Superseded
    if staged:
        columns = zip(*(msgspec.structs.astuple(row) for row in staged), strict=True)
        await tx.driver.execute(_STAGE, tx.tenant_id, import_id, *map(list, columns))
        names = sorted({row.company_name for row in staged if row.company_name})
        if names:
            await tx.driver.execute(_NAME_COMPANIES, tx.tenant_id, import_id, names)
    if rejected:
        await tx.driver.execute(_REJECT, tx.tenant_id, import_id, *map(list, zip(*rejected, strict=True)))


async def rejected_from(
    tx: TenantTransaction, import_id: UUID, number: int, count: int
) -> Sequence[tuple[int, int, bytes]]:
    """Up to ``count`` rejected rows from row ``number`` on, fewer when these are more than
    :data:`daicho.web.PAGE_BYTES`, but none only at the end: (number, line, sealed)."""
    rows = await tx.driver.fetch(_REJECTED, tx.tenant_id, import_id, number, count, PAGE_BYTES)
    return [(row["number"], row["line"], row["sealed"]) for row in rows]


async def rejected_numbers(tx: TenantTransaction, import_id: UUID) -> set[int]:
    """The numbers of all rejected rows."""
    return {row["number"] for row in await tx.driver.fetch(_REJECTED_NUMBERS, tx.tenant_id, import_id)}
