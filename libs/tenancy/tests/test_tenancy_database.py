"""A transaction sees its tenant's rows and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.orm import Mapped

from daicho.faults import Conflict, Unavailable
from daicho.tenancy import Base as TenancyBase
from daicho.tenancy import Database, ForeignTenant, TenantId, TenantMixin, sql, translates
from daicho.tenancy.migrations import tenant_table, unique
from daicho.testkit import TestDatabase, create_tenant_id


class Base(TenancyBase):
    __abstract__ = True
    metadata = sa.MetaData()


class Note(TenantMixin, Base):
    __tablename__ = "note"

    code: Mapped[str]


class CodeTaken(Conflict):
    code = "code_taken"


NOTE = Note.__table__
CODES = sql(sa.select(NOTE.c.code).where(NOTE.c.tenant_id == sa.bindparam("tenant_id")).order_by(NOTE.c.code))


def create(op: Operations) -> None:
    tenant_table(op, "note", sa.Column("code", sa.Text(), nullable=False), unique("uq_note_code", "code"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(make_database) -> TestDatabase:
    return await make_database("probe", create=create)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    database = await place.open(pool=1)  # one connection: whatever is left behind, the next one meets
    yield database
    await database.close()


async def codes(database: Database, tenant_id: TenantId) -> list[str]:
    async with database.reading(tenant_id) as tx:
        return [row["code"] for row in await CODES.fetch(tx)]


async def test_session_and_driver_share_one_transaction(database):
    tenant = create_tenant_id()
    async with database.transaction(tenant) as tx:
        tx.session.add(Note(code="a"))
        await tx.session.flush()
        assert await tx.driver.fetchval("SELECT code FROM note") == "a"
        await tx.driver.execute(
            "INSERT INTO note (tenant_id, id, code) VALUES ($1, gen_random_uuid(), 'b')", tenant
        )
        assert (await tx.session.scalars(sa.select(Note.code).order_by(Note.code))).all() == ["a", "b"]
    assert await codes(database, tenant) == ["a", "b"]


async def test_another_tenant_sees_nothing(database):
    ours, theirs = create_tenant_id(), create_tenant_id()
    async with database.transaction(ours) as tx:
        tx.session.add(Note(code="ours"))
    async with database.reading(theirs) as tx:
        assert await tx.driver.fetch("SELECT * FROM note") == []


async def test_without_a_tenant_there_are_no_rows(database):
    async with database.transaction(create_tenant_id()) as tx:
        tx.session.add(Note(code="x"))
    async with database.tenantless() as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM note") == 0


async def test_an_error_rolls_back_and_leaves_no_tenant(database):
    tenant = create_tenant_id()
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(tenant) as tx:
            tx.session.add(Note(code="gone"))
            await tx.session.flush()
            raise ZeroDivisionError
    async with database.tenantless() as tx:
        assert await tx.driver.fetchval("SELECT current_setting('app.tenant_id', true)") in (None, "")
    assert await codes(database, tenant) == []


async def test_a_cancelled_request_leaves_nothing(database):
    tenant = create_tenant_id()
    started = asyncio.Event()

    async def work() -> None:
        async with database.transaction(tenant) as tx:
            tx.session.add(Note(code="gone"))
            await tx.session.flush()
            started.set()
            await tx.driver.execute("SELECT pg_sleep(30)")

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.tenantless() as tx:
        assert await tx.driver.fetchval("SELECT current_setting('app.tenant_id', true)") in (None, "")
        assert await tx.driver.fetchval("SELECT count(*) FROM note") == 0
    assert await codes(database, tenant) == []


async def test_a_constraint_becomes_its_fault(database):
    tenant = create_tenant_id()

    @translates({"uq_note_code": CodeTaken})
    async def add() -> None:
        async with database.transaction(tenant) as tx:
            tx.session.add(Note(code="same"))

    await add()
    with pytest.raises(CodeTaken):
        await add()
    assert await codes(database, tenant) == ["same"]


async def test_reading_refuses_writes(database):
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.reading(create_tenant_id()) as tx:
            await tx.driver.execute("DELETE FROM note")


async def test_an_object_of_another_tenant_is_refused(database):
    with pytest.raises(ForeignTenant):
        async with database.transaction(create_tenant_id()) as tx:
            tx.session.add(Note(tenant_id=create_tenant_id(), code="x"))


async def test_a_statement_that_failed_unnoticed_is_not_committed(database):
    with pytest.raises(Unavailable):
        async with database.transaction(create_tenant_id()) as tx:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await tx.driver.execute("SELECT 1/0")


async def test_a_database_that_is_away_is_unavailable():
    database = await Database.open("postgresql://nobody:x@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        async with database.transaction(create_tenant_id()):
            pass
    await database.close()
