"""How an import ends: done, failed or deleted. Each end is told once, with what it has come to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.imports import repository
from daicho.customers.imports.model import Status
from daicho.events import Aggregate, tell
from daicho.tenancy import TenantTransaction

_TOLD: Final = "resource, version, rows, created, updated, rejected"
_END: Final = f"""
    UPDATE "import" SET status = $4, failure = $5, version = version + 1, updated_at = $6
    WHERE tenant_id = $1 AND id = $2 AND status = $3 RETURNING {_TOLD}
"""  # noqa: S608 names of our own columns
_DELETE: Final = """
    DELETE FROM "import" WHERE tenant_id = $1 AND id = $2
    RETURNING resource, version + 1 AS version, rows, created, updated, rejected
"""


async def end(
    tx: TenantTransaction,
    import_id: UUID,
    was: Status,
    status: Literal["done", "failed"],
    at: datetime,
    failure: str | None = None,
) -> bool:
    """End the import if it stands at ``was``; False when somebody else has taken it on or it is deleted."""
    row = await tx.driver.fetchrow(_END, tx.tenant_id, import_id, was, status, failure, at)
    if row is not None:
        await _tell(tx, import_id, status, row)
    return row is not None


async def delete(tx: TenantTransaction, import_id: UUID) -> None:
    """Remove an import and all that it staged; what it brought into the ledger stays."""
    await repository.drop_staged(tx, import_id)
    row = await tx.driver.fetchrow(_DELETE, tx.tenant_id, import_id)
    if row is not None:
        await _tell(tx, import_id, "deleted", row)


async def _tell(tx: TenantTransaction, import_id: UUID, status: str, row: Any) -> None:
    message = events_pb2.ImportChanged(
        import_id=import_id.bytes,
        resource=row["resource"],
        status=status,
        rows=row["rows"],
        created=row["created"],
        updated=row["updated"],
        rejected=row["rejected"],
    )
    await tell(tx, None, message, aggregate=Aggregate("import", import_id, row["version"]))
