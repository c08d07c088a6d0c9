"""OpenTelemetry: where spans and metrics go. Code that makes them asks the API alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


@contextmanager
def configure_telemetry(service: str, endpoint: str | None) -> Iterator[None]:
    """Export spans and metrics of this process to the OTLP gRPC ``endpoint`` (``http://host:4317``).

    Without an endpoint nothing is recorded: spans are the API's no-ops and cost next to nothing. What is
    still unsent when the block ends is flushed.
    """
    if endpoint is None:
        yield
        return
    # The exporters pull in a second gRPC stack: only a process that exports pays for it at its start.
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    resource = Resource.create({SERVICE_NAME: service})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    readings = MeterProvider(
        resource=resource,
        metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))],
    )
    trace.set_tracer_provider(spans)
    metrics.set_meter_provider(readings)
    try:
        yield
    finally:
        spans.shutdown()
        readings.shutdown()
