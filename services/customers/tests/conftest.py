"""The customers service as a whole: its own database, a real key store, a real HTTP server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
from service_world import running_ledger

from daicho.customers.app import parts


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ledger(make_database, openbao_server, openbao_roles):
    """The service at work, with nobody in it yet."""
    database = await make_database("customers")
    async with running_ledger(database, openbao_server.address, openbao_roles, parts) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(ledger):
    """A tenant with an owner, a manager, members and a reader."""
    return await ledger.create_house()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neighbour(ledger):
    """Another tenant."""
    return await ledger.create_house()
