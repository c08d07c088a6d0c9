"""Stored blobs brought to the data key that seals now, after a rotation.

Run it once the key of :meth:`Keyring.rotate` has settled and the other processes have dropped what they held
before: :data:`SETTLE` + :data:`TTL` later. It may stop anywhere and begin again: what is done is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from daicho.keyring import blob
from daicho.keyring.keyring import Keyring
from daicho.keyring.keys import TenantKeys
from daicho.tenancy import Database, TenantId

BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """A column of sealed blobs, and what they are bound to.

    ``key`` are the columns of the table's primary key after tenant_id. A blob is bound to the table (``bound``
    when it was sealed under another name), to the row in the column ``row``, and to ``name``, or to the text of
    the column ``name_from``. Names are a program's own, never a caller's: they stand in SQL.
    """

    table: str
    column: str
    name: str = ""
    name_from: str | None = None
    bound: str | None = None
    row: str = "id"
    key: tuple[str, ...] = ("id",)

    @property
    def select(self) -> str:
        """A batch after the key in $3…, or from the beginning when $2 is false."""
        key = ", ".join(self.key)
        after = ", ".join(f"${number}" for number in range(3, 3 + len(self.key)))
        named = f", {self.name_from}::text" if self.name_from else ", ''"
        return (
            f"SELECT {self.column}, {self.row}{named}, {key} FROM {self.table} "  # noqa: S608 names of our own
            f"WHERE tenant_id = $1 AND {self.column} IS NOT NULL AND (NOT $2 OR ({key}) > ({after})) "
            f"ORDER BY {key} LIMIT {BATCH}"
        )

    @property
    def update(self) -> str:
        """One row, unless somebody has written it since it was read."""
        key = " AND ".join(f"{name} = ${number}" for number, name in enumerate(self.key, 4))
        return (
            f"UPDATE {self.table} SET {self.column} = $2 "  # noqa: S608 names of our own
            f"WHERE tenant_id = $1 AND {self.column} = $3 AND {key}"
        )


async def reseal(database: Database, keyring: Keyring, tenant_id: TenantId, column: SealedColumn) -> int:
    """Seal what an older data key sealed in ``column`` by the present one; answers how many blobs.

    Rows keep their version: what they say does not change. Raises :class:`Tampered` at a blob that does not
    open, :class:`KeysUnavailable`, and the database's faults.
    """
    done = 0
    after: tuple[Any, ...] | None = None
    while True:
        keys = await keyring.open(tenant_id)
        async with database.transaction(tenant_id) as tx:
            started = after is not None
            rows = await tx.driver.fetch(
                column.select, tenant_id, started, *(after or (None,) * len(column.key))
            )
            changed = [_resealed(keys, column, row) for row in rows if _is_old(keys, row)]
            await tx.driver.executemany(column.update, [(tenant_id, *each) for each in changed])
        done += len(changed)
        if len(rows) < BATCH:
            return done
        after = tuple(rows[-1])[3:]


def _is_old(keys: TenantKeys, row: asyncpg.Record) -> bool:
    return blob.version_of(row[0]) != keys.version


def _resealed(keys: TenantKeys, column: SealedColumn, row: asyncpg.Record) -> Sequence[Any]:
    sealed, row_id, name, *key = row
    place = (column.bound or column.table, row_id, name if column.name_from else column.name)
    return (keys.seal(*place, keys.unseal(*place, sealed)), sealed, *key)
