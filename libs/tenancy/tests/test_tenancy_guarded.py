"""A database whose writes are asked about first."""

from __future__ import annotations

import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.operations import Operations

from daicho.faults import Unavailable
from daicho.tenancy.migrations import tenant_table
from daicho.testkit import TestDatabase, create_tenant_id


def create(op: Operations) -> None:
    tenant_table(op, "note", sa.Column("code", sa.Text(), nullable=False))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(make_database) -> TestDatabase:
    return await make_database("probe", create=create)


async def test_a_guarded_database_asks_before_it_writes_and_not_before_it_reads(place) -> None:
    bare, tenant, asked = await place.open(), create_tenant_id(), []

    async def refuse() -> None:
        asked.append("?")
        raise Unavailable

    guarded = bare.guarded(refuse)
    with pytest.raises(Unavailable):
        async with guarded.transaction(tenant):
            pytest.fail("the transaction began")
    async with guarded.reading(tenant) as tx:
        assert await tx.driver.fetch("SELECT code FROM note") == []
    async with bare.transaction(tenant) as tx:
        await tx.driver.execute("INSERT INTO note (tenant_id, id, code) VALUES ($1, $1, 'one')", tenant)
    assert asked == ["?"]
    await bare.close()
