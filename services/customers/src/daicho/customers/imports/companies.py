"""The companies that an import's contacts name: found by their exact name in the caller's reach, or made, before
the contacts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import insert

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers import history
from daicho.customers.companies.records import Companies
from daicho.customers.companies.schemas import CompanyInput
from daicho.customers.definitions.catalogue import hold
from daicho.customers.imports.callers import Asker, Caller
from daicho.customers.imports.cells import read_cell
from daicho.customers.imports.model import Description, Import
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.preparing import Aim
from daicho.customers.imports.rows import SourceRow
from daicho.customers.model import Company
from daicho.events import Aggregate, tell
from daicho.faults import Forbidden
from daicho.fields.definitions import MAX_TEXT
from daicho.runtime import in_slices
from daicho.tenancy import Database, TenantTransaction, uuid7

BATCH: Final = 500
_UNSETTLED: Final = """
    SELECT name FROM import_company WHERE tenant_id = $1 AND import_id = $2 AND company_id IS NULL
    ORDER BY name COLLATE "C" LIMIT $3 FOR UPDATE
"""
# Two transactions that name a new company at once make one; see Companies.find_or_create. The order of names
# keeps two imports from waiting for each other.
_LOCK: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('company:' || $1::text || ':' || name, 0))
    FROM unnest($2::text[]) AS wanted(name)
"""
_FIND: Final = """
    SELECT DISTINCT ON (name) name, id FROM company
    WHERE tenant_id = $1 AND name = ANY ($2) AND deleted_at IS NULL
        AND ($3::uuid[] IS NULL OR owner_id = ANY ($3)) ORDER BY name, id
"""
_SETTLE: Final = """
    UPDATE import_company c SET company_id = found.id FROM unnest($3::text[], $4::uuid[]) AS found(name, id)
    WHERE c.tenant_id = $1 AND c.import_id = $2 AND c.name = found.name
"""
_encode = msgspec.msgpack.Encoder().encode


async def company_aims(
    tx: TenantTransaction,
    caller: Caller,
    description: Description,
    rows: Sequence[SourceRow],
    aims: list[Aim],
) -> list[Aim]:
    """``aims`` with an error where a row names a company that is not there, for a caller who may make none."""
    columns = [each.column for each in description.mapping if each.field == "company_name"]
    if not columns or caller.grants.covers("companies:create", caller.actor.user_id):
        return aims
    header = next((each.name for each in description.columns if each.index == columns[0]), None)
    cells = [row.readable(columns[0]) for row in rows]
    texts = dict(await in_slices(lambda cell: (cell, read_cell(cell)), set(cells)))
    names = [texts[cell] for cell in cells]
    held = await _find(tx, caller, sorted({name for name in names if 0 < len(name) <= MAX_TEXT}))
    refused = CellError(header, "not_permitted")
    return [
        replace(aim, error=refused) if name and name not in held and aim.error is None else aim
        for name, aim in zip(names, aims, strict=True)
    ]


async def settle_companies(database: Database, companies: Companies, asker: Asker, found: Import) -> None:
    """Give every company name of ``found`` its id, 500 a transaction."""
    while True:
        caller = await asker.now()
        async with database.transaction(caller.actor) as tx:
            rows = await tx.driver.fetch(_UNSETTLED, tx.tenant_id, found.id, BATCH)
            if not rows:
                return
            await _settle(tx, companies, caller, found, [row["name"] for row in rows])


async def _settle(
    tx: TenantTransaction, companies: Companies, caller: Caller, found: Import, names: Sequence[str]
) -> None:
    held = await _find(tx, caller, names)
    missing = [name for name in names if name not in held]
    if missing:
        await hold(tx, "company")
        await tx.driver.execute(_LOCK, str(tx.tenant_id), missing)
        held |= await _find(tx, caller, missing)
        held |= await _create(tx, companies, caller, found, [name for name in missing if name not in held])
    await tx.driver.execute(_SETTLE, tx.tenant_id, found.id, list(held), list(held.values()))


async def _find(tx: TenantTransaction, caller: Caller, names: Sequence[str]) -> dict[str, UUID]:
    owners = caller.grants.owners("companies:read")
    within = None if owners is None else list(owners)
    rows = await tx.driver.fetch(_FIND, tx.tenant_id, list(names), within)
    return {row["name"]: row["id"] for row in rows}


async def _create(
    tx: TenantTransaction, companies: Companies, caller: Caller, found: Import, names: Sequence[str]
) -> dict[str, UUID]:
    if not names:
        return {}
    if not caller.grants.covers("companies:create", caller.actor.user_id):
        # The check has refused every row that would make one; a company went, or a permission, since.
        raise Forbidden
    schema = await companies.catalogue.current(tx, "company")
    now = companies.clock()
    made: dict[str, UUID] = {name: uuid7() for name in names}
    rows: list[dict[str, Any]] = []
    digests = []
    for name, company_id in made.items():
        state = CompanyInput(name=name, owner_id=tx.actor.user_id)
        columns = companies.columns(caller.keys, company_id, state, schema)
        stamp = {
            "tenant_id": tx.tenant_id,
            "id": company_id,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        rows.append({**stamp, **columns})
        digests.append(hashlib.sha256(_encode(state)).digest())
    await tx.session.execute(insert(Company), rows)
    for company_id in made.values():
        await history.record_change(
            tx,
            caller.keys,
            resource="company",
            record_id=company_id,
            version=1,
            kind="created",
            at=now,
            changes={},
            cause_id=found.id,
        )
    message = events_pb2.RecordsChanged(
        resource="company",
        change=events_pb2.CHANGE_CREATED,
        ids=[company_id.bytes for company_id in made.values()],
        digests=digests,
        cause="import",
        cause_id=found.id.bytes,
    )
    await tell(tx, None, message, aggregate=Aggregate("import_batch", found.id, 0))
    return made
