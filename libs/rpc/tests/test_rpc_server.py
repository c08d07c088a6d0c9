"""Starting, stopping, health, caps, and certificates that change while all of it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from daicho import faults
from daicho.contracts.identity.v1 import identity_pb2_grpc
from daicho.rpc import Party, Server, is_idempotent, rule_of
from daicho.rpc.server import LARGEST_MESSAGE
from daicho.runtime import Health
from daicho.tenancy import uuid7


def request(bench: Any, **fields: Any) -> Any:
    return bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes, **fields)


async def test_a_renewed_server_certificate_is_used_without_a_restart(bench: Any, authority: Any) -> None:
    """The first certificate has run out: only a server that asks its source again can be spoken to."""
    source = bench.hold(authority.issue("identity", lifetime=timedelta(seconds=-60)))
    server = Server(source, bench.verifier)
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer())
    bench.port = await bench.keep(server)
    with pytest.raises(faults.Unavailable):
        await (await bench.stub(timeout=0.5)).Write(request(bench))
    source.certificate = authority.issue("identity")
    assert (await (await bench.stub()).Write(request(bench, text="new"))).text == "new"


async def test_a_renewed_client_certificate_is_used_from_the_next_call_on(bench: Any, authority: Any) -> None:
    await bench.serve()
    source = bench.hold(authority.issue("customers", lifetime=timedelta(seconds=-60)))
    stub = await bench.stub(source=source, timeout=0.5)
    with pytest.raises(faults.Unavailable):
        await stub.Write(request(bench))
    source.certificate = authority.issue("customers")
    assert (await stub.Write(request(bench, text="new"))).text == "new"


async def test_a_call_under_way_survives_the_renewal(bench: Any, authority: Any) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(received: Any, _context: Any) -> Any:
        started.set()
        await finish.wait()
        return bench.echo.pb.EchoResponse(text="old")

    await bench.serve(Write=slow)
    source = bench.hold(authority.issue("customers"))
    stub = await bench.stub(source=source)
    under_way = asyncio.create_task(stub.Write(request(bench)))
    await started.wait()
    source.certificate = authority.issue("customers")
    assert (await stub.Read(request(bench, text="new"))).text == "new"
    finish.set()
    assert (await under_way).text == "old"


async def test_health_answers_for_the_processs_checks(bench: Any) -> None:
    reason: str | None = "no snapshot yet"

    async def check() -> str | None:
        return reason

    health = Health()
    health.add("permissions", check)
    bench.port = await bench.keep(bench.server(health=health))
    stub = (await bench.channel("anyone")).stub(health_pb2_grpc.HealthStub)
    assert (
        await stub.Check(health_pb2.HealthCheckRequest())
    ).status == health_pb2.HealthCheckResponse.NOT_SERVING
    reason = None
    assert (
        await stub.Check(health_pb2.HealthCheckRequest())
    ).status == health_pb2.HealthCheckResponse.SERVING


async def test_a_message_beyond_the_cap_is_refused_on_both_sides(bench: Any) -> None:
    async def large(_request: Any, _context: Any) -> Any:
        return bench.echo.pb.EchoResponse(text="x" * (LARGEST_MESSAGE + 1))

    async def nothing(_request: Any, _context: Any) -> Any:
        return bench.echo.pb.EchoResponse()

    await bench.serve(Own=large, Read=nothing)
    stub = await bench.stub()
    with pytest.raises(faults.TooLarge):
        await stub.Write(request(bench, text="x" * LARGEST_MESSAGE))
    with pytest.raises(faults.TooLarge):
        await stub.Own(request(bench))
    async with bench.raw() as channel:  # a client without our cap; Read answers with nothing
        with pytest.raises(Exception, match="RESOURCE_EXHAUSTED"):
            await bench.echo.grpc.EchoServiceStub(channel).Read(request(bench, text="x" * LARGEST_MESSAGE))


async def test_a_taken_port_is_said_to_be_taken(bench: Any) -> None:
    port = await bench.serve()
    with pytest.raises(OSError, match=str(port)):
        await bench.server(port=port).__aenter__()


async def test_a_stop_lets_calls_finish_and_takes_no_new_ones(bench: Any) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(_request: Any, _context: Any) -> Any:
        started.set()
        await finish.wait()
        return bench.echo.pb.EchoResponse(text="finished")

    server = bench.server()
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer(Write=slow))
    bench.port = await server.__aenter__()
    under_way = asyncio.create_task((await bench.stub()).Write(request(bench)))
    await started.wait()
    stopping = asyncio.create_task(server.__aexit__(None, None, None))

    async def until_refused() -> None:
        while True:
            await (await bench.stub(timeout=0.3)).Own(request(bench))

    with pytest.raises(faults.Unavailable):
        await until_refused()
    stopped, _ = await asyncio.wait({stopping, under_way}, timeout=0.3)
    assert not stopped, "the stop waits for the call, and the call goes on"
    finish.set()
    assert (await under_way).text == "finished"
    await stopping


async def test_a_stop_waits_no_longer_than_its_grace(bench: Any) -> None:
    started = asyncio.Event()

    async def stuck(_request: Any, _context: Any) -> Any:
        started.set()
        await asyncio.Event().wait()

    server = bench.server(grace=0.1)
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer(Write=stuck))
    bench.port = await server.__aenter__()
    under_way = asyncio.create_task((await bench.stub()).Write(request(bench), timeout=30))
    await started.wait()
    await asyncio.wait_for(server.__aexit__(None, None, None), 3)
    with pytest.raises(faults.Unavailable):
        await under_way


async def test_a_client_finds_a_server_that_came_back(bench: Any) -> None:
    server = bench.server(grace=0)
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer())
    bench.port = await server.__aenter__()
    stub = await bench.stub(timeout=5)
    await stub.Read(request(bench))
    await server.__aexit__(None, None, None)
    with pytest.raises(faults.Unavailable):
        await stub.Write(request(bench), timeout=0.2)
    again = bench.server(port=bench.port)
    again.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer())
    await bench.keep(again)
    async with asyncio.timeout(5):
        while True:
            try:
                assert (await stub.Read(request(bench, text="back"))).text == "back"
                break
            except faults.Unavailable:
                continue


async def test_two_hundred_calls_at_once_each_get_their_own_answer(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub(timeout=20)
    answers = await asyncio.gather(*(stub.Read(request(bench, text=str(n))) for n in range(200)))
    assert [answer.text for answer in answers] == [str(n) for n in range(200)]


def test_rules_are_read_from_the_protocol_files() -> None:
    assert identity_pb2_grpc.DirectoryServiceStub
    rule = rule_of("/daicho.identity.v1.DirectoryService/GetUsers")
    assert rule.callers == {"audit", "customers"}
    assert rule.party is Party.EITHER
    assert rule.names_tenant
    assert rule_of("/daicho.identity.v1.DirectoryService/SnapshotPermissions").party is Party.SERVICE
    assert is_idempotent("/daicho.identity.v1.DirectoryService/GetUsers")
    assert not is_idempotent("/daicho.nowhere.v1.NoService/Nothing")
