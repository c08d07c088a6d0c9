"""Statements compiled once run on the driver with named parameters."""

from __future__ import annotations

import enum
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from daicho.tenancy import Database, sql
from daicho.tenancy.migrations import tenant_table
from daicho.testkit import create_tenant_id


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


NOTE = sa.Table(
    "note",
    sa.MetaData(),
    sa.Column("tenant_id", sa.Uuid(), primary_key=True),
    sa.Column("id", sa.Uuid(), primary_key=True),
    sa.Column("rank", sa.Integer()),
    sa.Column("colour", sa.Enum(Colour, native_enum=False)),
    sa.Column("custom", JSONB()),
)
MINE = NOTE.c.tenant_id == sa.bindparam("tenant_id")
INSERT = sql(sa.insert(NOTE))
RANKS = sql(sa.select(NOTE.c.rank).where(MINE, NOTE.c.rank > sa.bindparam("above")).order_by(NOTE.c.rank))
AMONG = sql(
    sa.select(NOTE.c.rank)
    .where(MINE, NOTE.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid()))))
    .order_by(NOTE.c.rank)
)
REDS = sql(sa.select(sa.func.count()).select_from(NOTE).where(MINE, NOTE.c.colour == Colour.RED))
BY_COLOUR = sql(sa.select(NOTE.c.id).where(MINE, NOTE.c.colour == sa.bindparam("colour")))
RAISED = sql(sa.update(NOTE).where(MINE).values(rank=NOTE.c.rank + sa.bindparam("by")).returning(NOTE.c.rank))
PLAIN = sql(sa.text("SELECT rank FROM note WHERE tenant_id = :tenant_id ORDER BY rank LIMIT :most"))


def create(op):
    tenant_table(
        op,
        "note",
        sa.Column("rank", sa.Integer()),
        sa.Column("colour", sa.Text()),
        sa.Column("custom", JSONB()),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(make_database):
    database: Database = await (await make_database("probe", create=create)).open()
    yield database
    await database.close()


def row(rank: int, **overrides) -> dict[str, object]:
    return {"id": uuid4(), "rank": rank, "colour": Colour.RED, "custom": {"名": rank}} | overrides


async def test_rows_go_in_together_and_come_out_by_parameter(database):
    rows = [row(n) for n in range(5)]
    async with database.transaction(create_tenant_id()) as tx:
        await INSERT.executemany(tx, rows)
        assert [r["rank"] for r in await RANKS.fetch(tx, above=2)] == [3, 4]
        assert [r["rank"] for r in await AMONG.fetch(tx, ids=[rows[1]["id"], rows[4]["id"]])] == [1, 4]
        assert (await RANKS.fetchrow(tx, above=3))["rank"] == 4
        assert await RANKS.fetchval(tx, above=9) is None
        assert [r["rank"] for r in await PLAIN.fetch(tx, most=2)] == [0, 1]


async def test_values_pass_through_their_columns_types(database):
    async with database.transaction(create_tenant_id()) as tx:
        await INSERT.execute(tx, **row(1))
        blue = row(2, colour=Colour.BLUE)
        await INSERT.execute(tx, **blue)
        assert await REDS.fetchval(tx) == 1
        found = await BY_COLOUR.fetchval(tx, colour=Colour.BLUE)
        assert found == blue["id"]
        assert isinstance(found, UUID)
        assert await tx.driver.fetchval("SELECT custom ->> '名' FROM note WHERE rank = 2") == "2"


async def test_changes_return_their_rows(database):
    async with database.transaction(create_tenant_id()) as tx:
        await INSERT.execute(tx, **row(1))
        assert [r["rank"] for r in await RAISED.fetch(tx, by=10)] == [11]


async def test_many_rows_stream_in_batches(database):
    async with database.transaction(create_tenant_id()) as tx:
        await INSERT.executemany(tx, (row(n) for n in range(1200)))
        seen = [r["rank"] async for r in RANKS.iterate(tx, above=-1, prefetch=100)]
    assert seen == list(range(1200))


async def test_a_missing_or_unknown_parameter_is_a_type_error(database):
    async with database.transaction(create_tenant_id()) as tx:
        with pytest.raises(TypeError, match="above is missing"):
            await RANKS.fetch(tx)
        with pytest.raises(TypeError, match="no such parameter: beyond"):
            await RANKS.fetch(tx, above=1, beyond=2)


async def test_without_a_tenant_the_tenant_must_be_given(database):
    async with database.tenantless() as tx:
        with pytest.raises(TypeError, match="tenant_id is missing"):
            await RANKS.fetch(tx, above=1)


def test_a_list_whose_length_is_in_the_text_is_refused():
    with pytest.raises(TypeError, match="any_"):
        sql(sa.select(NOTE.c.id).where(NOTE.c.id.in_(sa.bindparam("ids", expanding=True))))
