"""Time is handed in, so that a test can hold it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present as an aware time in UTC."""


def utc_now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)
