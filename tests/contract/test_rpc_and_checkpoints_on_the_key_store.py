"""The key store's certificates are what rpc speaks, and its signing key is what checkpoints stand on."""
# ruff: noqa: ARG002 the generated base says what its methods take

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from daicho import faults
from daicho.audit import export, merkle, notes
from daicho.audit.notes import Checkpoint, Verifier
from daicho.contracts.identity.v1 import identity_pb2, identity_pb2_grpc
from daicho.keyring import CHECKPOINT_KEY, Certificates, Transit
from daicho.rpc import CallerNotAllowed, Channel, Server, current_actor, current_caller
from daicho.tenancy import Actor, uuid7


class Directory(identity_pb2_grpc.DirectoryServiceServicer):
    """Answers with who asked."""

    async def GetGrants(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert current_actor().kind == "service"
        return identity_pb2.GetGrantsResponse(role=current_caller())

    async def GetUsers(self, request: Any, context: Any) -> Any:  # noqa: N802
        return identity_pb2.GetUsersResponse()

    async def FindUsers(self, request: Any, context: Any) -> Any:  # noqa: N802
        return identity_pb2.FindUsersResponse()

    async def CheckSession(self, request: Any, context: Any) -> Any:  # noqa: N802
        return identity_pb2.CheckSessionResponse(active=True)

    async def SnapshotPermissions(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        for number in range(3):
            yield identity_pb2.SnapshotPermissionsResponse(revocation_sequence=number)


class NoTokens:
    """Knows no token."""

    async def verify(self, token: str) -> Actor:
        raise faults.Unauthenticated


@pytest.fixture(scope="module")
async def transits(openbao_server: Any, openbao_roles: Any) -> AsyncIterator[dict[str, Transit]]:
    made = {
        name: Transit(openbao_server.address, *role, service=name) for name, role in openbao_roles.items()
    }
    yield made
    for transit in made.values():
        transit.close()


async def certificates(transit: Transit) -> Certificates:
    made = Certificates(transit)
    await made.start()
    return made


@pytest.fixture(scope="module")
async def port(transits: dict[str, Transit]) -> AsyncIterator[int]:
    server = Server(await certificates(transits["identity"]), NoTokens())
    server.add(identity_pb2_grpc.add_DirectoryServiceServicer_to_server, Directory())
    async with server as bound:
        yield bound


async def ask(port: int, source: Certificates, *, service: str = "identity") -> Any:
    async with Channel(f"127.0.0.1:{port}", source, service=service) as channel:
        stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)
        tenant = uuid7().bytes
        return await stub.GetGrants(identity_pb2.GetGrantsRequest(tenant_id=tenant, user_id=uuid7().bytes))


async def test_a_service_is_known_by_its_certificate(port: int, transits: dict[str, Transit]) -> None:
    assert (await ask(port, await certificates(transits["customers"]))).role == "customers"
    assert (await ask(port, await certificates(transits["audit"]))).role == "audit"


async def test_a_service_that_the_method_does_not_name_is_refused(
    port: int, transits: dict[str, Transit]
) -> None:
    with pytest.raises(CallerNotAllowed):
        await ask(port, await certificates(transits["mailing"]))


async def test_a_service_is_not_taken_for_another(port: int, transits: dict[str, Transit]) -> None:
    with pytest.raises(faults.Unavailable):
        await ask(port, await certificates(transits["customers"]), service="audit")


async def test_a_certificate_is_renewed_under_an_open_channel(
    port: int, transits: dict[str, Transit]
) -> None:
    source = await certificates(transits["customers"])
    async with Channel(f"127.0.0.1:{port}", source, service="identity") as channel:
        stub = channel.stub(identity_pb2_grpc.DirectoryServiceStub)
        request = identity_pb2.SnapshotPermissionsRequest()
        assert [answer.revocation_sequence async for answer in stub.SnapshotPermissions(request)] == [0, 1, 2]
        before = source.current()
        await source.start()
        assert source.current() != before
        assert [answer.revocation_sequence async for answer in stub.SnapshotPermissions(request)] == [0, 1, 2]


async def test_a_checkpoint_signed_in_the_key_store_verifies(transits: dict[str, Transit]) -> None:
    tenant = uuid7()
    text = str(Checkpoint(export.origin_of(tenant), 0, merkle.EMPTY_ROOT))
    signature, version = await transits["audit"].sign(CHECKPOINT_KEY, text.encode())
    public = base64.b64decode((await transits["audit"].public_keys(CHECKPOINT_KEY))[version].text)
    verifier = Verifier(export.origin_of(tenant), public)
    note = notes.write_note(text, [notes.sign(verifier, signature)])
    assert notes.read_checkpoint(note, verifier).size == 0
