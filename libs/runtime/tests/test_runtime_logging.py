"""Logs are JSON lines that carry the service and the trace, and nothing that a customer entered."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from daicho.runtime import configure_logging


@contextmanager
def configured() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("customers")
        yield
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()


def test_a_line_names_service_event_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    with configured(), TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        structlog.get_logger().info("import_finished", rows=300)
    line = json.loads(capsys.readouterr().err)
    assert (line["service"], line["event"], line["rows"]) == ("customers", "import_finished", 300)
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"


@pytest.mark.parametrize("library", [False, True], ids=["ours", "a library's"])
def test_an_accident_is_told_without_what_its_variables_held(
    capsys: pytest.CaptureFixture[str], library: bool
) -> None:
    def work() -> None:
        family_name = "鵯越"
        raise RuntimeError(len(family_name))

    with configured():
        try:
            work()
        except RuntimeError:
            if library:
                logging.getLogger("some.library").exception("failed")
            else:
                structlog.get_logger().exception("request_failed")
    written = capsys.readouterr().err
    [told] = json.loads(written)["exception"]
    assert (told["exc_type"], told["exc_value"]) == ("RuntimeError", "2")
    assert [frame["name"] for frame in told["frames"]][-1] == "work"
    assert "鵯越" not in written
