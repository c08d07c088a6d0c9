"""Every record's tokens by the index keys that are in use: what the rotation of the index key asks of this service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from daicho.customers.companies.records import Companies
from daicho.customers.contacts.records import Contacts
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.records import Records
from daicho.customers.repository import OLDEST
from daicho.customers.rewriting import in_batches, opened_in_slices
from daicho.keyring import Keyring
from daicho.runtime import utc_now
from daicho.tenancy import Database, TenantId

BATCH: Final = 500
_TOKENS: Final = {
    "contact": "SELECT id, tokens FROM contact WHERE tenant_id = $1 AND id = ANY ($2::uuid[])",
    "company": "SELECT id, tokens FROM company WHERE tenant_id = $1 AND id = ANY ($2::uuid[])",
}
_STORE: Final = {
    "contact": "UPDATE contact SET tokens = $3 WHERE tenant_id = $1 AND id = $2",
    "company": "UPDATE company SET tokens = $3 WHERE tenant_id = $1 AND id = $2",
}


async def rewrite_tokens(database: Database, keyring: Keyring, tenant_id: TenantId) -> int:
    """Give every record, also in the bin, the tokens of the keys that ``keyring`` has now; answers how many changed.

    It may stop anywhere and begin again: what is done is passed over.
    """
    catalogue = Catalogue()
    companies = Companies(catalogue, utc_now)
    contacts = Contacts(catalogue, utc_now, companies)
    return await _rewrite(database, keyring, tenant_id, companies) + await _rewrite(
        database, keyring, tenant_id, contacts
    )


async def _rewrite(
    database: Database, keyring: Keyring, tenant_id: TenantId, records: Records[Any, Any, Any]
) -> int:
    done, after = 0, OLDEST
    while True:
        async with database.reading(tenant_id) as tx:
            sizes = await records.repository.statements["sizes"].fetch(tx, after=after, count=BATCH)
        for ids in in_batches(sizes):
            done += await _rewrite_batch(database, keyring, tenant_id, records, ids)
        if len(sizes) < BATCH:
            return done
        after = sizes[-1]["id"]


async def _rewrite_batch(
    database: Database,
    keyring: Keyring,
    tenant_id: TenantId,
    records: Records[Any, Any, Any],
    ids: Sequence[UUID],
) -> int:
    keys = await keyring.open(tenant_id)
    async with database.transaction(tenant_id) as tx:
        rows = await records.repository.lock_by_ids(tx, ids)
        held = await tx.driver.fetch(_TOKENS[records.resource], tenant_id, list(ids))
        before = {row["id"]: row["tokens"] for row in held}
        schema = await records.catalogue.current(tx, records.resource)
        states = await opened_in_slices(keys, records, rows, schema)
        made = await records.columns_of_many(keys, states, schema)
        changed = [
            (tenant_id, record_id, columns["tokens"])
            for (record_id, _), columns in zip(states, made, strict=True)
            if columns["tokens"] != before[record_id]
        ]
        await tx.driver.executemany(_STORE[records.resource], changed)
    return len(changed)
