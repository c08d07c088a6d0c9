"""Logs are JSON lines that carry the service and the trace."""

import json
import logging

import structlog
from opentelemetry.sdk.trace import TracerProvider

from daicho.runtime import configure_logging


def test_a_line_names_service_event_and_trace(capsys) -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("customers")
        with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
            structlog.get_logger().info("import_finished", rows=300)
        line = json.loads(capsys.readouterr().err)
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    assert (line["service"], line["event"], line["rows"]) == ("customers", "import_finished", 300)
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
