"""Writing what a record is found by: keyed digests of sealed values, typed values, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.faults import FieldFault, Invalid
from daicho.fields import index_kind, index_rows
from daicho.keyring import TenantKeys
from daicho.nihongo import fold
from daicho.tenancy import TenantTransaction

Digest = tuple[str, bytes, bool]
"""A field, the keyed digest of its value, and whether no other record may hold the same."""

_CONFLICTS = """
    SELECT k.field FROM unnest($3::text[], $4::bytea[]) AS wanted(field, digest)
    JOIN record_key k ON k.tenant_id = $1 AND k.resource = $2 AND k.field = wanted.field
        AND k.digest = wanted.digest AND k.slot = wanted.digest
    WHERE k.record_id <> $5
"""
_ADD_KEYS = """
    INSERT INTO record_key (tenant_id, resource, field, digest, slot, record_id)
    SELECT $1, $2, field, digest, slot, $6
    FROM unnest($3::text[], $4::bytea[], $5::bytea[]) AS k(field, digest, slot)
    ON CONFLICT (tenant_id, resource, field, digest, slot) DO NOTHING
"""


_ADD_TAGS = """
    INSERT INTO tag (tenant_id, resource, folded, name, record_id)
    SELECT $1, $2, folded, name, $5 FROM unnest($3::text[], $4::text[]) AS t(folded, name)
    ON CONFLICT DO NOTHING
"""


async def write_keys(
    tx: TenantTransaction,
    *,
    resource: str,
    record_id: UUID,
    digests: Iterable[Digest],
) -> None:
    """Replace the keyed digests of a record by ``digests``: (field, digest, whether the field is unique).

    Raises Invalid, naming the field, when another record holds a unique value. A race between two writers
    of one value ends in the primary key: the later one finds its row missing and is refused as well.
    """
    wanted = sorted(set(digests))
    unique = [(field, digest) for field, digest, is_unique in wanted if is_unique]
    await tx.driver.execute(
        "DELETE FROM record_key WHERE tenant_id = $1 AND record_id = $2 AND resource = $3",
        tx.tenant_id,
        record_id,
        resource,
    )
    await _refuse_taken(tx, resource, record_id, unique)
    if wanted:
        answer = await tx.driver.execute(
            _ADD_KEYS,
            tx.tenant_id,
            resource,
            [field for field, _, _ in wanted],
            [digest for _, digest, _ in wanted],
            [digest if is_unique else record_id.bytes for _, digest, is_unique in wanted],
            record_id,
        )
        if answer != f"INSERT 0 {len(wanted)}":
            await _refuse_taken(tx, resource, record_id, unique)


async def _refuse_taken(
    tx: TenantTransaction, resource: str, record_id: UUID, unique: Sequence[tuple[str, bytes]]
) -> None:
    if not unique:
        return
    rows = await tx.driver.fetch(
        _CONFLICTS,
        tx.tenant_id,
        resource,
        [field for field, _ in unique],
        [digest for _, digest in unique],
        record_id,
    )
    if rows:
        raise Invalid([FieldFault(f"/{row['field'].replace('.', '/')}", "not_unique") for row in rows])


def custom_digests(keys: TenantKeys, schema: ResourceSchema, values: Mapping[str, Any]) -> list[Digest]:
    """Digests of the unique custom fields that have a value."""
    return [
        (f"custom.{key}", keys.unique(f"custom.{key}", str(values[key])), True)
        for key, field in schema.schema.definitions.items()
        if field.unique and values.get(key) is not None
    ]


async def write_values(
    tx: TenantTransaction,
    *,
    resource: str,
    record_id: UUID,
    schema: ResourceSchema,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Bring the typed index tables from the plain custom values ``before`` to those ``after``."""
    for key, field in schema.schema.definitions.items():
        kind = index_kind(field)
        if kind is None or before.get(key) == after.get(key):
            continue
        table = f"value_{kind}"
        if before.get(key) is not None:
            await tx.driver.execute(
                # The table's name is one of five of our own; see model.VALUES.
                f"DELETE FROM {table} WHERE tenant_id = $1 AND record_id = $2 AND key = $3 AND resource = $4",  # noqa: S608
                tx.tenant_id,
                record_id,
                key,
                resource,
            )
        rows = index_rows(field, after.get(key))
        if rows:
            await tx.driver.executemany(
                f"INSERT INTO {table} (tenant_id, resource, key, value, record_id) VALUES ($1, $2, $3, $4, $5)",  # noqa: S608 as above
                [(tx.tenant_id, resource, key, value, record_id) for value in dict.fromkeys(rows)],
            )


async def write_tags(tx: TenantTransaction, *, resource: str, record_id: UUID, tags: Sequence[str]) -> None:
    """Replace the tags of a record."""
    await tx.driver.execute(
        "DELETE FROM tag WHERE tenant_id = $1 AND record_id = $2 AND resource = $3",
        tx.tenant_id,
        record_id,
        resource,
    )
    if tags:
        await tx.driver.execute(
            _ADD_TAGS, tx.tenant_id, resource, [fold(name) for name in tags], list(tags), record_id
        )
