"""A database with the table of data keys, and every service's way to a real key store."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from daicho import keyring
from daicho.keyring import Keyring, Transit
from daicho.tenancy import Database, TenantId, uuid7
from daicho.tenancy.migrations import tenant_table


def create_tables(op: Any) -> None:
    """``data_key``, and ``note`` with sealed columns of both kinds."""
    keyring.schema.create(op)
    tenant_table(
        op,
        "note",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("card", sa.LargeBinary()),
        sa.Column("step", sa.LargeBinary()),
    )


@pytest.fixture(scope="module")
async def made(make_database):
    return await make_database("customers", create=create_tables)


@pytest.fixture(scope="module")
async def database(made):
    database = await Database.open(made.app_url)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def transits(openbao_server, openbao_roles):
    made = {
        name: Transit(openbao_server.address, *role, service=name) for name, role in openbao_roles.items()
    }
    yield made
    for transit in made.values():
        transit.close()


@pytest.fixture
async def tenant(transits) -> TenantId:
    tenant_id = TenantId(uuid7())
    await transits["identity"].create_tenant_key(tenant_id)
    return tenant_id


@pytest.fixture
def ring(transits, database) -> Keyring:
    return Keyring(transits["customers"], database)
