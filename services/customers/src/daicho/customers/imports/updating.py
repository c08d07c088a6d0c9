"""Rows that change records which exist: opened, merged and sealed in the transaction that writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import update

from daicho.customers import history, index, merging
from daicho.customers.companies.records import Companies
from daicho.customers.contacts.schemas import ContactInput
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports.callers import Caller
from daicho.customers.imports.model import Import
from daicho.customers.imports.preparing import records_of
from daicho.customers.imports.states import patch_of
from daicho.customers.model import RESOURCES, model_of
from daicho.customers.reader import Reader
from daicho.customers.records import Found, Records
from daicho.faults import Invalid
from daicho.tenancy import TenantTransaction

_COMPANY: Final = """
    SELECT company_id FROM import_company WHERE tenant_id = $1 AND import_id = $2 AND name = $3
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Updated:
    """What came of a batch's changes. A row that changes nothing is in neither list."""

    changed: list[tuple[UUID, bytes]] = field(default_factory=list)
    """Ids and digests of the new states."""
    refused: list[tuple[int, int, str]] = field(default_factory=list)
    """(number, line, why): the record is gone or out of reach, or somebody took a value."""


@dataclass(frozen=True, slots=True)
class Updating:
    """Applies staged changes."""

    catalogue: Catalogue
    companies: Companies
    caller: Caller
    found: Import
    now: datetime

    async def apply(self, tx: TenantTransaction, rows: Sequence[Any]) -> Updated:
        """Change each record; ``rows`` are in the order of ids, so that two imports do not wait for each other."""
        updated = Updated()
        if not rows:
            return updated
        records = records_of(self.found.resource, self.catalogue)
        for row in rows:
            held = await records.repository.fetch_one(tx, row["record_id"], lock=True)
            action = f"{RESOURCES[self.found.resource]}:update"
            if (
                held is None
                or held["deleted_at"] is not None
                or not self.caller.grants.covers(action, held["owner_id"])
            ):
                updated.refused.append((row["number"], row["line"], "record_gone"))
                continue
            before = await records.open_row(tx, self.caller.keys, held)
            sealed = self.caller.keys.unseal("import_row", self.found.id, str(row["number"]), row["change"])
            try:
                state = await self._merged(tx, before, _decode(sealed))
                changed = await self._replace(tx, records, before, state)
            except Invalid as invalid:
                name = invalid.fields[0].pointer.removeprefix("/").replace("/", ".")
                updated.refused.append((row["number"], row["line"], name))
                continue
            if changed:
                updated.changed.append((row["record_id"], hashlib.sha256(_encode(state)).digest()))
        return updated

    async def _merged(self, tx: TenantTransaction, before: Found[Any], values: dict[str, Any]) -> Any:
        patch = patch_of(self.found.resource, values, before.state)
        state = merging.merge(before.state, patch)
        if isinstance(state, ContactInput) and state.company_name != before.state.company_name:
            company_id = await tx.driver.fetchval(_COMPANY, tx.tenant_id, self.found.id, state.company_name)
            if company_id is None:
                company_id = await self._company(tx, state.company_name)
            state = msgspec.structs.replace(state, company_id=company_id)
        return state

    async def _company(self, tx: TenantTransaction, name: str | None) -> UUID | None:
        if name is None:
            return None
        wrong: list[Any] = []
        reader = Reader(self.caller.keys, self.caller.grants)
        found = await self.companies.find_or_create(tx, reader, name, wrong)
        if wrong:
            raise Invalid(wrong)
        return found

    async def _replace(
        self, tx: TenantTransaction, records: Records[Any, Any, Any], before: Found[Any], state: Any
    ) -> bool:
        """As :meth:`Records.replace`, with the import as the cause and the event left to the batch."""
        changes = history.compare(history.flat(before.state), history.flat(state))
        if not changes:
            return False
        keys, record_id, resource = self.caller.keys, before.stamp.id, self.found.resource
        await index.write_keys(
            tx,
            resource=resource,
            record_id=record_id,
            digests=records.digests(keys, state, before.schema),
        )
        columns = records.columns(keys, record_id, state, before.schema)
        table, version = model_of(resource), before.stamp.version + 1
        await tx.session.execute(
            update(table)
            .where(table.tenant_id == tx.tenant_id, table.id == record_id)
            .values(version=version, updated_at=self.now, **columns)
        )
        await index.write_values(
            tx,
            resource=resource,
            record_id=record_id,
            schema=before.schema,
            before=before.schema.split(before.state.custom)[0],
            after=before.schema.split(state.custom)[0],
        )
        if state.tags != before.state.tags:
            await index.write_tags(tx, resource=resource, record_id=record_id, tags=state.tags)
        await history.record_change(
            tx,
            keys,
            resource=resource,
            record_id=record_id,
            version=version,
            kind="updated",
            at=self.now,
            changes=changes,
            cause_id=self.found.id,
        )
        return True
