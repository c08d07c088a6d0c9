"""What the other services ask over gRPC: the tenant is the caller's own, the callers are those listed."""

from __future__ import annotations

from uuid import UUID

import jwt
import pytest

from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.faults import Fault, Forbidden, Invalid, NotFound, Unauthenticated
from daicho.keyring import Certificates, Transit
from daicho.rpc import Channel
from daicho.tenancy import Actor, SessionId, TenantId, UserId, uuid7

from .test_identity_invitations import colleague


@pytest.fixture(scope="module")
async def as_service(stack, openbao_server, openbao_roles):
    """Stubs with the certificate of one service or another."""
    opened = []

    async def connect(name: str):
        transit = Transit(openbao_server.address, *openbao_roles[name], service=name)
        certificates = Certificates(transit)
        await certificates.start()
        channel = Channel(
            stack.settings["identity"]["DAICHO_IDENTITY_GRPC"], certificates, service="identity", timeout=10
        )
        opened.append((channel, transit))
        return channel.stub(identity_pb2_grpc.DirectoryServiceStub)

    yield connect
    for channel, transit in opened:
        await channel.close()
        transit.close()


@pytest.fixture(scope="module")
async def stub(as_service):
    return await as_service("customers")


def actor_of(tokens: dict[str, str]) -> Actor:
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return Actor(
        tenant_id=TenantId(UUID(claims["tid"])),
        kind="user",
        user_id=UserId(UUID(claims["sub"])),
        session_id=SessionId(UUID(claims["sid"])),
        token=tokens["access_token"],
    )


@pytest.fixture(scope="module")
async def mine(make_company):
    return await make_company("asking")


@pytest.fixture(scope="module")
async def theirs(make_company):
    return await make_company("asked")


async def test_grants_are_what_the_role_may(stub, mine) -> None:
    actor = actor_of(mine.tokens)
    request = identity_pb2.GetGrantsRequest(tenant_id=actor.tenant_id.bytes, user_id=actor.user_id.bytes)
    answer = await stub.GetGrants(request, actor=actor)
    assert answer.role == "owner"
    assert {each.action for each in answer.permissions} >= {"contacts:read", "users:manage", "audit:read"}


async def test_users_are_found_by_id_address_and_name_with_or_without_blanks(stub, mine) -> None:
    actor = actor_of(mine.tokens)
    request = identity_pb2.GetUsersRequest(
        tenant_id=actor.tenant_id.bytes, user_ids=[actor.user_id.bytes, uuid7().bytes]
    )
    (user,) = (await stub.GetUsers(request, actor=actor)).users
    assert (user.email, user.display_name, user.role) == (mine.email, "山田 花子", "owner")
    names = [mine.email.upper(), "山田花子", "山田　花子", "誰でもない", "nobody@example.jp"]
    request = identity_pb2.FindUsersRequest(tenant_id=actor.tenant_id.bytes, names=names)
    matches = (await stub.FindUsers(request, actor=actor)).matches
    assert [each.name for each in matches] == names[:3]
    assert all(list(each.user_ids) == [actor.user_id.bytes] for each in matches)


async def test_text_that_is_longer_than_any_address_names_nobody(stub, mine) -> None:
    actor = actor_of(mine.tokens)
    names = [" " * 300 + mine.email, "@" + "㌖" * 1_290]
    request = identity_pb2.FindUsersRequest(tenant_id=actor.tenant_id.bytes, names=names)
    assert not (await stub.FindUsers(request, actor=actor)).matches


async def test_shared_name_is_given_with_two_users_however_many_share_it(
    stub, make_company, anonymous
) -> None:
    company = await make_company("namesakes")
    for _ in range(3):
        await colleague(company, anonymous, "member")
    actor = actor_of(company.tokens)
    request = identity_pb2.FindUsersRequest(
        tenant_id=actor.tenant_id.bytes, names=["招待された人", "山田花子"]
    )
    matches = (await stub.FindUsers(request, actor=actor)).matches
    assert [(each.name, len(set(each.user_ids))) for each in matches] == [
        ("招待された人", 2),
        ("山田花子", 1),
    ]


async def test_anothers_users_are_nobodys_and_anothers_tenant_is_not_to_be_named(stub, mine, theirs) -> None:
    me, other = actor_of(mine.tokens), actor_of(theirs.tokens)
    request = identity_pb2.GetUsersRequest(tenant_id=me.tenant_id.bytes, user_ids=[other.user_id.bytes])
    assert not (await stub.GetUsers(request, actor=me)).users
    request = identity_pb2.FindUsersRequest(tenant_id=me.tenant_id.bytes, names=[theirs.email])
    assert not (await stub.FindUsers(request, actor=me)).matches
    request = identity_pb2.GetGrantsRequest(tenant_id=me.tenant_id.bytes, user_id=other.user_id.bytes)
    with pytest.raises(NotFound):
        await stub.GetGrants(request, actor=me)
    request = identity_pb2.GetUsersRequest(tenant_id=other.tenant_id.bytes, user_ids=[other.user_id.bytes])
    with pytest.raises(Fault) as refused:
        await stub.GetUsers(request, actor=me)
    assert isinstance(refused.value, NotFound | Forbidden | Unauthenticated)
    request = identity_pb2.CheckSessionRequest(
        tenant_id=me.tenant_id.bytes, session_id=other.session_id.bytes, user_id=other.user_id.bytes
    )
    assert not (await stub.CheckSession(request, actor=me)).active


async def test_more_than_a_thousand_are_too_many(stub, mine) -> None:
    actor = actor_of(mine.tokens)
    request = identity_pb2.GetUsersRequest(
        tenant_id=actor.tenant_id.bytes, user_ids=[actor.user_id.bytes] * 1_001
    )
    with pytest.raises(Invalid):
        await stub.GetUsers(request, actor=actor)


async def test_a_session_stands_until_it_is_signed_out(stub, anonymous, make_company) -> None:
    company = await make_company("standing")
    actor = actor_of(company.tokens)
    request = identity_pb2.CheckSessionRequest(
        tenant_id=actor.tenant_id.bytes, session_id=actor.session_id.bytes, user_id=actor.user_id.bytes
    )
    assert (await stub.CheckSession(request, actor=actor)).active
    async with company.client() as owner:
        await owner.delete("/v1/sessions/current")
    assert not (await stub.CheckSession(request, actor=actor)).active


async def test_the_snapshot_names_every_tenant_and_ends_with_the_revocation_it_is_true_at(
    stub, mine, theirs
) -> None:
    parts = [
        part async for part in stub.SnapshotPermissions(identity_pb2.SnapshotPermissionsRequest(), actor=None)
    ]
    tenants = {UUID(bytes=part.tenant_id) for part in parts[:-1]}
    assert tenants >= {actor_of(mine.tokens).tenant_id, actor_of(theirs.tokens).tenant_id}
    assert not parts[-1].tenant_id
    assert all(len(part.roles) == 5 for part in parts[:-1])


async def test_who_has_no_token_asks_for_nobody(stub, mine) -> None:
    actor = actor_of(mine.tokens)
    request = identity_pb2.GetUsersRequest(tenant_id=actor.tenant_id.bytes, user_ids=[])
    forged = Actor(tenant_id=actor.tenant_id, kind="user", user_id=actor.user_id, token="x.y.z")
    with pytest.raises(Fault) as refused:
        await stub.GetUsers(request, actor=forged)
    assert isinstance(refused.value, Unauthenticated | Forbidden)


async def test_a_service_that_is_not_listed_may_not_ask(as_service, mine) -> None:
    actor = actor_of(mine.tokens)
    audit = await as_service("audit")
    request = identity_pb2.FindUsersRequest(tenant_id=actor.tenant_id.bytes, names=["山田花子"])
    with pytest.raises(Forbidden):
        await audit.FindUsers(request, actor=actor)
