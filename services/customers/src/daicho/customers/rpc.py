"""What other services ask the ledger."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from daicho import access
from daicho.chassis import Rails
from daicho.contracts.customers.v1 import customers_pb2, customers_pb2_grpc
from daicho.customers.companies.lines import CompanyLines
from daicho.customers.contacts import rows
from daicho.customers.contacts.lines import ContactLines
from daicho.customers.contacts.repository import REPOSITORY
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.lines import Lines
from daicho.customers.readable import may_read_words, readable_fields
from daicho.faults import FieldFault, Invalid, Unauthenticated
from daicho.keyring import TenantKeys
from daicho.rpc import current_actor
from daicho.runtime import in_slices
from daicho.tenancy import Actor, Grants, TenantTransaction

MOST: Final = 1_000
_LINES: Final[tuple[Lines[Any], ...]] = (ContactLines(), CompanyLines())


class LedgerServicer(customers_pb2_grpc.LedgerServiceServicer):
    """Answers for the acting user, within what they may read."""

    def __init__(self, rails: Rails, catalogue: Catalogue) -> None:
        self._rails, self._catalogue = rails, catalogue

    async def ListReadableFields(  # noqa: N802 the name in the protocol
        self,
        request: customers_pb2.ListReadableFieldsRequest,  # noqa: ARG002 it is empty
        context: Any,  # noqa: ARG002 gRPC's
    ) -> customers_pb2.ListReadableFieldsResponse:
        """The fields of each resource whose values the user may read, by their names in filters."""
        actor = current_actor()
        async with self._rails.database.reading(actor) as tx:
            grants = await _grants(tx, actor)
            schemas = [(lines, await self._catalogue.current(tx, lines.resource)) for lines in _LINES]
        return customers_pb2.ListReadableFieldsResponse(
            resources=[
                customers_pb2.ReadableFields(
                    resource=lines.resource,
                    fields=readable_fields(lines, current.schema, grants),
                    words=may_read_words(lines, current.schema, grants),
                    made_at={
                        f"custom.{key}": int(made.timestamp() * 1_000_000)
                        for key, made in current.since.items()
                    },
                )
                for lines, current in schemas
            ]
        )

    async def GetContacts(  # noqa: N802 the name in the protocol
        self,
        request: customers_pb2.GetContactsRequest,
        context: Any,  # noqa: ARG002 gRPC's
    ) -> customers_pb2.GetContactsResponse:
        """Names of contacts, in no order; what the user may not read is left out. Entered in the access log."""
        if len(request.contact_ids) > MOST:
            raise Invalid([FieldFault("/contact_ids", "too_many", {"maximum": MOST})])
        actor = current_actor()
        keys = await self._rails.keyring.open(actor.tenant_id)
        async with self._rails.database.reading(actor) as tx:
            grants = await _grants(tx, actor)
            ids, contacts = [], []
            async for _, rows in REPOSITORY.portions(tx, [UUID(bytes=each) for each in request.contact_ids]):
                seen = [row for row in rows if grants.covers("contacts:read", row["owner_id"])]
                ids += [row["id"] for row in seen]
                contacts += await in_slices(lambda row: _contact(keys, row), seen)
        await self._rails.access_log.record(actor, action="contact.names", resource="contact", ids=ids)
        return customers_pb2.GetContactsResponse(contacts=contacts)


async def _grants(tx: TenantTransaction, actor: Actor) -> Grants:
    """What the acting user may do. Raises Unauthenticated without one, or when they may nothing any more."""
    grants = None if actor.user_id is None else await access.read_grants(tx, actor.user_id)
    if grants is None:
        raise Unauthenticated
    return grants


def _contact(keys: TenantKeys, row: Any) -> customers_pb2.Contact:
    card = rows.open_card(keys, row)
    return customers_pb2.Contact(
        contact_id=row["id"].bytes,
        family_name=card.family_name,
        given_name=card.given_name or "",
        company_name=row["company_name"] or "",
        owner_id=row["owner_id"].bytes if row["owner_id"] else b"",
        version=row["version"],
    )
