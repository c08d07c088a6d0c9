"""Contacts: what sets them apart from other records."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from google.protobuf.message import Message
from msgspec import UNSET

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers import history, index
from daicho.customers.companies.records import Companies
from daicho.customers.contacts import rows, sealing
from daicho.customers.contacts.normalising import normalise
from daicho.customers.contacts.repository import REPOSITORY
from daicho.customers.contacts.schemas import ContactInput, ContactPatch, ContactView
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.model import Resource
from daicho.customers.reader import Reader
from daicho.customers.records import Found, Records, Stamp
from daicho.customers.repository import Repository, Row
from daicho.faults import FieldFault
from daicho.keyring import TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import TenantTransaction


class Contacts(Records[ContactInput, ContactPatch, ContactView]):
    """The use cases of contacts."""

    resource: ClassVar[Resource] = "contact"
    plural: ClassVar[str] = "contacts"
    repository: ClassVar[Repository] = REPOSITORY

    def __init__(self, catalogue: Catalogue, clock: Clock, companies: Companies) -> None:
        super().__init__(catalogue, clock)
        self._companies = companies

    def normalise(self, typed: ContactInput) -> tuple[ContactInput, list[FieldFault]]:
        """See :func:`daicho.customers.contacts.normalising.normalise`."""
        return normalise(typed)

    def columns(
        self,
        keys: TenantKeys,
        record_id: UUID,
        state: ContactInput,
        schema: ResourceSchema,
        custom_tokens: Collection[int] | None = None,
    ) -> dict[str, Any]:
        """Plain columns, the sealed card and rest, tokens."""
        return rows.columns_of(keys, record_id, state, schema, custom_tokens)

    def digests(self, keys: TenantKeys, state: ContactInput, schema: ResourceSchema) -> list[index.Digest]:
        """Each e-mail and telephone, by which an import recognises a contact, and the unique custom fields."""
        return rows.match_digests(keys, rows.card_of(state)) + index.custom_digests(
            keys, schema, state.custom
        )

    def opened(self, keys: TenantKeys, row: Row, tags: list[str]) -> ContactInput:
        """A stored row as the state it was made from."""
        return rows.state_of(row, rows.open_card(keys, row), rows.open_rest(keys, row), tags)

    def view(self, stamp: Stamp, state: ContactInput) -> ContactView:
        """A contact's own page."""
        return rows.full_view(stamp, state)

    def message(
        self, keys: TenantKeys, found: Found[ContactInput], kind: history.Kind, fields: list[str]
    ) -> Message:
        """ContactChanged, its card sealed."""
        state = found.state
        return events_pb2.ContactChanged(
            contact_id=found.stamp.id.bytes,
            change=history.CHANGES[kind],
            company_id=state.company_id.bytes if state.company_id else b"",
            owner_id=state.owner_id.bytes if state.owner_id else b"",
            fields=fields,
            sealed_card=keys.events.seal(
                sealing.encode(rows.card_of(state)),
                field="ContactChanged.sealed_card",
                subject=found.stamp.id,
            ),
        )

    def merged(self, before: ContactInput, patch: ContactPatch) -> ContactInput:
        """A patch that names the company anew, by id or by name, lets go of the one before."""
        if patch.company_id is not UNSET or patch.company_name is not UNSET:
            before = msgspec.structs.replace(before, company_id=None, company_name=None)
        return super().merged(before, patch)

    async def settle(
        self,
        tx: TenantTransaction,
        reader: Reader,
        state: ContactInput,
        before: ContactInput | None,
        wrong: list[FieldFault],
    ) -> ContactInput:
        """The company by its id, or by its name, which is found or made."""
        if before is not None and (state.company_id, state.company_name) == (
            before.company_id,
            before.company_name,
        ):
            return state
        if state.company_id is not None:
            if state.company_name is not None:
                wrong.append(FieldFault("/company_name", "company_twice"))
                return state
            name = await self._companies.name_of(tx, reader, state.company_id)
            if name is None:
                wrong.append(FieldFault("/company_id", "unknown_company"))
            return msgspec.structs.replace(state, company_name=name)
        if state.company_name is None or wrong:
            return state
        company_id = await self._companies.find_or_create(tx, reader, state.company_name, wrong)
        return msgspec.structs.replace(state, company_id=company_id)
