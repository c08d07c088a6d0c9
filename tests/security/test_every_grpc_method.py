"""A walk over every gRPC method of the protocol files: no certificate, a stranger's, no token, another tenant's, garbage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from daicho.contracts.audit.v1 import audit_pb2
from daicho.contracts.customers.v1 import customers_pb2
from daicho.contracts.identity.v1 import identity_pb2
from daicho.keyring import Certificates, Transit
from daicho.rpc.rules import Party, rule_of
from daicho.tenancy import uuid7
from daicho.testkit.company import PASSWORD
from daicho.testkit.stack import Stack, running_stack
from daicho.testkit.waiting import until

SERVICES = {"identity": identity_pb2, "customers": customers_pb2, "audit": audit_pb2}
METHODS: list[tuple[str, MethodDescriptor]] = [
    (service, method)
    for service, module in SERVICES.items()
    for described in module.DESCRIPTOR.services_by_name.values()
    for method in described.methods
]
KEPT = "秘密の名前"
NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}
GARBAGE = (
    b"\xff" * 64,
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x0a\x03abc",
    b"\x0a\x10" + b"\0" * 16,
    b"\x12\x01\xff",
)

every_method = pytest.mark.parametrize(
    ("service", "method"), METHODS, ids=[f"{service}.{method.name}" for service, method in METHODS]
)


@dataclass
class Wire:
    """Connections as each service to each service, and two tenants' tokens and ids."""

    stack: Stack
    certificates: dict[str, Certificates]
    tokens: dict[str, str]
    tenants: dict[str, UUID]
    users: dict[str, UUID]

    async def call(
        self,
        caller: str | None,
        service: str,
        method: MethodDescriptor,
        body: bytes,
        token: str | None = None,
    ) -> tuple[grpc.StatusCode, bytes]:
        """The status of one call, and every byte that came back: answers, details, trailing metadata."""
        held = self.certificates[caller].current() if caller else None
        authority = self.certificates["identity"].current().authority
        credentials = grpc.ssl_channel_credentials(
            authority, held.key if held else None, held.chain if held else None
        )
        target = f"127.0.0.1:{self.stack.settings[service]['DAICHO_GRPC_PORT']}"
        options = (("grpc.ssl_target_name_override", service), ("grpc.enable_retries", 0))
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        path = f"/{method.containing_service.full_name}/{method.name}"
        async with grpc.aio.secure_channel(target, credentials, options) as channel:
            try:
                if method.server_streaming:
                    pieces = channel.unary_stream(path)(body, timeout=10, metadata=metadata)
                    return grpc.StatusCode.OK, b"".join([piece async for piece in pieces])
                return grpc.StatusCode.OK, await channel.unary_unary(path)(
                    body, timeout=10, metadata=metadata
                )
            except grpc.aio.AioRpcError as error:
                trailing: Any = error.trailing_metadata() or ()
                return error.code(), repr((error.details(), list(trailing))).encode()


@pytest.fixture(scope="module")
async def wire(make_database, openbao_server, openbao_roles, smtp_server) -> AsyncIterator[Wire]:
    async with (
        running_stack(list(SERVICES), make_database, openbao_server, openbao_roles, smtp_server) as stack,
        AsyncExitStack() as closing,
    ):
        certificates = {}
        for name in SERVICES:
            transit = Transit(openbao_server.address, *openbao_roles[name], service=name)
            closing.callback(transit.close)
            certificates[name] = Certificates(transit)
            await certificates[name].start()
        wire = Wire(stack, certificates, {}, {}, {})
        for code in ("tenant-a", "tenant-b"):
            await _sign_up(wire, code)
        yield wire


async def _sign_up(wire: Wire, code: str) -> None:
    async with wire.stack.client("identity") as client:
        email = f"owner@{code}.example.jp"
        admin = {"email": email, "display_name": KEPT, "password": PASSWORD}
        made = await client.post("/v1/tenants", json={"code": code, "company_name": KEPT, "admin": admin})
        asked = {"tenant": code, "email": email, "password": PASSWORD}
        token = (await client.post("/v1/sessions", json=asked)).json()["access_token"]
        me = (await client.get("/v1/me", headers={"authorization": f"Bearer {token}"})).json()
        wire.tokens[code], wire.tenants[code] = token, UUID(made.json()["id"])
        wire.users[code] = UUID(me["user"]["id"])


def request_of(method: MethodDescriptor, *, tenant: UUID, anyone: UUID) -> Message:
    """A request that names ``tenant`` where it can, and ``anyone`` in every place for an id."""
    message = GetMessageClass(method.input_type)()
    for field in method.input_type.fields:
        if field.type != field.TYPE_BYTES:
            continue
        value = (tenant if field.name == "tenant_id" else anyone).bytes
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def rule(method: MethodDescriptor) -> Any:
    return rule_of(f"/{method.containing_service.full_name}/{method.name}")


def test_every_service_has_methods_to_walk() -> None:
    assert {service for service, _ in METHODS} == set(SERVICES)
    assert len(METHODS) >= 7


@every_method
async def test_without_a_certificate_there_is_no_connection(wire: Wire, service, method) -> None:
    body = request_of(method, tenant=wire.tenants["tenant-a"], anyone=wire.users["tenant-a"])
    status, said = await wire.call(None, service, method, body.SerializeToString(), wire.tokens["tenant-a"])
    assert status is grpc.StatusCode.UNAVAILABLE
    assert KEPT.encode() not in said


@every_method
async def test_a_service_that_the_method_does_not_name_is_refused(wire: Wire, service, method) -> None:
    body = request_of(method, tenant=wire.tenants["tenant-a"], anyone=wire.users["tenant-a"])
    strangers = set(SERVICES) - rule(method).callers
    assert strangers, "whoever is called needs no call"
    for stranger in strangers:
        for token in (None, wire.tokens["tenant-a"]):
            status, _ = await wire.call(stranger, service, method, body.SerializeToString(), token)
            assert status is grpc.StatusCode.PERMISSION_DENIED


@every_method
async def test_a_token_that_does_not_stand_is_refused_and_none_only_where_services_act(
    wire: Wire, service, method
) -> None:
    caller = min(rule(method).callers)
    body = request_of(method, tenant=wire.tenants["tenant-a"], anyone=wire.users["tenant-a"])
    refused = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    for token in ("x.y.z", wire.tokens["tenant-a"][:-8] + "AAAAAAAA"):
        status, _ = await wire.call(caller, service, method, body.SerializeToString(), token)
        assert status in refused
    if rule(method).party is Party.USER:
        status, _ = await wire.call(caller, service, method, body.SerializeToString())
        assert status is grpc.StatusCode.UNAUTHENTICATED


@every_method
async def test_anothers_token_reaches_nothing_of_a_tenant(wire: Wire, service, method) -> None:
    """A's token with B's ids answers as it does with ids that nobody has."""
    if rule(method).party is Party.SERVICE:
        return  # takes no user's token at all: the test above
    caller = min(rule(method).callers)
    answers = []
    for tenant, anyone in (
        (wire.tenants["tenant-b"], wire.users["tenant-b"]),
        (uuid7(), uuid7()),
        (wire.tenants["tenant-a"], wire.users["tenant-b"]),
        (wire.tenants["tenant-a"], uuid7()),
    ):
        body = request_of(method, tenant=tenant, anyone=anyone).SerializeToString()
        answers.append(await wire.call(caller, service, method, body, wire.tokens["tenant-a"]))
        assert KEPT.encode() not in answers[-1][1]
        assert wire.users["tenant-b"].bytes not in answers[-1][1]
    assert answers[0] == answers[1]
    if (
        method.name != "GetCheckpoint"
    ):  # names no id but the tenant's: one's own checkpoint is signed with its time
        assert answers[2] == answers[3]


@every_method
async def test_garbage_is_refused_and_never_an_accident(wire: Wire, service, method) -> None:
    caller = min(rule(method).callers)
    token = None if rule(method).party is Party.SERVICE else wire.tokens["tenant-a"]
    for body in GARBAGE:
        for given in {token, None}:
            status, _ = await wire.call(caller, service, method, body, given)
            assert status not in NEVER, body


async def test_who_is_refused_is_in_the_audit_of_whose_token_it_was_and_in_no_other(wire: Wire) -> None:
    """A service that may not ask, and one that asks in A's name for what is B's."""
    service, method = next((name, each) for name, each in METHODS if each.name == "GetUsers")
    allowed = rule(method).callers
    stranger = min(set(SERVICES) - allowed)
    await _sign_up(wire, "tenant-c")
    mine, theirs = wire.tenants["tenant-c"], wire.tenants["tenant-b"]
    before = len(await _refused(wire, "tenant-b"))
    for caller, tenant, wanted in (
        (stranger, mine, grpc.StatusCode.PERMISSION_DENIED),
        (min(allowed), theirs, grpc.StatusCode.NOT_FOUND),
    ):
        body = request_of(method, tenant=tenant, anyone=wire.users["tenant-b"]).SerializeToString()
        status, _ = await wire.call(caller, service, method, body, wire.tokens["tenant-c"])
        assert status is wanted

    async def both() -> bool:
        return len(await _refused(wire, "tenant-c")) == 2

    await until(both)
    entries = {entry["payload"]["status"]: entry for entry in await _refused(wire, "tenant-c")}
    assert entries[403]["actor"]["service"] == stranger
    assert entries[404]["actor"]["user_id"] == str(wire.users["tenant-c"])
    assert [entry["payload"]["method"] for entry in entries.values()] == ["GetUsers"] * 2
    assert {entry["resource"]["type"] for entry in entries.values()} == {"directory"}
    assert {entry["resource"]["id"] for entry in entries.values()} == {str(wire.users["tenant-b"])}
    assert len(await _refused(wire, "tenant-b")) == before


async def _refused(wire: Wire, tenant: str) -> list[Any]:
    async with wire.stack.client("audit", wire.tokens[tenant]) as client:
        found = await client.post("/v1/audit/entries/search", json={"action": "access.refused", "limit": 200})
    return list(found.json()["items"])
