"""What this service asks of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.rpc import Channel
from daicho.tenancy import Actor


class Users:
    """Identity's users, for those who are too new for this service's copy. Raises Unavailable when it is away."""

    def __init__(self, channel: Channel) -> None:
        self._stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)

    async def active(self, actor: Actor, user_ids: Iterable[UUID]) -> frozenset[UUID]:
        """Those of ``user_ids`` who are the tenant's users and not disabled."""
        found = await self._users(actor, user_ids)
        return frozenset(UUID(bytes=user.user_id) for user in found if not user.disabled)

    async def emails(self, actor: Actor, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The e-mail addresses of those of ``user_ids``, at most 1,000, who are the tenant's users: what an import knows them by."""
        found = await self._users(actor, user_ids)
        return {UUID(bytes=user.user_id): user.email for user in found if user.email}

    async def _users(self, actor: Actor, user_ids: Iterable[UUID]) -> Sequence[identity_pb2.User]:
        request = identity_pb2.GetUsersRequest(
            tenant_id=actor.tenant_id.bytes, user_ids=[each.bytes for each in user_ids]
        )
        answer: identity_pb2.GetUsersResponse = await self._stub.GetUsers(request, actor=actor)
        return answer.users
