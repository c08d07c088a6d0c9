"""Every call has an end, and what it calls ends before it does."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest

from daicho import faults
from daicho.rpc import DeadlineExceeded, acting, current_actor, detached, remaining, within
from daicho.tenancy import uuid7


def request(bench: Any, **fields: Any) -> Any:
    return bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes, **fields)


async def forever(_request: Any, _context: Any) -> Any:
    await asyncio.Event().wait()


async def test_a_call_without_a_timeout_ends_at_the_channels_default(bench: Any) -> None:
    await bench.serve(Write=forever)
    stub = await bench.stub(timeout=0.2)
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await stub.Write(request(bench))
    assert 0.15 < time.monotonic() - begun < 1.5


async def test_the_default_is_two_seconds(bench: Any) -> None:
    async def tell_remaining(_request: Any, _context: Any) -> Any:
        return bench.echo.pb.EchoResponse(text=str(remaining()))

    await bench.serve(Write=tell_remaining)
    answer = await (await bench.stub()).Write(request(bench))
    assert 1.5 < float(answer.text) <= 2.0


async def test_work_is_cancelled_when_its_deadline_passes(bench: Any) -> None:
    cancelled = asyncio.Event()

    async def work(_request: Any, _context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await bench.serve(Write=work)
    with pytest.raises(DeadlineExceeded):
        await (await bench.stub()).Write(request(bench), timeout=0.1)
    await asyncio.wait_for(cancelled.wait(), 2)


async def test_a_call_that_comes_without_a_deadline_is_ended_by_the_server(bench: Any) -> None:
    server = bench.server(timeout=0.1)
    server.add(bench.echo.grpc.add_EchoServiceServicer_to_server, bench.servicer(Write=forever))
    bench.port = await bench.keep(server)
    async with bench.raw() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await asyncio.wait_for(bench.echo.grpc.EchoServiceStub(channel).Write(request(bench)), 2)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_call_made_inside_a_call_has_less_time_than_it(bench: Any) -> None:
    """customers → identity, which asks itself once more: each hop has less left than the one before."""
    left: list[float] = []

    async def outer(received: Any, _context: Any) -> Any:
        left.append(remaining() or 0)
        return await inner_stub.Read(received, timeout=60)

    async def inner(_request: Any, _context: Any) -> Any:
        left.append(remaining() or 0)
        return bench.echo.pb.EchoResponse()

    await bench.serve(Write=outer, Read=inner)
    inner_stub = await bench.stub()
    await (await bench.stub()).Write(request(bench), timeout=1)
    assert 1 >= left[0] > left[1] > 0.5
    assert left[0] - left[1] >= 0.019  # the margin, but for the clock's grain


async def test_a_call_whose_deadline_has_passed_never_leaves(bench: Any) -> None:
    served: list[Any] = []

    async def note(received: Any, _context: Any) -> Any:
        served.append(received)
        return bench.echo.pb.EchoResponse()

    async def note_stream(received: Any, _context: Any) -> Any:
        served.append(received)
        yield bench.echo.pb.EchoResponse()

    await bench.serve(Write=note, Tell=note_stream)
    stub = await bench.stub()
    with within(0.01):
        with pytest.raises(DeadlineExceeded):
            await stub.Write(request(bench))
        with pytest.raises(DeadlineExceeded):
            await anext(stub.Tell(request(bench)))
    assert served == []


def test_a_block_never_prolongs_the_one_around_it() -> None:
    assert remaining() is None
    with within(1), within(60):
        assert 0 < (remaining() or 0) <= 1
    assert remaining() is None


async def test_work_that_outlives_its_call_is_detached_from_it(bench: Any) -> None:
    await bench.serve()
    stub = await bench.stub()
    with within(0.01), acting(bench.verifier.sign_in()):
        with detached():
            assert remaining() is None
            assert (await stub.Own(request(bench, text="mine"))).text == "mine"
            with pytest.raises(LookupError):
                current_actor()
        assert remaining() is not None
        assert current_actor().kind == "user"


async def test_a_stream_ends_at_its_deadline_and_its_work_with_it(bench: Any) -> None:
    cancelled = asyncio.Event()

    async def drip(_request: Any, _context: Any) -> Any:
        try:
            yield bench.echo.pb.EchoResponse(text="first")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await bench.serve(Tell=drip)
    answers = (await bench.stub()).Tell(request(bench), timeout=0.3)
    assert (await anext(answers)).text == "first"
    with pytest.raises(DeadlineExceeded):
        await anext(answers)
    await asyncio.wait_for(cancelled.wait(), 2)


async def test_whoever_stops_listening_stops_the_work(bench: Any) -> None:
    cancelled = asyncio.Event()

    async def drip(_request: Any, _context: Any) -> Any:
        try:
            yield bench.echo.pb.EchoResponse(text="first")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await bench.serve(Tell=drip)
    answers = (await bench.stub()).Tell(request(bench))
    assert (await anext(answers)).text == "first"
    await answers.aclose()
    await asyncio.wait_for(cancelled.wait(), 2)


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, bench: Any, failures: int, fault: faults.Fault) -> None:
        self.bench = bench
        self.failures = failures
        self.fault = fault
        self.calls = 0

    async def unary(self, _request: Any, _context: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.fault
        return self.bench.echo.pb.EchoResponse(text="done")

    async def stream(self, _request: Any, _context: Any) -> Any:
        yield await self.unary(_request, _context)

    async def late(self, _request: Any, _context: Any) -> Any:
        yield self.bench.echo.pb.EchoResponse(text="first")
        yield await self.unary(_request, _context)


async def test_an_idempotent_method_is_tried_again_when_the_other_side_is_away(bench: Any) -> None:
    flaky = Flaky(bench, 2, faults.Unavailable())
    await bench.serve(Read=flaky.unary)
    assert (await (await bench.stub()).Read(request(bench))).text == "done"
    assert flaky.calls == 3


async def test_attempts_are_bounded(bench: Any) -> None:
    flaky = Flaky(bench, 1_000, faults.Unavailable())
    await bench.serve(Read=flaky.unary)
    with pytest.raises(faults.Unavailable):
        await (await bench.stub()).Read(request(bench))
    assert flaky.calls == 4


async def test_a_method_that_is_not_declared_idempotent_is_tried_once(bench: Any) -> None:
    flaky = Flaky(bench, 1, faults.Unavailable())
    await bench.serve(Write=flaky.unary)
    with pytest.raises(faults.Unavailable):
        await (await bench.stub()).Write(request(bench))
    assert flaky.calls == 1


async def test_only_absence_is_tried_again(bench: Any) -> None:
    flaky = Flaky(bench, 1, faults.Conflict())
    await bench.serve(Read=flaky.unary)
    with pytest.raises(faults.Conflict):
        await (await bench.stub()).Read(request(bench))
    assert flaky.calls == 1


async def test_attempts_stay_within_the_deadline(bench: Any) -> None:
    flaky = Flaky(bench, 1_000, faults.Unavailable())
    await bench.serve(Read=flaky.unary)
    stub = await bench.stub()
    await stub.Write(request(bench))  # the connection stands
    begun = time.monotonic()
    with pytest.raises(faults.Unavailable) as raised:
        await stub.Read(request(bench), timeout=0.06)
    assert raised.type is faults.Unavailable  # the last answer, not a deadline that passed in a pause
    assert time.monotonic() - begun < 0.3
    assert flaky.calls < 4


async def test_a_stream_is_tried_again_before_its_first_answer_alone(bench: Any) -> None:
    early, late = Flaky(bench, 1, faults.Unavailable()), Flaky(bench, 1, faults.Unavailable())
    await bench.serve(Tell=early.stream)
    assert [answer.text async for answer in (await bench.stub()).Tell(request(bench))] == ["done"]
    await bench.serve(Tell=late.late)
    with pytest.raises(faults.Unavailable):
        _ = [answer async for answer in (await bench.stub()).Tell(request(bench))]
    assert (early.calls, late.calls) == (2, 1)
