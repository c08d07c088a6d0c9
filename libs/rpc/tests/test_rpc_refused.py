"""Who is refused is recorded before the answer leaves, in the tenant that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from daicho import faults
from daicho.rpc import CallerNotAllowed
from daicho.tenancy import Actor, TenantId, uuid7

ANOTHER = TenantId(uuid7())


@dataclass
class Log:
    """What was told; ``away``: it cannot be written now."""

    told: list[tuple[Actor, str, str, Sequence[UUID], int]] = field(default_factory=list)
    away: bool = False

    async def note(
        self, actor: Actor, *, resource: str, method: str, ids: Sequence[UUID], status: int
    ) -> None:
        if self.away:
            raise faults.Unavailable
        self.told.append((actor, resource, method, ids, status))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def served(bench: Any, log: Log) -> Any:
    async def forbidden(request: Any, context: Any) -> Any:
        raise faults.Forbidden

    async def gone(request: Any, context: Any) -> Any:
        raise faults.NotFound

    server = bench.server(refusals=log)
    servicer = bench.servicer(Read=forbidden, Write=gone)
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, servicer)
    bench.port = await bench.keep(server)
    return bench


async def test_unlisted_caller_is_recorded_with_the_user_of_the_token(served: Any, log: Log) -> None:
    user = served.verifier.sign_in()
    with pytest.raises(CallerNotAllowed):
        await (await served.stub("mailing")).Echo(
            served.echo.pb.EchoRequest(tenant_id=ANOTHER.bytes), actor=user
        )
    assert log.told == [(replace(user, service="mailing"), "echo", "Echo", [], 403)]


async def test_unlisted_caller_without_a_user_is_recorded_in_the_company_it_named(
    served: Any, log: Log
) -> None:
    stub = await served.stub("mailing")
    with pytest.raises(CallerNotAllowed):
        await stub.Own(served.echo.pb.EchoRequest(tenant_id=ANOTHER.bytes))
    service = Actor(tenant_id=ANOTHER, kind="service", service="mailing")
    assert log.told == [(service, "echo", "Own", [], 403)]


async def test_a_method_that_refuses_is_recorded_for_a_user_and_for_a_service(served: Any, log: Log) -> None:
    user, stub = served.verifier.sign_in(), await served.stub()
    request = served.echo.pb.EchoRequest
    with pytest.raises(faults.Forbidden):
        await stub.Read(request(), actor=user)
    with pytest.raises(faults.Forbidden):
        await stub.Read(request(tenant_id=ANOTHER.bytes))
    assert [(actor.kind, status) for actor, *_, status in log.told] == [("user", 403), ("service", 403)]


async def test_what_is_not_there_is_recorded_for_a_user_and_not_for_a_service_of_ours(
    served: Any, log: Log
) -> None:
    user, stub = served.verifier.sign_in(), await served.stub()
    with pytest.raises(faults.NotFound):
        await stub.Write(served.echo.pb.EchoRequest(tenant_id=ANOTHER.bytes), actor=user)
    with pytest.raises(faults.NotFound):
        await stub.Write(served.echo.pb.EchoRequest(tenant_id=ANOTHER.bytes))
    assert [(actor.tenant_id, status) for actor, *_, status in log.told] == [(user.tenant_id, 404)]


async def test_who_is_nobody_in_particular_is_refused_without_a_record(served: Any, log: Log) -> None:
    with pytest.raises(CallerNotAllowed):
        await (await served.stub("mailing")).Own(served.echo.pb.EchoRequest())
    with pytest.raises(faults.Unauthenticated):
        await (await served.stub()).Echo(served.echo.pb.EchoRequest())
    assert log.told == []


async def test_a_refusal_that_cannot_be_recorded_is_answered_as_unavailable(served: Any, log: Log) -> None:
    log.away = True
    with pytest.raises(faults.Unavailable):
        await (await served.stub("mailing")).Echo(
            served.echo.pb.EchoRequest(), actor=served.verifier.sign_in()
        )
