"""What goes over a connection, and what happens when it is lost or contended for."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import asyncpg
import pytest
import sqlalchemy as sa

from daicho.faults import Unavailable
from daicho.tenancy import Contended, Database, DatabaseUnavailable, StatementLimits
from daicho.testkit import create_tenant_id
from daicho.testkit.postgres import frozen

from .conftest import Note, codes


async def test_two_writers_of_one_row_in_a_circle_are_contended(place):
    database = await place.open(pool=2)
    tenant = create_tenant_id()
    async with database.transaction(tenant) as tx:
        tx.session.add_all([Note(code="a"), Note(code="b")])
    meet = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> None:
        async with database.transaction(tenant) as tx:
            await tx.driver.execute("SELECT 1 FROM note WHERE code = $1 FOR UPDATE", first)
            await meet.wait()
            await tx.driver.execute("SELECT 1 FROM note WHERE code = $1 FOR UPDATE", second)

    outcomes = await asyncio.gather(lock("a", "b"), lock("b", "a"), return_exceptions=True)
    assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [Contended]
    await database.close()


async def test_a_restart_of_the_server_is_met_once_and_then_forgotten(postgres_server, place):
    if postgres_server.server is None:
        pytest.fail("POSTGRES_URL names a server that this test may not restart")
    database = await place.open(pool=3)
    tenant = create_tenant_id()
    held, restarted = asyncio.Event(), asyncio.Event()

    async def caught() -> None:
        async with database.transaction(tenant) as tx:
            tx.session.add(Note(code="lost"))
            await tx.session.flush()
            held.set()
            await restarted.wait()

    async with database.transaction(tenant) as tx, database.reading(tenant):
        tx.session.add(Note(code="kept"))
    task = asyncio.create_task(caught())
    await held.wait()
    postgres_server.server.kill()
    postgres_server.server.start()
    await asyncio.to_thread(postgres_server.server.wait_until_ready)
    restarted.set()
    with pytest.raises(DatabaseUnavailable):
        await task
    assert await codes(database, tenant) == ["kept"]
    await database.close()


async def test_a_transaction_is_three_messages(postgres_server, place):
    """BEGIN with the tenant, the statement, COMMIT: the figures of the hot lists stand on it."""
    if postgres_server.server is None:
        pytest.fail("POSTGRES_URL names a server whose log this test cannot read")
    admin = await asyncpg.connect(place.admin_url)
    await admin.execute(f"ALTER ROLE probe_app IN DATABASE {place.name} SET log_statement = 'all'")
    database = await place.open(pool=1)
    tenant = create_tenant_id()
    async with database.transaction(tenant) as tx:
        await tx.session.scalars(sa.select(Note))
    log = postgres_server.server.log
    before = log.stat().st_size
    async with database.transaction(tenant) as tx:
        await tx.session.scalars(sa.select(Note))
    lines = [line.split("LOG:  ")[1] for line in log.read_text()[before:].splitlines() if "LOG:  " in line]
    assert lines[0] == f"statement: BEGIN; SET LOCAL app.tenant_id = '{tenant}'"
    assert lines[1].startswith("execute ")
    assert lines[2:] == ["statement: COMMIT"]
    await database.close()
    await admin.close()


async def test_a_database_that_is_away_is_unavailable():
    database = await Database.open("postgresql://nobody:x@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        async with database.transaction(create_tenant_id()):
            pass
    await database.close()


HANGS_SHORTER_THAN = 20.0
"""Seconds; generous: the limits are 5 s for a connection and 5 s for BEGIN."""


async def test_server_that_hangs_is_unavailable_within_seconds(postgres_server, place):
    if postgres_server.server is None:
        pytest.fail("POSTGRES_URL names a server that this test may not stop")
    database = await place.open(pool=2)
    tenant = create_tenant_id()

    async def read() -> None:
        async with database.reading(tenant):
            pass

    async def alone() -> None:
        await database.execute_alone("SELECT 1")

    async with database.reading(tenant), database.reading(tenant):
        pass  # two connections are kept
    with frozen(postgres_server.server.pid):
        async with asyncio.timeout(HANGS_SHORTER_THAN):
            outcomes = await asyncio.gather(*(read() for _ in range(4)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 4
    await read()
    with frozen(postgres_server.server.pid):
        async with asyncio.timeout(HANGS_SHORTER_THAN):
            with pytest.raises(DatabaseUnavailable):
                await alone()
    await read()
    await database.close()


@pytest.mark.parametrize("way", ["driver", "session", "heavy", "commit"])
async def test_statement_on_a_server_that_hangs_after_begin_is_unavailable_within_seconds(
    postgres_server, place, way
):
    if postgres_server.server is None:
        pytest.fail("POSTGRES_URL names a server that this test may not stop")
    database = await Database.open(place.app_url, pool=1, heavy_pool=1, limits=StatementLimits(1, 1))
    tenant = create_tenant_id()

    def opening():
        return database.reading(tenant, heavy=True) if way == "heavy" else database.transaction(tenant)

    async with opening() as tx:
        await tx.driver.fetchval("SELECT 1")

    async def ask(server: ExitStack) -> None:
        async with opening() as tx:
            server.enter_context(frozen(postgres_server.server.pid))
            if way == "session":
                await tx.session.scalars(sa.select(Note))
            elif way != "commit":
                await tx.driver.fetchval("SELECT 1")

    with ExitStack() as server:
        async with asyncio.timeout(HANGS_SHORTER_THAN):
            with pytest.raises(DatabaseUnavailable):
                await ask(server)
    async with opening() as tx:
        assert await tx.driver.fetchval("SELECT 1") == 1
    await database.close()


async def test_statement_given_up_on_a_server_that_goes_on_is_unavailable(postgres_server, place):
    if postgres_server.server is None:
        pytest.fail("POSTGRES_URL names a server that this test may not stop")
    database = await Database.open(place.app_url, pool=1, limits=StatementLimits(1, 1))

    async def ask() -> None:
        async with database.transaction(create_tenant_id()) as tx:
            with frozen(postgres_server.server.pid):
                await tx.driver.fetchval("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        await ask()
    await database.close()


async def test_time_out_of_the_callers_own_stays_what_it_is(place):
    database = await place.open(pool=1)
    with pytest.raises(TimeoutError):
        async with database.transaction(create_tenant_id()) as tx, asyncio.timeout(0.05):
            await tx.driver.execute("SELECT pg_sleep(60)")
    await database.close()
