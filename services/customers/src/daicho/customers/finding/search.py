"""Candidates by words, from the blind index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from daicho.customers.model import Resource
from daicho.tenancy import TenantTransaction

SEARCH: Final = {
    "contact": "SELECT id FROM search_contact_ids($1, $2, $3, $4) AS found(id)",
    "company": "SELECT id FROM search_company_ids($1, $2, $3, $4) AS found(id)",
}


async def search_ids(
    tx: TenantTransaction,
    resource: Resource,
    terms: Sequence[Sequence[Sequence[int]]],
    *,
    owners: frozenset[UUID] | None,
    after: UUID,
    count: int,
) -> list[UUID]:
    """Up to ``count`` live records of ``owners`` older than ``after``, newest first, that have for each word the
    tokens of one of its alternatives."""
    rows = await tx.driver.fetch(
        SEARCH[resource],
        msgspec.json.encode(terms).decode(),
        None if owners is None else list(owners),
        after,
        count,
    )
    return [row["id"] for row in rows]
