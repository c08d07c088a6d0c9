"""Staged rows whose tokens are by other index keys than those of now get them anew.

The index key rotates while an import waits between check and run; the rewriting of all records cannot see its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.imports.preparing import array, records_of
from daicho.customers.imports.taking_over import NEW
from daicho.customers.model import Resource
from daicho.keyring import TenantKeys
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction

STAGED: Final = f"""
    SELECT s.number, s.record_id, s.plain, s.card, s.rest, s.company_name FROM import_row s WHERE {NEW}
    ORDER BY s.number
"""  # noqa: S608 our own words
STORE: Final = """
    UPDATE import_row s SET tokens = t.tokens::bigint[] FROM unnest($3::bigint[], $4::text[]) AS t(number, tokens)
    WHERE s.tenant_id = $1 AND s.import_id = $2 AND s.number = t.number
"""


async def renew_tokens(
    tx: TenantTransaction,
    keys: TenantKeys,
    resource: Resource,
    schema: ResourceSchema,
    among: Sequence[Any],
) -> None:
    """Write the tokens of the new records ``among`` (tenant, import, first and last number) by ``keys``."""
    records = records_of(resource, Catalogue())
    rows = await tx.driver.fetch(STAGED, *among)
    states = await in_slices(lambda row: (row["record_id"], records.opened(keys, _as_stored(row), [])), rows)
    made = await records.columns_of_many(keys, states, schema)
    numbers = [row["number"] for row in rows]
    tokens = [array(columns["tokens"]) for columns in made]
    await tx.driver.execute(STORE, *among[:2], numbers, tokens)


def _as_stored(row: Any) -> Mapping[str, Any]:
    """The row as its record will stand in the ledger, its company by name alone."""
    return {
        **row["plain"],
        "id": row["record_id"],
        "card": row["card"],
        "rest": row["rest"],
        "company_id": None,
        "company_name": row["company_name"],
    }
