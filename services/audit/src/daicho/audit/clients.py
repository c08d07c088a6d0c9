"""Clients of other services: names of users, and the fields that a reader may read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID

import structlog

from daicho.audit.searched import Readable
from daicho.contracts.customers.v1 import customers_pb2, customers_pb2_grpc
from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.faults import Fault
from daicho.rpc import Channel
from daicho.tenancy import Actor

log = structlog.get_logger()


class Names:
    """Display names from identity's directory."""

    def __init__(self, channel: Channel) -> None:
        self._stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)

    async def of(self, actor: Actor, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """The names of users of the caller's tenant, asked in the caller's name; those that are not known are left out.

        A record of what happened is worth reading without names: when identity does not answer there are none.
        """
        if not user_ids:
            return {}
        request = identity_pb2.GetUsersRequest(
            tenant_id=actor.tenant_id.bytes, user_ids=[each.bytes for each in user_ids]
        )
        try:
            found = await self._stub.GetUsers(request, actor=actor, timeout=1.0)
        except Fault as fault:
            log.warning("names_missing", error=fault.code)
            return {}
        return {UUID(bytes=user.user_id): user.display_name for user in found.users}


class FieldRights:
    """Which fields a user may read, from the service whose records have them."""

    def __init__(self, channel: Channel) -> None:
        self._stub = channel.stub(customers_pb2_grpc.LedgerServiceStub)

    async def of(self, actor: Actor) -> Mapping[str, Readable]:
        """The rights of ``actor`` by resource, asked in their name.

        Nothing when customers does not answer: the log is read without what was searched for.
        """
        try:
            found = await self._stub.ListReadableFields(
                customers_pb2.ListReadableFieldsRequest(), actor=actor, timeout=1.0
            )
        except Fault as fault:
            log.warning("field_rights_missing", error=fault.code)
            return {}
        return {
            each.resource: Readable(
                frozenset(each.fields),
                each.words,
                {name: datetime.fromtimestamp(made / 1_000_000, UTC) for name, made in each.made_at.items()},
            )
            for each in found.resources
        }
