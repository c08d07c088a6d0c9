"""A record's history: one row a version, with what changed sealed inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import bindparam, func, select

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.model import Change, FieldRow
from daicho.customers.schemas import HistoryEntry
from daicho.fields import Schema
from daicho.keyring import TenantKeys
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction, sql, within_bytes
from daicho.web import PAGE_BYTES

TABLE: Final = "change"
NO_VERSION: Final = 2**31 - 1
"""Above every version."""
Changes = Mapping[str, tuple[Any, Any]]
Kind = Literal["created", "updated", "deleted", "restored", "handed_over"]

CHANGES: Final = {
    "created": events_pb2.CHANGE_CREATED,
    "updated": events_pb2.CHANGE_UPDATED,
    "deleted": events_pb2.CHANGE_DELETED,
    "restored": events_pb2.CHANGE_RESTORED,
    "handed_over": events_pb2.CHANGE_UPDATED,
}
"""How events speak of each kind of step."""

_ADD: Final = """
    INSERT INTO change (tenant_id, resource, record_id, version, kind, at, actor_kind, actor_id, cause_id, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, tuple[Any, Any]]).decode

_LIST = sql(
    within_bytes(
        select(*Change.__table__.c)
        .where(
            Change.tenant_id == bindparam("tenant_id"),
            Change.resource == bindparam("resource"),
            Change.record_id == bindparam("record_id"),
            Change.version < bindparam("before"),
        )
        .order_by(Change.version.desc())
        .limit(bindparam("count")),
        func.coalesce(func.octet_length(Change.sealed), 1),
        by="version",
        descending=True,
    )
)
_SINCE = sql(
    select(FieldRow.key, FieldRow.created_at).where(
        FieldRow.tenant_id == bindparam("tenant_id"),
        FieldRow.resource == bindparam("resource"),
        FieldRow.deleted_at.is_(None),
    )
)


def flat(state: msgspec.Struct) -> dict[str, Any]:
    """The members of a record's state that have a value, addresses and custom fields by dotted name."""
    members: dict[str, Any] = msgspec.to_builtins(state)
    for group in ("address", "custom"):
        inner = members.pop(group, None) or {}
        members.update({f"{group}.{name}": value for name, value in inner.items()})
    return {name: value for name, value in members.items() if value not in (None, [])}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The members that differ, before and after; a member that one side lacks counts as null there."""
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    }


async def record_change(
    tx: TenantTransaction,
    keys: TenantKeys,
    *,
    resource: str,
    record_id: UUID,
    version: int,
    kind: Kind,
    at: datetime,
    changes: Changes,
    cause_id: UUID | None = None,
) -> None:
    """Add one step to the history of a record, in the transaction of the change itself."""
    await tx.driver.execute(
        _ADD,
        tx.tenant_id,
        resource,
        record_id,
        version,
        kind,
        at,
        tx.actor.kind,
        tx.actor.user_id,
        cause_id,
        seal(keys, record_id, version, changes),
    )


def seal(keys: TenantKeys, record_id: UUID, version: int, changes: Changes) -> bytes | None:
    """What changed, as a step's row holds it; None when nothing did."""
    return keys.seal(TABLE, record_id, str(version), encode(changes)) if changes else None


async def list_changes(
    tx: TenantTransaction,
    keys: TenantKeys,
    *,
    resource: str,
    record_id: UUID,
    limit: int,
    before: int | None = None,
) -> tuple[list[HistoryEntry], int | None]:
    """The newest ``limit`` steps of a record's history below version ``before``, newest first, fewer when these are
    more than :data:`daicho.web.PAGE_BYTES`; and the version to go on before, None at the end."""
    rows = await _LIST.fetch(
        tx,
        resource=resource,
        record_id=record_id,
        before=before or NO_VERSION,
        count=limit + 1,
        most_bytes=PAGE_BYTES,
    )

    def opened(row: asyncpg.Record) -> HistoryEntry:
        return HistoryEntry(
            version=row["version"],
            kind=row["kind"],
            at=row["at"],
            actor_kind=row["actor_kind"],
            actor_id=row["actor_id"],
            cause_id=row["cause_id"],
            changes=_decode(keys.unseal(TABLE, record_id, str(row["version"]), row["sealed"]))
            if row["sealed"] is not None
            else {},
        )

    shown = rows[:limit]
    more = bool(rows) and rows[0]["matched"] > len(shown)
    return await in_slices(opened, shown), shown[-1]["version"] if more else None


async def fields_since(tx: TenantTransaction, resource: str) -> dict[str, datetime]:
    """When each custom field of ``resource`` was made, by key."""
    return {row["key"]: row["created_at"] for row in await _SINCE.fetch(tx, resource=resource)}


def readable(
    entries: Sequence[HistoryEntry], schema: Schema, since: Mapping[str, datetime], role: str | None
) -> list[HistoryEntry]:
    """``entries`` without the values of custom fields that ``role`` may not read, or that are gone.

    ``since``: see :func:`fields_since`. A step from before is of a field that had the same key, with rules of its own.
    """

    def seen(name: str, at: datetime) -> bool:
        if not name.startswith("custom."):
            return True
        key = name.removeprefix("custom.")
        definition = schema.definitions.get(key)
        return definition is not None and definition.is_readable(role) and key in since and since[key] <= at

    return [
        msgspec.structs.replace(
            entry, changes={name: values for name, values in entry.changes.items() if seen(name, entry.at)}
        )
        for entry in entries
    ]
