"""A service's database and a bus, fresh for each test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from daicho.events import schema
from daicho.local.servers import OpenBaoServer
from daicho.testkit.events import EventsWorld, events_world
from daicho.testkit.plugin import MakeDatabase

sys.path.insert(0, str(Path(__file__).parent))


@pytest_asyncio.fixture
async def world(
    make_database: MakeDatabase, openbao_server: OpenBaoServer, openbao_roles: dict[str, tuple[str, str]]
) -> AsyncIterator[EventsWorld]:
    service = await make_database("customers", create=schema.create_newest)
    async with events_world(service, make_database, openbao_server, openbao_roles) as made:
        yield made
