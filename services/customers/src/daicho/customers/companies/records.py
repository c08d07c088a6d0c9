"""Companies: what sets them apart from other records, and how contacts name them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import bindparam, func, select

from daicho import jobs
from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers import history, index
from daicho.customers.companies import rows
from daicho.customers.companies.normalising import normalise
from daicho.customers.companies.repository import BY_ID, BY_NAME, REPOSITORY
from daicho.customers.companies.schemas import CompanyInput, CompanyPatch, CompanyView
from daicho.customers.definitions.catalogue import ResourceSchema, hold
from daicho.customers.model import Resource
from daicho.customers.reader import Reader
from daicho.customers.records import Found, Records, Stamp
from daicho.customers.repository import Repository, Row
from daicho.faults import FieldFault
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction

REINDEX_CONTACTS = "reindex_contacts"
"""The job that a renamed company puts down: its contacts are found by its name."""
_LOCK_NAME = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("place"), 0)))


class Companies(Records[CompanyInput, CompanyPatch, CompanyView]):
    """The use cases of companies."""

    resource: ClassVar[Resource] = "company"
    plural: ClassVar[str] = "companies"
    repository: ClassVar[Repository] = REPOSITORY

    def normalise(self, typed: CompanyInput) -> tuple[CompanyInput, list[FieldFault]]:
        """See :func:`daicho.customers.companies.normalising.normalise`."""
        return normalise(typed)

    def columns(
        self,
        keys: TenantKeys,
        record_id: UUID,
        state: CompanyInput,
        schema: ResourceSchema,
        custom_tokens: Collection[int] | None = None,
    ) -> dict[str, Any]:
        """Plain columns, the sealed rest where there is any, tokens."""
        return rows.columns_of(keys, record_id, state, schema, custom_tokens)

    def digests(self, keys: TenantKeys, state: CompanyInput, schema: ResourceSchema) -> list[index.Digest]:
        """The unique custom fields."""
        return index.custom_digests(keys, schema, state.custom)

    def opened(self, keys: TenantKeys, row: Row, tags: list[str]) -> CompanyInput:
        """A stored row as the state it was made from."""
        return rows.state_of(row, rows.open_rest(keys, row), tags)

    def view(self, stamp: Stamp, state: CompanyInput) -> CompanyView:
        """A company's own page."""
        return rows.full_view(stamp, state)

    def message(
        self,
        keys: TenantKeys,  # noqa: ARG002 nothing of a company's event is sealed
        found: Found[CompanyInput],
        kind: history.Kind,
        fields: list[str],
    ) -> Message:
        """CompanyChanged."""
        return events_pb2.CompanyChanged(
            company_id=found.stamp.id.bytes,
            change=history.CHANGES[kind],
            name=found.state.name,
            corporate_number=found.state.corporate_number or "",
            owner_id=found.state.owner_id.bytes if found.state.owner_id else b"",
            fields=fields,
        )

    async def replace(
        self, tx: TenantTransaction, keys: TenantKeys, found: Found[CompanyInput], state: CompanyInput
    ) -> Found[CompanyInput]:
        """As every record's; under a new name its contacts are indexed anew, by a job."""
        if state.name != found.state.name:
            await jobs.enqueue(tx, REINDEX_CONTACTS, found.stamp.id)
        return await super().replace(tx, keys, found, state)

    async def name_of(self, tx: TenantTransaction, reader: Reader, company_id: UUID) -> str | None:
        """The name of a company in the caller's reach; None for any other id, whosever it is."""
        row = await BY_ID.fetchrow(tx, id=company_id)
        if row is None or not reader.grants.covers("companies:read", row["owner_id"]):
            return None
        return str(row["name"])

    async def find_or_create(
        self, tx: TenantTransaction, reader: Reader, name: str, wrong: list[FieldFault]
    ) -> UUID | None:
        """The oldest company of exactly this name in the caller's reach, or a new one of the acting user, if they
        may make one: a name reveals no company that they may not see.

        Other spellings (㈱, 前株) stay companies of their own: which of them are one is for people to decide.
        Two transactions that name a new company at once make one: the name is locked while it is looked up.
        Custom fields that companies require are asked for when somebody opens it, not here.
        """
        owners = reader.grants.owners("companies:read")
        named = {"name": name, "owners": None if owners is None else list(owners)}
        found: UUID | None = await BY_NAME.fetchval(tx, **named)
        if found is None:
            await hold(tx, self.resource)
            await tx.session.execute(_LOCK_NAME, {"place": f"company:{tx.tenant_id}:{name}"})
            found = await BY_NAME.fetchval(tx, **named)
        if found is not None:
            return found
        if not reader.grants.covers("companies:create", tx.actor.user_id):
            wrong.append(FieldFault("/company_name", "not_permitted"))
            return None
        schema = await self.catalogue.current(tx, self.resource)
        state = CompanyInput(name=name, owner_id=tx.actor.user_id)
        return (await self.add(tx, reader.keys, state, schema)).stamp.id
