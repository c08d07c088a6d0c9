"""Who may call, and for whom."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from daicho import faults
from daicho.rpc import CallerNotAllowed, MissingRule, acting, current_actor, current_caller
from daicho.tenancy import Actor, TenantId, uuid7


async def test_a_named_caller_with_a_users_token_is_served_as_that_user(bench: Any) -> None:
    seen: list[Actor] = []

    async def echo(request: Any, context: Any) -> Any:
        seen.append(current_actor())
        assert current_caller() == "customers"
        return bench.echo.pb.EchoResponse(text=request.text)

    await bench.serve(Echo=echo)
    stub = await bench.stub()
    user = bench.verifier.sign_in()
    answer = await stub.Echo(bench.echo.pb.EchoRequest(text="台帳"), actor=user)
    assert answer.text == "台帳"
    assert seen == [user]


async def test_a_caller_whom_the_method_does_not_name_is_refused(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub("mailing")
    with pytest.raises(CallerNotAllowed):
        await stub.Echo(bench.echo.pb.EchoRequest(), actor=bench.verifier.sign_in())
    assert bench.verifier.seen == []


async def test_a_client_without_a_certificate_gets_no_connection(bench: Any, authority: Any) -> None:
    port = await bench.serve()
    credentials = grpc.ssl_channel_credentials(authority.issue("x").authority)
    options = [("grpc.ssl_target_name_override", "identity")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await bench.echo.grpc.EchoServiceStub(channel).Read(bench.echo.pb.EchoRequest(), timeout=2)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_authority_gets_no_connection(bench: Any) -> None:
    await bench.serve()
    stranger = type(bench.authority)().issue("customers")
    forged = type(stranger)(stranger.key, stranger.chain, bench.authority.issue("x").authority)
    async with bench.raw(forged) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await bench.echo.grpc.EchoServiceStub(channel).Read(bench.echo.pb.EchoRequest(), timeout=2)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_channel_speaks_to_no_other_service_than_it_means(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub(to="audit", timeout=0.5)
    with pytest.raises(faults.Unavailable):
        await stub.Read(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes))


async def test_a_method_for_users_refuses_a_call_without_a_token(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    with pytest.raises(faults.Unauthenticated):
        await stub.Echo(bench.echo.pb.EchoRequest())


async def test_a_token_that_does_not_stand_is_refused(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    signed_out = bench.verifier.sign_in()
    bench.verifier.actors.clear()
    with pytest.raises(faults.Unauthenticated):
        await stub.Echo(bench.echo.pb.EchoRequest(), actor=signed_out)


@pytest.mark.parametrize("credential", ["", "Bearer", "Bearer ", "Basic abc", "Bearer " + "x" * 5_000])
async def test_a_credential_of_another_shape_is_refused(bench: Any, credential: str) -> None:
    await bench.serve()
    async with bench.raw() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await bench.echo.grpc.EchoServiceStub(channel).Read(
                bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes), metadata=[("authorization", credential)]
            )
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert bench.verifier.seen == []


async def test_a_method_for_services_refuses_a_users_token(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    with pytest.raises(CallerNotAllowed):
        await stub.Own(bench.echo.pb.EchoRequest(), actor=bench.verifier.sign_in())


async def test_a_service_that_acts_by_itself_is_an_actor_of_kind_service(bench: Any) -> None:
    seen: list[Actor] = []

    async def own(request: Any, context: Any) -> Any:
        seen.append(current_actor())
        return bench.echo.pb.EchoResponse()

    await bench.serve(Own=own)
    tenant = TenantId(uuid7())
    await (await bench.stub()).Own(bench.echo.pb.EchoRequest(tenant_id=tenant.bytes))
    assert seen == [Actor(tenant_id=tenant, kind="service", service="customers")]


@pytest.mark.parametrize("named", [b"", b"short", b"x" * 17])
async def test_a_service_that_acts_by_itself_must_name_the_tenant(bench: Any, named: bytes) -> None:
    await bench.serve()
    with pytest.raises(faults.Invalid) as refused:
        await (await bench.stub()).Read(bench.echo.pb.EchoRequest(tenant_id=named))
    assert refused.value.fields == (faults.FieldFault("/tenant_id", "required"),)


async def test_a_user_who_names_another_tenant_finds_nothing(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    user = bench.verifier.sign_in()
    with pytest.raises(faults.NotFound):
        await stub.Read(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes), actor=user)
    await stub.Read(bench.echo.pb.EchoRequest(tenant_id=user.tenant_id.bytes), actor=user)


async def test_tenant_and_role_in_metadata_count_for_nothing(bench: Any) -> None:
    seen: list[Actor] = []

    async def echo(request: Any, context: Any) -> Any:
        seen.append(current_actor())
        return bench.echo.pb.EchoResponse()

    await bench.serve(Echo=echo)
    user = bench.verifier.sign_in()
    forged = [
        (name, str(uuid7())) for name in ("tenant", "tenant-id", "x-tenant-id", "user-id", "role", "x-role")
    ]
    async with bench.raw() as channel:
        await bench.echo.grpc.EchoServiceStub(channel).Echo(
            bench.echo.pb.EchoRequest(), metadata=[("authorization", f"Bearer {user.token}"), *forged]
        )
    assert seen == [user]


async def test_address_and_request_id_travel_and_garbage_in_them_does_not(bench: Any) -> None:
    seen: list[Actor] = []

    async def echo(request: Any, context: Any) -> Any:
        seen.append(current_actor())
        return bench.echo.pb.EchoResponse()

    await bench.serve(Echo=echo)
    user = bench.verifier.sign_in()
    stub = await bench.stub()
    request = bench.echo.pb.EchoRequest()
    for address, request_id in (("203.0.113.9", "r-1"), ("nowhere", "x" * 65)):
        told = Actor(
            tenant_id=user.tenant_id, kind="user", user_id=user.user_id, token=user.token,
            address=address, request_id=request_id,
        )  # fmt: skip
        await stub.Echo(request, actor=told)
    assert [(actor.address, actor.request_id) for actor in seen] == [("203.0.113.9", "r-1"), (None, None)]


async def test_the_actor_of_the_block_is_the_actor_of_calls_inside(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    with acting(bench.verifier.sign_in()):
        await stub.Echo(bench.echo.pb.EchoRequest())
        with pytest.raises(faults.Unauthenticated):
            await stub.Echo(bench.echo.pb.EchoRequest(), actor=None)


async def test_nobody_speaks_for_a_user_without_their_token(bench: Any) -> None:
    await bench.serve()
    user = bench.verifier.sign_in()
    tokenless = Actor(tenant_id=user.tenant_id, kind="user", user_id=user.user_id)
    with pytest.raises(faults.Unauthenticated):
        await (await bench.stub()).Read(bench.echo.pb.EchoRequest(), actor=tokenless)
    assert bench.verifier.seen == []


async def test_what_one_call_carries_is_not_seen_by_the_next(bench: Any) -> None:
    async def own(request: Any, context: Any) -> Any:
        return bench.echo.pb.EchoResponse(text=str(current_actor().kind))

    await bench.serve(Own=own, Read=own)
    stub = await bench.stub()
    user = bench.verifier.sign_in()
    assert (await stub.Read(bench.echo.pb.EchoRequest(), actor=user)).text == "user"
    assert (await stub.Own(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes))).text == "service"
    with pytest.raises(LookupError):
        current_actor()


async def test_a_method_that_names_no_callers_keeps_the_server_from_starting(bench: Any) -> None:
    async def anything(self: Any, request: Any, context: Any) -> Any:
        return bench.echo.pb.EchoResponse()

    servicer = type("Loose", (bench.echo.grpc.LooseServiceServicer,), {"Anything": anything})()
    with pytest.raises(MissingRule, match="LooseService/Anything"):
        bench.server().add(bench.echo.grpc.add_LooseServiceServicer_to_server, servicer)


async def test_a_method_that_is_not_implemented_keeps_the_server_from_starting(bench: Any) -> None:
    with pytest.raises(TypeError, match="not implemented"):
        bench.server().add(
            bench.echo.grpc.add_EchoServiceServicer_to_server, bench.echo.grpc.EchoServiceServicer()
        )


async def test_garbage_is_malformed_and_strangers_do_not_even_learn_that(bench: Any) -> None:
    await bench.serve()
    for service, status in (
        ("customers", grpc.StatusCode.INVALID_ARGUMENT),
        ("x", grpc.StatusCode.PERMISSION_DENIED),
    ):
        async with bench.raw(bench.authority.issue(service)) as channel:
            call = channel.unary_unary("/daicho.rpctest.v1.EchoService/Read")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"\xff\xff\xff\xff")
        assert refused.value.code() is status
