"""The service with imports at work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from import_world import CONTACT_FIELDS, ImportWorld, NamedUsers, parts_with
from service_world import running_ledger


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def imports(make_database, openbao_server, openbao_roles, tmp_path_factory):
    """The service at work, with a worker beside it."""
    database = await make_database("customers")
    folder, users = tmp_path_factory.mktemp("files"), NamedUsers()
    build = parts_with(folder, users)
    async with running_ledger(database, openbao_server.address, openbao_roles, build) as ledger:
        world = ImportWorld(ledger, folder, users)
        async with world.working():
            yield world


@pytest_asyncio.fixture(loop_scope="session")
async def owner(imports):
    """The owner of a fresh tenant whose contacts have the sample's custom fields."""
    house = await imports.ledger.create_house()
    for definition in CONTACT_FIELDS:
        await house.owner.make("/v1/fields", resource="contact", **definition)
    house.owner.house = house
    return house.owner
