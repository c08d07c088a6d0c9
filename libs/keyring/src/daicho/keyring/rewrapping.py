"""Other services' event keys that a service has stored, kept readable when a tenant's key gets a new version.

Payloads keep the data key that sealed them; only its wrapped form follows. Run it in the rotation, and once more
when every service has had its own and the bus has forgotten the envelopes of before: then nothing that is stored
is wrapped by an older version, and the store may refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass

from daicho.keyring.keyring import Keyring
from daicho.tenancy import Database, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeys:
    """A table of wrapped event keys: tenant_id, service, version, wrapped. Its name stands in SQL."""

    table: str

    @property
    def select(self) -> str:
        """All of a tenant's; there are a handful a service."""
        return f"SELECT service, version, wrapped FROM {self.table} WHERE tenant_id = $1"  # noqa: S608 a name of our own

    @property
    def update(self) -> str:
        """One, unless a newer form has taken its place since it was read."""
        return (
            f"UPDATE {self.table} SET wrapped = $4 "  # noqa: S608 a name of our own
            "WHERE tenant_id = $1 AND service = $2 AND version = $3 AND wrapped = $5"
        )


async def rewrap_stored(database: Database, keyring: Keyring, tenant_id: TenantId, stored: StoredKeys) -> int:
    """Wrap every stored key by the newest version of the tenant's key; answers how many there are.

    Raises :class:`KeysUnavailable`, and the database's faults.
    """
    async with database.reading(tenant_id) as tx:
        rows = await tx.driver.fetch(stored.select, tenant_id)
    fresh = [
        await keyring.rewrap_event_key(tenant_id, service=row["service"], wrapped=row["wrapped"])
        for row in rows
    ]
    async with database.transaction(tenant_id) as tx:
        for row, wrapped in zip(rows, fresh, strict=True):
            await tx.driver.execute(
                stored.update, tenant_id, row["service"], row["version"], wrapped, row["wrapped"]
            )
    return len(rows)
