"""What other services ask the ledger."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from daicho import access
from daicho.chassis import Rails
from daicho.contracts.customers.v1 import customers_pb2, customers_pb2_grpc
from daicho.customers.contacts import rows
from daicho.customers.contacts.repository import REPOSITORY
from daicho.faults import FieldFault, Invalid, Unauthenticated
from daicho.keyring import TenantKeys
from daicho.rpc import current_actor

MOST: Final = 1_000


class LedgerServicer(customers_pb2_grpc.LedgerServiceServicer):
    """Answers for the acting user, within what he may read."""

    def __init__(self, rails: Rails) -> None:
        self._rails = rails

    async def GetContacts(  # noqa: N802 the name in the protocol
        self,
        request: customers_pb2.GetContactsRequest,
        context: Any,  # noqa: ARG002 gRPC's
    ) -> customers_pb2.GetContactsResponse:
        """Names of contacts, in no order; what the user may not read is left out. Entered in the access log."""
        if len(request.contact_ids) > MOST:
            raise Invalid([FieldFault("/contact_ids", "too_many", {"maximum": MOST})])
        actor = current_actor()
        if actor.user_id is None:
            raise Unauthenticated
        keys = await self._rails.keyring.open(actor.tenant_id)
        async with self._rails.database.reading(actor) as tx:
            grants = await access.read_grants(tx, actor.user_id)
            if grants is None:
                raise Unauthenticated
            found = await REPOSITORY.fetch_by_ids(tx, [UUID(bytes=each) for each in request.contact_ids])
        seen = [row for row in found if grants.covers("contacts:read", row["owner_id"])]
        ids = [row["id"] for row in seen]
        await self._rails.access_log.record(actor, action="contact.names", resource="contact", ids=ids)
        return customers_pb2.GetContactsResponse(contacts=[_contact(keys, row) for row in seen])


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
