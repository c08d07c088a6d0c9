"""Use cases of contacts. Each runs in the transaction that its edge opened, with the tenant's keys at hand."""

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
from daicho.customers.companies.finding import find_or_create_company, resolve_company
from daicho.customers.contacts import repository, rows, sealing
from daicho.customers.contacts.normalising import normalise
from daicho.customers.contacts.repository import RESOURCE
from daicho.customers.contacts.schemas import ContactInput, ContactPatch, ContactView
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.faults import RecordDeleted, RecordNotDeleted
from daicho.customers.merging import merge
from daicho.customers.model import Contact
from daicho.customers.reader import Reader
from daicho.customers.schemas import HistoryEntry
from daicho.events import Aggregate, tell
from daicho.faults import FieldFault, Forbidden, Invalid, NotFound, PreconditionFailed
from daicho.keyring import TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import TenantTransaction, uuid7


@dataclass(frozen=True, slots=True)
class Found:
    """A contact as stored, opened. ``custom`` holds values that the reader may not see, too."""

    view: ContactView
    schema: ResourceSchema
    custom: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contacts:
    """Creates, reads, changes, deletes and restores contacts."""

    catalogue: Catalogue
    clock: Clock

    async def create_contact(self, tx: TenantTransaction, reader: Reader, given: ContactInput) -> ContactView:
        """A new contact of the caller, or of the owner that he names. Raises Invalid, naming each wrong member."""
        state, wrong = normalise(given)
        schema = await self.catalogue.current(tx, RESOURCE)
        checked = schema.schema.check(state.custom, role=reader.grants.role)
        wrong += checked.faults
        owner_id = tx.actor.user_id if state.owner_id is UNSET else state.owner_id
        wrong += await ownership.check(tx, reader.grants, "contacts:create", owner_id)
        company_id, company = await self._company(tx, reader, state, wrong)
        if wrong:
            raise Invalid(wrong)
        state = msgspec.structs.replace(
            state, company_id=company_id, company_name=company, owner_id=owner_id, custom=checked.values
        )
        contact_id = uuid7()
        await self._insert(tx, reader.keys, contact_id, state, schema, company)
        return await self._done(tx, reader, contact_id, "created", history.compare({}, history.flat(state)))

    async def read_contact(self, tx: TenantTransaction, reader: Reader, contact_id: UUID) -> ContactView:
        """One contact, in the bin or not. Raises NotFound, also when it is out of the caller's reach."""
        return (await self._found(tx, reader, contact_id, "contacts:read")).view

    async def change_contact(
        self, tx: TenantTransaction, reader: Reader, contact_id: UUID, version: int, patch: ContactPatch
    ) -> ContactView:
        """Change the members that ``patch`` sets.

        Raises NotFound, Forbidden, PreconditionFailed when ``version`` is not the current one, RecordDeleted,
        Invalid. A change that changes nothing leaves version and history as they are.
        """
        found = await self._for_change(tx, reader, contact_id, version, "contacts:update")
        before = msgspec.structs.replace(rows.state_of(found.view), custom=found.custom)
        merged = merge(_company_by_id(before, patch), patch)
        state, wrong = normalise(merged)
        sent = {} if patch.custom is UNSET else patch.custom
        checked = found.schema.schema.check(sent, role=reader.grants.role, current=found.custom)
        wrong += checked.faults
        if state.owner_id != before.owner_id:
            wrong += await ownership.check(tx, reader.grants, "contacts:update", state.owner_id or None)
        company_id, company = await self._company(tx, reader, state, wrong)
        if wrong:
            raise Invalid(wrong)
        custom = {
            key: value for key, value in {**found.custom, **checked.values}.items() if value is not None
        }
        state = msgspec.structs.replace(state, company_id=company_id, company_name=company, custom=custom)
        changes = history.compare(history.flat(before), history.flat(state))
        if not changes:
            return found.view
        await self._update(tx, reader.keys, found, state, company)
        return await self._done(tx, reader, contact_id, "updated", changes)

    async def delete_contact(
        self, tx: TenantTransaction, reader: Reader, contact_id: UUID, version: int
    ) -> None:
        """Put a contact into the bin, from where it can be restored. Raises as :meth:`change_contact` does."""
        await self._for_change(tx, reader, contact_id, version, "contacts:delete")
        await self._set_deleted(tx, contact_id, version, self.clock())
        await self._done(tx, reader, contact_id, "deleted", {})

    async def restore_contact(self, tx: TenantTransaction, reader: Reader, contact_id: UUID) -> ContactView:
        """Take a contact out of the bin. Raises NotFound, Forbidden, RecordNotDeleted."""
        found = await self._found(tx, reader, contact_id, "contacts:delete", lock=True)
        if found.view.deleted_at is None:
            raise RecordNotDeleted
        await self._set_deleted(tx, contact_id, found.view.version, None)
        return await self._done(tx, reader, contact_id, "restored", {})

    async def read_history(
        self, tx: TenantTransaction, reader: Reader, contact_id: UUID
    ) -> Sequence[HistoryEntry]:
        """What happened to a contact, newest first; values that the caller may not read are left out."""
        found = await self._found(tx, reader, contact_id, "contacts:read")
        entries = await history.list_changes(tx, reader.keys, resource=RESOURCE, record_id=contact_id)
        return history.readable(entries, found.schema.schema, reader.grants.role)

    async def _found(
        self, tx: TenantTransaction, reader: Reader, contact_id: UUID, permission: str, *, lock: bool = False
    ) -> Found:
        """Opens a contact. Out of reach for reading is NotFound; in reach for reading alone, Forbidden."""
        row = await repository.fetch_one(tx, contact_id, lock=lock)
        if row is None or not reader.grants.covers("contacts:read", row["owner_id"]):
            raise NotFound
        if not reader.grants.covers(permission, row["owner_id"]):
            raise Forbidden
        return await self._opened(tx, reader, row)

    async def _opened(self, tx: TenantTransaction, reader: Reader, row: Any) -> Found:
        schema = await self.catalogue.at(tx, RESOURCE, row["revision"] or 0)
        card, rest = rows.open_card(reader.keys, row), rows.open_rest(reader.keys, row)
        custom = {**msgspec.json.decode(row["custom"]), **rest.custom}
        shown = schema.schema.readable(custom, reader.grants.role)
        tags = await repository.fetch_tags(tx, row["id"])
        return Found(rows.full_view(row, card, rest, tags, shown), schema, custom)

    async def _for_change(
        self, tx: TenantTransaction, reader: Reader, contact_id: UUID, version: int, permission: str
    ) -> Found:
        found = await self._found(tx, reader, contact_id, permission, lock=True)
        if found.view.version != version:
            raise PreconditionFailed(version=found.view.version)
        if found.view.deleted_at is not None:
            raise RecordDeleted
        return found

    async def _company(
        self, tx: TenantTransaction, reader: Reader, state: ContactInput, wrong: list[FieldFault]
    ) -> tuple[UUID | None, str | None]:
        """Id and name of the company that ``state`` names; none is made while anything is wrong."""
        if state.company_id is not None:
            if state.company_name is not None:
                wrong.append(FieldFault("/company_name", "company_twice"))
                return None, None
            return await resolve_company(tx, state.company_id, wrong)
        if state.company_name is None or wrong:
            return None, None
        return await find_or_create_company(tx, reader.keys, self.clock(), state.company_name)

    async def _insert(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        contact_id: UUID,
        state: ContactInput,
        schema: ResourceSchema,
        company: str | None,
    ) -> None:
        plain, sensitive = schema.split(state.custom)
        now = self.clock()
        columns = rows.columns_of(
            keys,
            contact_id,
            msgspec.structs.replace(state, custom=plain),
            company=company,
            sensitive=sensitive,
        )
        await tx.session.execute(
            insert(Contact).values(
                tenant_id=tx.tenant_id, id=contact_id, version=1, created_at=now, updated_at=now, **columns
            )
        )
        await self._write_index(tx, keys, contact_id, state, schema, before={}, after=plain)

    async def _update(
        self, tx: TenantTransaction, keys: TenantKeys, found: Found, state: ContactInput, company: str | None
    ) -> None:
        plain, sensitive = found.schema.split(state.custom)
        before, _ = found.schema.split(found.custom)
        columns = rows.columns_of(
            keys,
            found.view.id,
            msgspec.structs.replace(state, custom=plain),
            company=company,
            sensitive=sensitive,
        )
        await tx.session.execute(
            update(Contact)
            .where(Contact.tenant_id == tx.tenant_id, Contact.id == found.view.id)
            .values(version=found.view.version + 1, updated_at=self.clock(), **columns)
        )
        await self._write_index(tx, keys, found.view.id, state, found.schema, before=before, after=plain)

    async def _write_index(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        contact_id: UUID,
        state: ContactInput,
        schema: ResourceSchema,
        *,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        digests = rows.match_digests(keys, rows.card_of(state)) + index.custom_digests(
            keys, schema, state.custom
        )
        await index.write_keys(tx, resource=RESOURCE, record_id=contact_id, digests=digests)
        await index.write_values(
            tx, resource=RESOURCE, record_id=contact_id, schema=schema, before=before, after=after
        )
        await index.write_tags(tx, resource=RESOURCE, record_id=contact_id, tags=state.tags)

    async def _set_deleted(self, tx: TenantTransaction, contact_id: UUID, version: int, at: Any) -> None:
        await tx.session.execute(
            update(Contact)
            .where(Contact.tenant_id == tx.tenant_id, Contact.id == contact_id)
            .values(version=version + 1, updated_at=self.clock(), deleted_at=at)
        )

    async def _done(
        self,
        tx: TenantTransaction,
        reader: Reader,
        contact_id: UUID,
        kind: history.Kind,
        changes: history.Changes,
    ) -> ContactView:
        """Writes the step into the history and tells it; answers the contact as it now is, to him who changed it."""
        row = await repository.fetch_one(tx, contact_id)
        assert row is not None  # noqa: S101 written in this very transaction
        view = (await self._opened(tx, reader, row)).view
        history.record_change(
            tx,
            reader.keys,
            resource=RESOURCE,
            record_id=contact_id,
            version=view.version,
            kind=kind,
            at=self.clock(),
            changes=changes,
        )
        message = events_pb2.ContactChanged(
            contact_id=contact_id.bytes,
            change=history.CHANGES[kind],
            company_id=view.company_id.bytes if view.company_id else b"",
            owner_id=view.owner_id.bytes if view.owner_id else b"",
            fields=list(changes),
            sealed_card=reader.keys.events.seal(sealing.encode(rows.card_of(rows.state_of(view)))),
        )
        await tell(tx, reader.keys, message, aggregate=Aggregate(RESOURCE, contact_id, view.version))
        return view


def _company_by_id(before: ContactInput, patch: ContactPatch) -> ContactInput:
    """``before`` with its company named by id alone, or not at all when the patch names another."""
    if patch.company_name is not UNSET:
        return msgspec.structs.replace(before, company_id=None, company_name=None)
    return msgspec.structs.replace(before, company_name=None)
