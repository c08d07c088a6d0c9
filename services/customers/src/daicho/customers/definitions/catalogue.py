"""A tenant's custom fields as the rest of the service uses them: one compiled schema per resource."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select

from daicho.customers.model import FieldRow, SchemaRevision
from daicho.fields import FieldDefinition, Schema
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction, sql

# Tenants × resources whose compiled schema stays in memory; a schema of 30 fields takes about 60 kB.
KEPT: Final = 512

_REVISION = sql(
    select(SchemaRevision.revision).where(
        SchemaRevision.tenant_id == bindparam("tenant_id"), SchemaRevision.resource == bindparam("resource")
    )
)
_DEFINITIONS = sql(
    select(FieldRow.key, FieldRow.created_at, FieldRow.definition)
    .where(
        FieldRow.tenant_id == bindparam("tenant_id"),
        FieldRow.resource == bindparam("resource"),
        FieldRow.deleted_at.is_(None),
    )
    .order_by(FieldRow.position, FieldRow.key)
)
_INDEXED = sql(
    select(FieldRow.key).where(
        FieldRow.tenant_id == bindparam("tenant_id"),
        FieldRow.resource == bindparam("resource"),
        FieldRow.deleted_at.is_(None),
        FieldRow.indexed,
    )
)
# Of the tenant and the resource, not of the revision's row: that one is not there before the first field.
# In memory only, so a write pays a round trip and nothing on disk.
_PLACE: Final = "hashtextextended('fields:' || $1::text || ':' || $2, 0)"
_HOLD: Final = f"SELECT pg_advisory_xact_lock_shared({_PLACE})"
_CLAIM: Final = f"SELECT pg_advisory_xact_lock({_PLACE})"


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """The fields of one resource at one revision."""

    revision: int
    schema: Schema
    since: Mapping[str, datetime] = field(default_factory=dict)
    """When each field was made, by key: what is older belongs to an earlier field of the same key."""

    def split(self, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """``values`` as (plain, sensitive): the latter go into the seal."""
        sensitive = {key for key, field in self.schema.definitions.items() if field.sensitive}
        return (
            {key: value for key, value in values.items() if key not in sensitive},
            {key: value for key, value in values.items() if key in sensitive},
        )


async def hold(tx: TenantTransaction, resource: str) -> None:
    """Keep the fields of ``resource`` as they are until ``tx`` ends; what is read of them after this stays true.

    For writers of values. Ahead of their other locks, and contact before company: a change of fields waits for
    all who hold, and whoever comes after it waits for the change.
    """
    await tx.driver.execute(_HOLD, str(tx.tenant_id), resource)


async def claim(tx: TenantTransaction, resource: str) -> None:
    """Change the fields of ``resource`` in ``tx``: after every write that began under the old ones, before all others.

    So a job that ``tx`` puts down finds all the records that were written under the old fields.
    """
    await tx.driver.execute(_CLAIM, str(tx.tenant_id), resource)


class Catalogue:
    """Compiled schemas, kept as long as their revision is current."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, str], ResourceSchema] = OrderedDict()

    async def current(self, tx: TenantTransaction, resource: str) -> ResourceSchema:
        """The schema of ``resource`` as of ``tx``; one small query when it is already known."""
        revision = await _REVISION.fetchval(tx, resource=resource) or 0
        return await self.at(tx, resource, revision)

    async def at(self, tx: TenantTransaction, resource: str, revision: int) -> ResourceSchema:
        """The schema at ``revision``, which the caller has read in ``tx`` (a list reads it with its rows)."""
        key = (tx.tenant_id, resource)
        kept = self._kept.get(key)
        if kept is not None and kept.revision == revision:
            self._kept.move_to_end(key)
            return kept
        rows = await _DEFINITIONS.fetch(tx, resource=resource)
        made = ResourceSchema(
            revision,
            Schema(await in_slices(lambda row: msgspec.convert(row["definition"], FieldDefinition), rows)),
            {row["key"]: row["created_at"] for row in rows},
        )
        self._kept[key] = made
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made

    async def indexed(self, tx: TenantTransaction, resource: str) -> frozenset[str]:
        """The keys of the fields whose words the blind index holds of every record, as of ``tx``.

        Not of the revision: a job's end changes nothing of what a field is, and must not tell imports to begin anew.
        """
        return frozenset(row["key"] for row in await _INDEXED.fetch(tx, resource=resource))
