"""Spans of calls, joined across the connection by W3C trace context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_w3c = TraceContextTextMapPropagator()


def client_span(path: str) -> tuple[Span, list[tuple[str, str]]]:
    """A started span for a call to ``path`` and the metadata that carries it."""
    span = trace.get_tracer("daicho.rpc").start_span(
        path[1:], kind=SpanKind.CLIENT, attributes=_attributes(path)
    )
    if not span.get_span_context().is_valid:
        return span, []
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, trace.set_span_in_context(span))
    return span, list(carrier.items())


def server_span(path: str, metadata: Mapping[str, Any]) -> Span:
    """A started span for serving ``path``, under the caller's where ``metadata`` names it."""
    context: Context | None = None
    if "traceparent" in metadata:
        context = _w3c.extract(metadata)
    return trace.get_tracer("daicho.rpc").start_span(
        path[1:], context, kind=SpanKind.SERVER, attributes=_attributes(path)
    )


def say_status(span: Span, status: str, *, failed: bool) -> None:
    """Record how the call ended: the gRPC status by name, and whether that is an error of its span."""
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", status)
        if failed:
            span.set_status(Status(StatusCode.ERROR, status))


def _attributes(path: str) -> dict[str, str]:
    return {"rpc.system.name": "grpc", "rpc.method": path[1:]}
