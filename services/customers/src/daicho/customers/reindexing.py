"""Every record's tokens by the index keys that are in use: what the rotation of the index key asks of this service."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers.companies.records import Companies
from daicho.customers.contacts.records import Contacts
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.records import Records
from daicho.customers.repository import OLDEST
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
        keys = await keyring.open(tenant_id)
        async with database.transaction(tenant_id) as tx:
            rows = await records.repository.statements["batch"].fetch(tx, after=after, count=BATCH)
            held = await tx.driver.fetch(_TOKENS[records.resource], tenant_id, [row["id"] for row in rows])
            before = {row["id"]: row["tokens"] for row in held}
            schema = await records.catalogue.current(tx, records.resource)
            changed: list[tuple[TenantId, UUID, list[int]]] = []
            for row in rows:
                state = records.opened(keys, row, [])
                custom = {key: each for key, each in state.custom.items() if key in schema.schema.definitions}
                state = msgspec.structs.replace(state, custom=custom)
                tokens = records.columns(keys, row["id"], state, schema)["tokens"]
                if tokens != before[row["id"]]:
                    changed.append((tenant_id, row["id"], tokens))
            await tx.driver.executemany(_STORE[records.resource], changed)
        done += len(changed)
        if len(rows) < BATCH:
            return done
        after = rows[-1]["id"]
