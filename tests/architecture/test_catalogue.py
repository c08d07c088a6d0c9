"""Every table, view, function and role of every database stands inside the walls, or on the list with its reason."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from daicho.testkit.catalogue import Exemptions, complaints, services_with_migrations

ROOT = Path(__file__).resolve().parents[2]
LIST = Exemptions.read(Path(__file__).with_name("tenantless.toml"))
SERVICES = services_with_migrations(ROOT)


async def _complaints(database) -> list[str]:
    admin = await asyncpg.connect(database.admin_url)
    try:
        return await complaints(admin, database.service, LIST)
    finally:
        await admin.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_every_database_keeps_its_tenants_apart(service, make_database):
    assert await _complaints(await make_database(service)) == []


async def test_the_bus_is_on_the_list(make_database):
    from daicho.events import bus_schema

    assert await _complaints(await make_database("bus", create=bus_schema.create)) == []
