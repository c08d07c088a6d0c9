"""A transaction sees its tenant's rows and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import random
import traceback

import asyncpg
import pytest
import sqlalchemy as sa

from daicho.faults import Conflict
from daicho.tenancy import (
    DatabaseUnavailable,
    ForeignTenant,
    RolledBack,
    TenantId,
    translates,
)
from daicho.testkit import create_tenant_id

from .conftest import Note, codes


class CodeTaken(Conflict):
    code = "code_taken"


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


COUNT = "INSERT INTO tally SELECT count(*) + $1::bigint FROM note"


async def test_a_statement_alone_commits_and_has_no_tenant(database):
    async with database.transaction(create_tenant_id()) as tx:  # leaves the connection that is taken next
        tx.session.add(Note(code="hidden"))
    await database.execute_alone(COUNT, 5)
    async with database.tenantless() as tx:
        assert await tx.driver.fetchval("SELECT notes FROM tally WHERE notes >= 5") == 5


async def test_a_statement_alone_that_fails_leaves_nothing_and_no_broken_connection(database):
    await database.execute_alone(COUNT, 3)
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.execute_alone("INSERT INTO tally SELECT unnest($1::bigint[])", [1, 3])
    async with database.tenantless() as tx:
        assert await tx.driver.fetch("SELECT notes FROM tally WHERE notes = 1") == []


async def test_a_statement_alone_on_a_lost_connection_is_unavailable(database):
    with pytest.raises(DatabaseUnavailable):
        await database.execute_alone("SELECT pg_terminate_backend(pg_backend_pid())")
    await database.execute_alone("SELECT 1")


async def test_an_error_rolls_back_and_leaves_no_tenant(database):
    tenant = create_tenant_id()

    async def fail() -> None:
        async with database.transaction(tenant) as tx:
            tx.session.add(Note(code="gone"))
            await tx.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
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


async def test_requests_cancelled_at_any_point_leave_nothing_and_lose_no_connection(place):
    """Each task writes two rows or none; whatever moment its end came at."""
    database = await place.open(pool=3)
    dice = random.Random(7)
    tenants = [create_tenant_id() for _ in range(150)]

    async def write(tenant: TenantId) -> None:
        async with database.transaction(tenant) as tx:
            assert await tx.driver.fetchval("SELECT count(*) FROM note") == 0
            tx.session.add(Note(code="first"))
            await tx.session.flush()
            tx.session.add(Note(code="second"))

    tasks = [asyncio.create_task(write(tenant)) for tenant in tenants]
    while pending := [task for task in tasks if not task.done()]:
        dice.choice(pending).cancel()
        await asyncio.wait(pending, timeout=dice.uniform(0, 0.01))
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), asyncio.CancelledError}
    kept = [len(await codes(database, tenant)) for tenant in tenants]
    assert set(kept) <= {0, 2}
    assert all(count == 2 for count, outcome in zip(kept, outcomes, strict=True) if outcome is None)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):  # every place of the pool is free again
            tx = await stack.enter_async_context(database.tenantless())
            assert await tx.driver.fetchval("SELECT current_setting('app.tenant_id', true)") in (None, "")
    await database.close()


async def test_more_callers_than_connections_take_turns(place):
    database = await place.open(pool=2)
    tenant = create_tenant_id()
    most = at_once = 0
    pair = asyncio.Barrier(
        2
    )  # nobody leaves before a second caller has come, so that two are seen on every machine

    async def work() -> None:
        nonlocal most, at_once
        async with database.reading(tenant) as tx:
            at_once += 1
            most = max(most, at_once)
            await pair.wait()
            await tx.driver.fetchval("SELECT 1")
            at_once -= 1

    await asyncio.gather(*(work() for _ in range(50)))
    assert most == 2
    await database.close()


async def test_a_caller_that_waits_too_long_for_a_connection_is_told(place, monkeypatch):
    monkeypatch.setattr("daicho.tenancy.pool._WAIT_SECONDS", 0.05)
    database = await place.open(pool=1)

    async def one_too_many() -> None:
        async with database.tenantless(), database.tenantless():
            pass

    with pytest.raises(DatabaseUnavailable):
        await one_too_many()
    await database.ping()
    await database.close()


async def test_a_closed_database_is_unavailable(place):
    database = await place.open()
    await database.ping()
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()


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
    async def swallow() -> None:
        async with database.transaction(create_tenant_id()) as tx:
            with contextlib.suppress(asyncpg.DivisionByZeroError):
                await tx.driver.execute("SELECT 1/0")

    with pytest.raises(RolledBack):
        await swallow()


async def test_errors_of_the_code_in_between_stay_what_they_are(database):
    async def time_out() -> None:
        async with database.transaction(create_tenant_id()):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await time_out()


async def test_a_duplicate_through_the_driver_is_translated_too(database):
    tenant = create_tenant_id()
    insert = "INSERT INTO note (tenant_id, id, code) VALUES ($1, gen_random_uuid(), 'twice')"

    async def twice() -> None:
        async with database.transaction(tenant) as tx:
            await tx.driver.execute(insert, tenant)
            await tx.driver.execute(insert, tenant)

    with pytest.raises(CodeTaken), translates({"uq_note_code": CodeTaken}):
        await twice()
    with pytest.raises(asyncpg.UniqueViolationError), translates({"uq_else": CodeTaken}):
        await twice()


@pytest.mark.parametrize("way", ["driver", "session"])
async def test_an_error_quotes_no_row(way, database):
    tenant = create_tenant_id()

    async def twice() -> None:
        async with database.transaction(tenant) as tx:
            for _ in range(2):
                if way == "session":
                    tx.session.add(Note(code="田中"))
                    await tx.session.flush()
                else:
                    await tx.driver.execute(
                        "INSERT INTO note (tenant_id, id, code) VALUES ($1, gen_random_uuid(), '田中')",
                        tenant,
                    )

    with pytest.raises((asyncpg.UniqueViolationError, sa.exc.IntegrityError)) as failure:
        await twice()
    text = "".join(traceback.format_exception(failure.value))
    assert "uq_note_code" in text
    assert "DETAIL" not in text
    assert "parameters: (" not in text


async def test_a_row_of_another_tenant_cannot_be_written(database):
    async def write() -> None:
        async with database.transaction(create_tenant_id()) as tx:
            await tx.driver.execute(
                "INSERT INTO note (tenant_id, id, code) VALUES ($1, gen_random_uuid(), 'x')",
                create_tenant_id(),
            )

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await write()
