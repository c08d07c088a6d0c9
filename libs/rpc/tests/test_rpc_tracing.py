"""One trace runs over the hop, and no span names a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from daicho import faults
from daicho.rpc import DeadlineExceeded, within
from daicho.tenancy import uuid7


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What was traced; the process's provider is put back afterwards."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


def named(spans: InMemorySpanExporter, kind: SpanKind) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.kind is kind]


async def test_one_trace_runs_over_the_hop_and_on_to_the_next(
    bench: Any, spans: InMemorySpanExporter
) -> None:
    async def outer(received: Any, _context: Any) -> Any:
        return await inner_stub.Read(received)

    await bench.serve(Write=outer)
    inner_stub = await bench.stub()
    with trace.get_tracer("test").start_as_current_span("import") as root:
        await (await bench.stub()).Write(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes))
    finished = {(span.name.rpartition("/")[2], span.kind): span for span in spans.get_finished_spans()}
    chain = [
        finished["Write", SpanKind.CLIENT],
        finished["Write", SpanKind.SERVER],
        finished["Read", SpanKind.CLIENT],
        finished["Read", SpanKind.SERVER],
    ]
    above = root.get_span_context().span_id
    for span in chain:
        assert span.context.trace_id == root.get_span_context().trace_id
        assert span.parent is not None
        assert span.parent.span_id == above
        above = span.context.span_id


async def test_a_stream_is_one_span_on_each_side(bench: Any, spans: InMemorySpanExporter) -> None:
    await bench.serve()
    request = bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes, text="n", times=3)
    assert [answer.text async for answer in (await bench.stub()).Tell(request)] == ["n0", "n1", "n2"]
    (client,) = named(spans, SpanKind.CLIENT)
    (server,) = named(spans, SpanKind.SERVER)
    assert server.parent is not None
    assert server.parent.span_id == client.context.span_id


async def test_spans_say_the_status_and_nothing_of_what_was_said(
    bench: Any, spans: InMemorySpanExporter
) -> None:
    async def fail(request: Any, context: Any) -> Any:
        if request.text == "conflict":
            raise faults.Conflict(name="山田太郎")
        raise RuntimeError("山田太郎")

    await bench.serve(Write=fail)
    stub = await bench.stub()
    for text in ("conflict", "break"):
        with pytest.raises(faults.Fault):
            await stub.Write(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes, text=text))
    ends = [
        (dict(span.attributes or {})["rpc.response.status_code"], span.status.status_code)
        for span in named(spans, SpanKind.SERVER)
    ]
    assert ends == [("ABORTED", StatusCode.UNSET), ("INTERNAL", StatusCode.ERROR)]
    assert "山田" not in "".join(span.to_json(indent=None) for span in spans.get_finished_spans())


async def test_a_call_whose_deadline_has_passed_leaves_no_span(
    bench: Any, spans: InMemorySpanExporter
) -> None:
    await bench.serve()
    stub = await bench.stub()
    with within(0), pytest.raises(DeadlineExceeded):
        await stub.Write(bench.echo.pb.EchoRequest(tenant_id=uuid7().bytes))
    assert spans.get_finished_spans() == ()
