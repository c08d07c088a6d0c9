"""Identity, asked over gRPC: when a copy is made, and when it cannot be trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.faults import NotFound, Unauthenticated
from daicho.rpc import Channel
from daicho.tenancy import Actor, Grants, Scope, TeamId, UserId


class Directory:
    """The questions of the permissions to identity. Each raises Unavailable when identity is away."""

    def __init__(self, channel: Channel) -> None:
        self._stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)

    async def grants(self, actor: Actor) -> Grants:
        """What the acting user may do at this moment. Raises Unauthenticated when they may do nothing any more."""
        if actor.user_id is None:
            raise Unauthenticated
        request = identity_pb2.GetGrantsRequest(tenant_id=actor.tenant_id.bytes, user_id=actor.user_id.bytes)
        try:
            found = await self._stub.GetGrants(request, actor=actor)
        except NotFound:
            raise Unauthenticated from None
        if found.disabled:
            raise Unauthenticated
        return Grants(
            scopes={each.action: Scope(int(each.scope)) for each in found.permissions},
            role=found.role,
            user_id=actor.user_id,
            team_id=TeamId(UUID(bytes=found.team_id)) if found.team_id else None,
            team_members=frozenset(UserId(UUID(bytes=member)) for member in found.team_member_ids),
        )

    async def check_session(self, actor: Actor) -> None:
        """Raises Unauthenticated when the actor's session has ended."""
        if actor.user_id is None or actor.session_id is None:
            raise Unauthenticated
        request = identity_pb2.CheckSessionRequest(
            tenant_id=actor.tenant_id.bytes, session_id=actor.session_id.bytes, user_id=actor.user_id.bytes
        )
        if not (await self._stub.CheckSession(request, actor=actor)).active:
            raise Unauthenticated

    def snapshot(self) -> AsyncIterator[identity_pb2.SnapshotPermissionsResponse]:
        """Every tenant's permissions, asked by the service itself."""
        answers: AsyncIterator[identity_pb2.SnapshotPermissionsResponse] = self._stub.SnapshotPermissions(
            identity_pb2.SnapshotPermissionsRequest(), actor=None
        )
        return answers
