"""Rows that were refused while they were taken over get their cells back, so that they can be corrected."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from daicho.customers import record_size
from daicho.customers.imports.callers import Asker
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.model import Import
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.rejections import seal_rejection
from daicho.customers.imports.rows import SourceRow
from daicho.keyring import FileStore, TenantKeys
from daicho.tenancy import Database

_REASONS: Final = {
    "record_gone": (None, "record_gone"),
    record_size.CODE: (None, record_size.CODE),
    "fields_changed": (None, "fields_changed"),
    "owner": ("owner", "not_permitted"),
    "owner_gone": ("owner", "unknown_user"),
}
"""The field and the code that are told of a row by why it was refused; otherwise that is a field whose value
somebody took."""
_BATCH: Final = 1_000
_OPEN: Final = """
    SELECT number, conflict FROM import_rejected WHERE tenant_id = $1 AND import_id = $2 AND sealed IS NULL
    ORDER BY number LIMIT 5000
"""
_COMPLETE: Final = """
    UPDATE import_rejected r SET sealed = c.sealed FROM unnest($3::bigint[], $4::bytea[]) AS c(number, sealed)
    WHERE r.tenant_id = $1 AND r.import_id = $2 AND r.number = c.number
"""


class RowsMissing(Exception):
    """The file has no such rows as the check found in it."""


async def complete_rejections(
    database: Database, store: FileStore, files: FileReader, asker: Asker, found: Import
) -> None:
    """Read the file once more, if a row of it needs that. Raises :class:`RowsMissing`, FileUnreadable."""
    while True:
        caller = await asker.now()
        async with database.reading(caller.actor) as tx:
            rows = await tx.driver.fetch(_OPEN, tx.tenant_id, found.id)
        if not rows:
            return
        wanted = {row["number"]: row["conflict"] for row in rows}
        sealed = await _seal_all(store, files, caller.keys, found, wanted)
        if not sealed:
            raise RowsMissing
        async with database.transaction(caller.actor) as tx:
            await tx.driver.execute(_COMPLETE, tx.tenant_id, found.id, list(sealed), list(sealed.values()))


async def _seal_all(
    store: FileStore, files: FileReader, keys: TenantKeys, found: Import, wanted: dict[int, str]
) -> dict[int, bytes]:
    sealed: dict[int, bytes] = {}
    reading = files.read(found.format, store.read(keys, found.id), found.file_size, _BATCH)
    async with aclosing(reading) as batches:
        async for rows in batches:
            for row in rows:
                if row.number in wanted:
                    sealed[row.number] = _sealed(keys, found, row, wanted[row.number])
            if len(sealed) == len(wanted):
                break
    return sealed


def _sealed(keys: TenantKeys, found: Import, row: SourceRow, conflict: str) -> bytes:
    names = {column.index: column.name for column in found.description.columns}
    name, code = _REASONS.get(conflict, (conflict, "not_unique"))
    column = next((names.get(m.column) for m in found.description.mapping if name and m.field == name), None)
    return seal_rejection(keys, found.id, row, [CellError(column, code)], found.only_owner)
