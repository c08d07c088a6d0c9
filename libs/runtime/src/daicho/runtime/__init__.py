"""What every process needs before it does anything: settings, logs, telemetry, a start and a stop."""

from daicho.runtime.clock import Clock, utc_now
from daicho.runtime.health import Check, Health
from daicho.runtime.http import serve_http
from daicho.runtime.logging import configure_logging
from daicho.runtime.process import run_process, spare_start_from_collection
from daicho.runtime.settings import SettingsError, read_settings
from daicho.runtime.telemetry import configure_telemetry
from daicho.runtime.time_slices import in_slices

__all__ = [
    "Check",
    "Clock",
    "Health",
    "SettingsError",
    "configure_logging",
    "configure_telemetry",
    "in_slices",
    "read_settings",
    "run_process",
    "serve_http",
    "spare_start_from_collection",
    "utc_now",
]
