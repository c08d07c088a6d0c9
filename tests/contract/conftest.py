"""A bus of either driver, with a topic of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from daicho.events import Bus, bus_schema, open_bus
from daicho.testkit.databases import TestDatabase
from daicho.testkit.plugin import MakeDatabase


@pytest_asyncio.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bus_database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> TestDatabase | None:
    """The database of PostgreSQL's driver; None for Kafka's."""
    return None if request.param == "kafka" else await make_database("bus", create=bus_schema.create)


@pytest.fixture
def bus_url(request: pytest.FixtureRequest, bus_database: TestDatabase | None) -> str:
    """The address of each driver's server."""
    if bus_database is None:
        return f"kafka://{request.getfixturevalue('kafka_bootstrap')}"
    return bus_database.app_url


@pytest_asyncio.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    opened = await open_bus(bus_url)
    yield opened
    await opened.close()


@pytest.fixture
def topic() -> str:
    return f"test.{uuid4().hex}"
