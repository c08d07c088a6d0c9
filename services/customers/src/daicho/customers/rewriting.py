"""Stored records brought up to what they depend on: sealed, indexed and tokenised anew, their state unchanged.

A field that became sensitive leaves plain columns and index tables; one that is gone leaves the records; a
company's new name reaches its contacts' tokens. Batches are transactions of their own, in the order of ids;
work that stopped in the middle begins again at no loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from daicho.customers.contacts.repository import SIZES_OF_COMPANY
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.model import VALUES
from daicho.customers.records import Records
from daicho.customers.repository import OLDEST, Row
from daicho.fields import index_kind, index_rows
from daicho.jobs import Job
from daicho.keyring import Keyring, TenantKeys
from daicho.runtime import in_slices
from daicho.tenancy import Database, TenantTransaction

AnyRecords = Records[Any, Any, Any]

BATCH: Final = 200
BATCH_BYTES: Final = 4_000_000
"""Bytes of the records of one transaction, which are in memory together."""
_FIELD: Final = "SELECT resource, key, version, deleted_at FROM field WHERE tenant_id = $1 AND id = $2"
_MARK_INDEXED: Final = """
    UPDATE field SET indexed = (definition ->> 'searchable')::boolean
    WHERE tenant_id = $1 AND id = $2 AND version = $3
"""
_FREE_KEY: Final = "DELETE FROM field WHERE tenant_id = $1 AND id = $2"
_FREE_VALUES: Final = "DELETE FROM record_key WHERE tenant_id = $1 AND resource = $2 AND field = $3"
_STORE: Final = {
    "contact": "UPDATE contact SET custom = $3, rest = $4, tokens = $5 WHERE tenant_id = $1 AND id = $2",
    "company": "UPDATE company SET custom = $3, rest = $4, tokens = $5 WHERE tenant_id = $1 AND id = $2",
}
_CLEAR: Final = [
    f"DELETE FROM {table.name} WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[]) AND resource = $3"  # noqa: S608 names of our own
    for table in VALUES.values()
]
_FILL: Final = {
    kind: f"INSERT INTO {table.name} (tenant_id, resource, key, value, record_id) VALUES ($1, $2, $3, $4, $5)"  # noqa: S608 as above
    for kind, table in VALUES.items()
}


async def rewrite_for_field(
    database: Database, keyring: Keyring, records: Mapping[str, AnyRecords], job: Job
) -> None:
    """The job after a change of the field that is its subject: every record of its resource.

    At its end the field is marked as indexed if it is searchable. One that was changed meanwhile has a job more, or
    none when what changed is not stored in records: then this one goes over them again, for it cannot tell.
    """
    while (field := await _read(database, job)) is not None:
        await _rewrite_all(database, keyring, records[field["resource"]], job)
        async with database.transaction(job.tenant_id) as tx:
            if field["deleted_at"] is not None:
                name = f"custom.{field['key']}"
                await tx.driver.execute(_FREE_VALUES, tx.tenant_id, field["resource"], name)
                await tx.driver.execute(_FREE_KEY, tx.tenant_id, job.subject)
                return
            answer = await tx.driver.execute(_MARK_INDEXED, tx.tenant_id, job.subject, field["version"])
        if answer == "UPDATE 1":
            return


async def _read(database: Database, job: Job) -> asyncpg.Record | None:
    async with database.reading(job.tenant_id) as tx:
        return await tx.driver.fetchrow(_FIELD, tx.tenant_id, job.subject)


async def _rewrite_all(database: Database, keyring: Keyring, chosen: AnyRecords, job: Job) -> None:
    after: UUID | None = OLDEST
    while after is not None:
        async with database.reading(job.tenant_id) as tx:
            sizes = await chosen.repository.statements["sizes"].fetch(tx, after=after, count=BATCH)
        for ids in in_batches(sizes):
            keys = await keyring.open(job.tenant_id)
            async with database.transaction(job.tenant_id) as tx:
                await _rewrite(tx, keys, chosen, await chosen.repository.lock_by_ids(tx, ids))
        after = sizes[-1]["id"] if len(sizes) == BATCH else None


def in_batches(sizes: Sequence[Row]) -> Iterator[list[UUID]]:
    """The ids of rows with ``id`` and ``size``, in batches of at most :data:`BATCH_BYTES` (one row may have more)."""
    batch: list[UUID] = []
    held = 0
    for row in sizes:
        if batch and held + row["size"] > BATCH_BYTES:
            yield batch
            batch, held = [], 0
        batch.append(row["id"])
        held += row["size"]
    if batch:
        yield batch


async def reindex_contacts(database: Database, keyring: Keyring, contacts: AnyRecords, job: Job) -> None:
    """The job after a new name of the company that is its subject: its contacts."""
    after: UUID | None = OLDEST
    while after is not None:
        async with database.reading(job.tenant_id) as tx:
            sizes = await SIZES_OF_COMPANY.fetch(tx, company_id=job.subject, after=after, count=BATCH)
        for ids in in_batches(sizes):
            keys = await keyring.open(job.tenant_id)
            async with database.transaction(job.tenant_id) as tx:
                await _rewrite(tx, keys, contacts, await contacts.repository.lock_by_ids(tx, ids))
        after = sizes[-1]["id"] if len(sizes) == BATCH else None


async def opened_in_slices(
    keys: TenantKeys, records: AnyRecords, rows: Sequence[Row], schema: ResourceSchema
) -> list[tuple[UUID, Any]]:
    """Ids and states of ``rows`` without their tags and without the values of fields that are gone."""
    known = schema.schema.definitions

    def opened(row: Row) -> tuple[UUID, Any]:
        state = records.opened(keys, row, [])
        custom = {key: each for key, each in state.custom.items() if key in known}
        return row["id"], msgspec.structs.replace(state, custom=custom)

    return await in_slices(opened, rows)


async def _rewrite(tx: TenantTransaction, keys: TenantKeys, records: AnyRecords, rows: Sequence[Row]) -> None:
    if not rows:
        return
    schema = await records.catalogue.current(tx, records.resource)
    ids = [row["id"] for row in rows]
    states = await opened_in_slices(keys, records, rows, schema)
    made = await records.columns_of_many(keys, states, schema)
    place = (tx.tenant_id, records.resource)

    def written(each: tuple[UUID, Mapping[str, Any]]) -> tuple[tuple[Any, ...], list[tuple[str, Any]]]:
        record_id, columns = each
        plain = msgspec.json.encode(columns["custom"]).decode()
        found = [
            (kind, (*place, key, value, record_id))
            for kind, key, value in _indexed(schema, columns["custom"])
        ]
        return (tx.tenant_id, record_id, plain, columns["rest"], columns["tokens"]), found

    stored: list[tuple[Any, ...]] = []
    values: dict[str, list[tuple[Any, ...]]] = {}
    for row, found in await in_slices(written, zip(ids, made, strict=True)):
        stored.append(row)
        for kind, value in found:
            values.setdefault(kind, []).append(value)
    await tx.driver.executemany(_STORE[records.resource], stored)
    for statement in _CLEAR:
        await tx.driver.execute(statement, tx.tenant_id, ids, records.resource)
    for kind, found in values.items():
        await tx.driver.executemany(_FILL[kind], found)


def _indexed(schema: ResourceSchema, plain: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(kind, key, value) of every index row of a record."""
    found = []
    for key, value in plain.items():
        definition = schema.schema.definitions[key]
        kind = index_kind(definition)
        if kind is not None:
            found += [(str(kind), key, each) for each in dict.fromkeys(index_rows(definition, value))]
    return found
