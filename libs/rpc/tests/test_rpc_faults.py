"""A fault arrives as the fault that was raised; what is none arrives without its details."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import grpc
import msgpack
import pytest

from daicho import faults
from daicho.faults import Fault, FieldFault, Messages
from daicho.rpc import DeadlineExceeded, carriage
from daicho.tenancy import uuid7


class DealAlreadyClosed(faults.Conflict):
    """A fault as a service defines its own, with a constructor of its own."""

    code = "deal_already_closed"
    messages = Messages(ja="{name} は終了しています。", en="{name} is closed.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


async def raised_over_the_wire(bench: Any, error: BaseException, *, stream: bool = False) -> BaseException:
    async def fail(request: Any, context: Any) -> Any:
        raise error

    async def fail_late(request: Any, context: Any) -> Any:
        yield bench.echo.pb.EchoResponse(text="first")
        raise error

    await bench.serve(Write=fail, Tell=fail_late)
    stub = await bench.stub()
    request = bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes)
    answers = stub.Tell(request)
    if stream:
        assert (await anext(answers)).text == "first"
    with pytest.raises(Fault) as raised:
        await (anext(answers) if stream else stub.Write(request))
    return raised.value


@pytest.mark.parametrize("kind", [
    faults.Malformed, faults.Unauthenticated, faults.Forbidden, faults.NotFound, faults.Conflict,
    faults.IdempotencyInFlight, faults.PreconditionFailed, faults.TooLarge, faults.Invalid,
    faults.IdempotencyMismatch, faults.PreconditionRequired, faults.TooManyRequests, faults.Unavailable,
    DeadlineExceeded,
])  # fmt: skip
async def test_every_fault_of_the_vocabulary_arrives_as_itself(bench: Any, kind: type[Fault]) -> None:
    fields = [FieldFault("/emails/0/address", "too_long", {"maximum": 320})]
    fault = await raised_over_the_wire(bench, kind(fields, version=7))
    assert type(fault) is kind
    assert isinstance(fault, Fault)
    assert fault.fields == tuple(fields)
    assert fault.params == {"version": 7}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_services_own_fault_arrives_as_itself(bench: Any, stream: bool) -> None:
    fault = await raised_over_the_wire(bench, DealAlreadyClosed("A-1"), stream=stream)
    assert type(fault) is DealAlreadyClosed
    assert fault.say("ja") == "A-1 は終了しています。"


async def test_an_error_of_the_program_arrives_without_its_details(bench: Any) -> None:
    fault = await raised_over_the_wire(bench, RuntimeError("山田太郎 090-1234-5678"))
    assert type(fault) is Fault
    assert fault.code == "internal"
    assert "山田" not in repr(fault)


async def test_the_answer_on_the_wire_to_an_error_of_the_program_holds_nothing_of_it(bench: Any) -> None:
    async def fail(request: Any, context: Any) -> Any:
        raise RuntimeError("secret")

    await bench.serve(Write=fail)
    async with bench.raw() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await bench.echo.grpc.EchoServiceStub(channel).Write(
                bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes)
            )
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(failed.value.details()) + str(failed.value.trailing_metadata())


def test_an_unknown_code_becomes_the_fault_of_its_status_and_keeps_the_code() -> None:
    fault = carriage.unpack(msgpack.packb(["quote_expired", 409, [], {"quote": "Q-1"}]))
    assert type(fault) is faults.Conflict
    assert fault.code == "quote_expired"
    assert fault.params == {"quote": "Q-1"}
    assert faults.Conflict.code == "conflict"


def test_a_code_defined_with_another_status_is_not_taken_for_it() -> None:
    assert type(carriage.unpack(msgpack.packb(["not_found", 422, [], {}]))) is faults.Invalid


@pytest.mark.parametrize(
    "packed", [b"", b"\xc1", msgpack.packb(5), msgpack.packb(["a", 409]), msgpack.packb(["a", 409, 1, 2])]
)
def test_bytes_that_hold_no_fault_are_said_to(packed: bytes) -> None:
    with pytest.raises(ValueError, match="no fault"):
        carriage.unpack(packed)


def error(status: grpc.StatusCode, *trailing: tuple[str, bytes]) -> Any:
    return SimpleNamespace(code=lambda: status, trailing_metadata=lambda: trailing)


def test_a_status_without_a_readable_fault_becomes_the_fault_of_the_status() -> None:
    assert type(carriage.fault_of(error(grpc.StatusCode.NOT_FOUND))) is faults.NotFound
    assert (
        type(carriage.fault_of(error(grpc.StatusCode.NOT_FOUND, (carriage.KEY, b"\xc1")))) is faults.NotFound
    )
    assert type(carriage.fault_of(error(grpc.StatusCode.DEADLINE_EXCEEDED))) is DeadlineExceeded
    assert type(carriage.fault_of(error(grpc.StatusCode.UNKNOWN))) is Fault


async def test_thousands_of_bad_fields_do_not_lose_the_fault(bench: Any) -> None:
    fields = [FieldFault(f"/rows/{row}/email", "invalid_email") for row in range(5_000)]
    fault = await raised_over_the_wire(bench, faults.Invalid(fields))
    assert type(fault) is faults.Invalid
    assert 0 < len(fault.fields) < 5_000
    assert fault.fields == tuple(fields[: len(fault.fields)])


def test_parameters_too_long_for_the_wire_go_before_the_code_does() -> None:
    packed = carriage.pack(faults.Conflict(name="x" * 10_000))
    assert len(packed) <= carriage.LARGEST
    assert type(carriage.unpack(packed)) is faults.Conflict
