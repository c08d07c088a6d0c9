"""A real Kafka for the contract tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

IMAGE: Final = "confluentinc/cp-kafka:8.1.1"


@contextmanager
def running_kafka() -> Iterator[str]:
    """KAFKA_BOOTSTRAP, else a container; a test that has neither fails and says so."""
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield given
        return
    from testcontainers.kafka import KafkaContainer

    try:
        container = KafkaContainer(IMAGE).with_kraft()
        container.start()
    except Exception as error:  # noqa: BLE001 - Docker's client raises anything
        pytest.fail(
            f"no Kafka: set KAFKA_BOOTSTRAP=host:port or make Docker work for {IMAGE} ({error})",
            pytrace=False,
        )
    try:
        yield str(container.get_bootstrap_server())
    finally:
        container.stop()
