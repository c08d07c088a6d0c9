"""The answer to a request that is repeated with its Idempotency-Key: the record that the first one made, as it may be read now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from daicho.customers.reader import Reader
from daicho.customers.records import Records
from daicho.tenancy import TenantTransaction


async def still_readable(
    records: Records[Any, Any, Any], tx: TenantTransaction, reader: Reader, made: dict[str, Any]
) -> dict[str, Any]:
    """``made``, a new record as it was answered, without custom values that the caller may not read any more.

    A field that is younger than the record may have the key of a deleted one with other readers. Raises NotFound when the
    record is gone or out of the caller's reach.
    """
    now = await records.read(tx, reader, UUID(made["id"]))
    current = await records.catalogue.current(tx, records.resource)
    readable = current.schema.readable(made["custom"], reader.grants.role)
    custom = {key: value for key, value in readable.items() if current.since[key] <= now.created_at}
    return {**made, "custom": custom}
