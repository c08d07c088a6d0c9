"""Use cases of companies. Each runs in the transaction that its edge opened, with the tenant's keys at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import insert, update

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers import history, index, ownership
from daicho.customers.companies import repository, rows
from daicho.customers.companies.normalising import normalise
from daicho.customers.companies.repository import RESOURCE
from daicho.customers.companies.schemas import CompanyInput, CompanyPatch, CompanyView
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.faults import RecordDeleted, RecordNotDeleted
from daicho.customers.merging import merge
from daicho.customers.model import Company
from daicho.customers.reader import Reader
from daicho.customers.schemas import HistoryEntry
from daicho.events import Aggregate, tell
from daicho.faults import Forbidden, Invalid, NotFound, PreconditionFailed
from daicho.keyring import TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import TenantTransaction, uuid7


@dataclass(frozen=True, slots=True)
class Found:
    """A company as stored, opened. ``custom`` holds values that the reader may not see, too."""

    view: CompanyView
    schema: ResourceSchema
    custom: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Companies:
    """Creates, reads, changes, deletes and restores companies."""

    catalogue: Catalogue
    clock: Clock

    async def create_company(self, tx: TenantTransaction, reader: Reader, given: CompanyInput) -> CompanyView:
        """A new company of the caller, or of the owner that he names. Raises Invalid, naming each wrong member."""
        state, wrong = normalise(given)
        schema = await self.catalogue.current(tx, RESOURCE)
        checked = schema.schema.check(state.custom, role=reader.grants.role)
        wrong += checked.faults
        owner_id = tx.actor.user_id if state.owner_id is UNSET else state.owner_id
        wrong += await ownership.check(tx, reader.grants, "companies:create", owner_id)
        if wrong:
            raise Invalid(wrong)
        state = msgspec.structs.replace(state, owner_id=owner_id, custom=checked.values)
        company_id = uuid7()
        await self._insert(tx, reader.keys, company_id, state, schema)
        return await self._done(tx, reader, company_id, "created", history.compare({}, history.flat(state)))

    async def read_company(self, tx: TenantTransaction, reader: Reader, company_id: UUID) -> CompanyView:
        """One company, in the bin or not. Raises NotFound, also when it is out of the caller's reach."""
        return (await self._found(tx, reader, company_id, "companies:read")).view

    async def change_company(
        self, tx: TenantTransaction, reader: Reader, company_id: UUID, version: int, patch: CompanyPatch
    ) -> CompanyView:
        """Change the members that ``patch`` sets.

        Raises NotFound, Forbidden, PreconditionFailed when ``version`` is not the current one, RecordDeleted,
        Invalid. A change that changes nothing leaves version and history as they are.
        """
        found = await self._for_change(tx, reader, company_id, version, "companies:update")
        before = msgspec.structs.replace(rows.state_of(found.view), custom=found.custom)
        state, wrong = normalise(merge(before, patch))
        sent = {} if patch.custom is UNSET else patch.custom
        checked = found.schema.schema.check(sent, role=reader.grants.role, current=found.custom)
        wrong += checked.faults
        if state.owner_id != before.owner_id:
            wrong += await ownership.check(tx, reader.grants, "companies:update", state.owner_id or None)
        if wrong:
            raise Invalid(wrong)
        custom = {
            key: value for key, value in {**found.custom, **checked.values}.items() if value is not None
        }
        state = msgspec.structs.replace(state, custom=custom)
        changes = history.compare(history.flat(before), history.flat(state))
        if not changes:
            return found.view
        await self._update(tx, reader.keys, found, state)
        return await self._done(tx, reader, company_id, "updated", changes)

    async def delete_company(
        self, tx: TenantTransaction, reader: Reader, company_id: UUID, version: int
    ) -> None:
        """Put a company into the bin; its contacts keep it. Raises as :meth:`change_company` does."""
        await self._for_change(tx, reader, company_id, version, "companies:delete")
        await self._set_deleted(tx, company_id, version, self.clock())
        await self._done(tx, reader, company_id, "deleted", {})

    async def restore_company(self, tx: TenantTransaction, reader: Reader, company_id: UUID) -> CompanyView:
        """Take a company out of the bin. Raises NotFound, Forbidden, RecordNotDeleted."""
        found = await self._found(tx, reader, company_id, "companies:delete", lock=True)
        if found.view.deleted_at is None:
            raise RecordNotDeleted
        await self._set_deleted(tx, company_id, found.view.version, None)
        return await self._done(tx, reader, company_id, "restored", {})

    async def read_history(
        self, tx: TenantTransaction, reader: Reader, company_id: UUID
    ) -> Sequence[HistoryEntry]:
        """What happened to a company, newest first; values that the caller may not read are left out."""
        found = await self._found(tx, reader, company_id, "companies:read")
        entries = await history.list_changes(tx, reader.keys, resource=RESOURCE, record_id=company_id)
        return history.readable(entries, found.schema.schema, reader.grants.role)

    async def _opened(self, tx: TenantTransaction, reader: Reader, row: Any) -> Found:
        schema = await self.catalogue.at(tx, RESOURCE, row["revision"] or 0)
        custom = {**msgspec.json.decode(row["custom"]), **rows.open_rest(reader.keys, row)}
        tags = await repository.fetch_tags(tx, row["id"])
        shown = schema.schema.readable(custom, reader.grants.role)
        return Found(rows.full_view(row, tags, shown), schema, custom)

    async def _found(
        self, tx: TenantTransaction, reader: Reader, company_id: UUID, permission: str, *, lock: bool = False
    ) -> Found:
        """Opens a company. Out of reach for reading is NotFound; in reach for reading alone, Forbidden."""
        row = await repository.fetch_one(tx, company_id, lock=lock)
        if row is None or not reader.grants.covers("companies:read", row["owner_id"]):
            raise NotFound
        if not reader.grants.covers(permission, row["owner_id"]):
            raise Forbidden
        return await self._opened(tx, reader, row)

    async def _for_change(
        self, tx: TenantTransaction, reader: Reader, company_id: UUID, version: int, permission: str
    ) -> Found:
        found = await self._found(tx, reader, company_id, permission, lock=True)
        if found.view.version != version:
            raise PreconditionFailed(version=found.view.version)
        if found.view.deleted_at is not None:
            raise RecordDeleted
        return found

    async def _insert(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        company_id: UUID,
        state: CompanyInput,
        schema: ResourceSchema,
    ) -> None:
        plain, sensitive = schema.split(state.custom)
        now = self.clock()
        columns = rows.columns_of(keys, company_id, msgspec.structs.replace(state, custom=plain), sensitive)
        await tx.session.execute(
            insert(Company).values(
                tenant_id=tx.tenant_id, id=company_id, version=1, created_at=now, updated_at=now, **columns
            )
        )
        await self._write_index(tx, keys, company_id, state, schema, {}, plain)

    async def _update(
        self, tx: TenantTransaction, keys: TenantKeys, found: Found, state: CompanyInput
    ) -> None:
        plain, sensitive = found.schema.split(state.custom)
        before, _ = found.schema.split(found.custom)
        columns = rows.columns_of(
            keys, found.view.id, msgspec.structs.replace(state, custom=plain), sensitive
        )
        await tx.session.execute(
            update(Company)
            .where(Company.tenant_id == tx.tenant_id, Company.id == found.view.id)
            .values(version=found.view.version + 1, updated_at=self.clock(), **columns)
        )
        await self._write_index(tx, keys, found.view.id, state, found.schema, before, plain)

    async def _write_index(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        company_id: UUID,
        state: CompanyInput,
        schema: ResourceSchema,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        digests = index.custom_digests(keys, schema, state.custom)
        await index.write_keys(tx, resource=RESOURCE, record_id=company_id, digests=digests)
        await index.write_values(
            tx, resource=RESOURCE, record_id=company_id, schema=schema, before=before, after=after
        )
        await index.write_tags(tx, resource=RESOURCE, record_id=company_id, tags=state.tags)

    async def _set_deleted(self, tx: TenantTransaction, company_id: UUID, version: int, at: Any) -> None:
        await tx.session.execute(
            update(Company)
            .where(Company.tenant_id == tx.tenant_id, Company.id == company_id)
            .values(version=version + 1, updated_at=self.clock(), deleted_at=at)
        )

    async def _done(
        self,
        tx: TenantTransaction,
        reader: Reader,
        company_id: UUID,
        kind: history.Kind,
        changes: history.Changes,
    ) -> CompanyView:
        """Writes the step into the history and tells it; answers the company as it now is, to him who changed it."""
        row = await repository.fetch_one(tx, company_id)
        assert row is not None  # noqa: S101 written in this very transaction
        view = (await self._opened(tx, reader, row)).view
        history.record_change(
            tx,
            reader.keys,
            resource=RESOURCE,
            record_id=company_id,
            version=view.version,
            kind=kind,
            at=self.clock(),
            changes=changes,
        )
        message = events_pb2.CompanyChanged(
            company_id=company_id.bytes,
            change=history.CHANGES[kind],
            name=view.name,
            corporate_number=view.corporate_number or "",
            owner_id=view.owner_id.bytes if view.owner_id else b"",
            fields=list(changes),
        )
        await tell(tx, None, message, aggregate=Aggregate(RESOURCE, company_id, view.version))
        return view
