"""One trace runs from a request through HTTP, gRPC and the bus to who hears of it; and it holds nobody's data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from secrets import token_hex

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from daicho.testkit.company import PASSWORD
from daicho.testkit.stack import Stack, running_stack
from daicho.testkit.waiting import until

NAME = "鵯越"


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):  # a process has one, which another test may have set
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture(scope="module")
async def stack(spans, make_database, openbao_server, openbao_roles, smtp_server) -> AsyncIterator[Stack]:
    services = ["identity", "customers", "audit"]
    async with running_stack(services, make_database, openbao_server, openbao_roles, smtp_server) as running:
        yield running


async def test_one_trace_runs_through_http_grpc_and_the_bus(
    stack: Stack, spans: InMemorySpanExporter
) -> None:
    async with stack.client("identity") as nobody:
        admin = {"email": "owner@trace.example.jp", "display_name": NAME, "password": PASSWORD}
        await nobody.post("/v1/tenants", json={"code": "trace", "company_name": "社", "admin": admin})
        asked = {"tenant": "trace", "email": admin["email"], "password": PASSWORD}
        token = (await nobody.post("/v1/sessions", json=asked)).json()["access_token"]
    # Grants that have just changed are asked of identity, over gRPC, until the copy has caught up.
    async with stack.client("identity", token) as owner:
        roles = {each["name"]: each for each in (await owner.get("/v1/roles")).json()["items"]}
        changed = await owner.patch(
            "/v1/roles/member",
            json={"permissions": {"contacts:read": "own"}},
            headers={"if-match": f'"v{roles["member"]["version"]}"'},
        )
        assert changed.status_code == 200

    async def of_one_request() -> Sequence[ReadableSpan]:
        """The spans of one request, once it went all the way."""
        trace_id = token_hex(16)
        sent = {"traceparent": f"00-{trace_id}-{token_hex(8)}-01"}
        async with stack.client("customers", token) as owner:
            answer = await owner.post("/v1/contacts", json={"family_name": NAME}, headers=sent)
            assert answer.status_code == 201, answer.text

        def ours() -> list[ReadableSpan]:
            return [it for it in spans.get_finished_spans() if it.context.trace_id == int(trace_id, 16)]

        async def heard() -> bool:
            return any(it.kind is SpanKind.CONSUMER and it.name.startswith("audit ") for it in ours())

        await until(heard)
        return ours() if any("DirectoryService" in it.name for it in ours()) else ()

    found = await until(of_one_request, within=15)
    kinds = {(it.kind, it.name.partition(" ")[0]) for it in found}
    assert (SpanKind.SERVER, "POST") in kinds, "HTTP at customers"
    asked_by = [it for it in found if it.kind is SpanKind.CLIENT and "DirectoryService" in it.name]
    answered = [it for it in found if it.kind is SpanKind.SERVER and "DirectoryService" in it.name]
    assert asked_by, "gRPC, as customers asks"
    assert answered, "gRPC, as identity answers"
    assert {it.parent.span_id for it in answered if it.parent} <= {it.context.span_id for it in asked_by}
    assert len({it.context.trace_id for it in found}) == 1


def test_no_span_holds_what_a_record_says(spans: InMemorySpanExporter) -> None:
    told = [it.to_json() for it in spans.get_finished_spans()]
    assert len(told) > 20
    assert not [it for it in told if NAME in it or "owner@trace" in it or r"\u9d6f" in it]
