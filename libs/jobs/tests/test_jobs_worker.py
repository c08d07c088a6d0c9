"""Jobs are done once they are committed; what is away is waited for, what fails is tried and then kept to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from alembic.operations import Operations

from daicho import jobs
from daicho.faults import Unavailable
from daicho.jobs import Job, JobType, Worker, enqueue, worker
from daicho.tenancy import Database, uuid7
from daicho.tenancy.migrations import roles
from daicho.testkit import create_tenant_id
from daicho.testkit.waiting import until


class Gone(Unavailable):
    passing = False


def create(op: Operations) -> None:
    jobs.create(op, roles(op).app)
    jobs.add_fair_claim(op, roles(op).app)


@dataclass
class Queue:
    """A service's queue, and what its one handler was asked for."""

    database: Database
    admin: asyncpg.Connection[Any]
    url: str
    done: list[Job] = field(default_factory=list)
    fault: type[Exception] | None = None

    async def ask(self) -> None:
        async with self.database.transaction(create_tenant_id()) as tx:
            await enqueue(tx, "work", uuid7())

    async def handle(self, job: Job) -> None:
        self.done.append(job)
        if self.fault is not None:
            raise self.fault

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with Worker(self.url, {"work": JobType(self.handle)}).running():
            yield

    async def tried(self, times: int) -> bool:
        return len(self.done) >= times

    async def is_empty(self) -> bool:
        return not await self.admin.fetchval("SELECT count(*) FROM pgqueuer")

    async def waits(self) -> timedelta | None:
        return await self.admin.fetchval(
            "SELECT execute_after - updated FROM pgqueuer WHERE status = 'queued' AND attempts > 0"
        )


@pytest.fixture
async def queue(make_database) -> AsyncIterator[Queue]:
    made = await make_database("customers", create=create)
    database, admin = await made.open(), await asyncpg.connect(made.admin_url)
    yield Queue(database, admin, made.app_url)
    await admin.close()
    await database.close()


async def test_a_job_is_done_once_it_is_committed_and_never_when_it_was_rolled_back(queue) -> None:
    tenant, wanted = create_tenant_id(), uuid7()

    async def ask_and_fail() -> None:
        async with queue.database.transaction(tenant) as tx:
            await enqueue(tx, "work", uuid7())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_and_fail()
    async with queue.database.transaction(tenant) as tx:
        await enqueue(tx, "work", wanted)
    async with queue.working():
        await until(queue.is_empty)
    assert queue.done == [Job("work", tenant, wanted, 0)]


async def test_what_is_away_is_waited_for_longer_than_any_error_and_asked_for_often(
    queue, monkeypatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_DELAY", timedelta(hours=1))
    monkeypatch.setattr(worker, "LONGEST_WAIT", timedelta(milliseconds=1))
    queue.fault = Unavailable
    await queue.ask()
    async with queue.working():
        await until(lambda: queue.tried(worker.ATTEMPTS + 1), within=60)
        queue.fault = None
        await until(queue.is_empty, within=30)


async def test_what_is_gone_rather_than_away_is_asked_for_seldom(queue, monkeypatch) -> None:
    monkeypatch.setattr(worker, "FIRST_DELAY", timedelta(hours=1))
    queue.fault = Gone
    await queue.ask()
    async with queue.working():
        waits = await until(queue.waits)
    assert timedelta(minutes=4) < waits <= worker.LONGEST_DELAY + timedelta(seconds=1)
    assert len(queue.done) == 1


async def test_a_job_that_fails_is_tried_again_and_kept_in_the_end_without_its_text(
    queue, monkeypatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_DELAY", timedelta(milliseconds=1))
    queue.fault = type("SecretOfACustomer", (Exception,), {"__str__": lambda _: "090-1234-5678"})
    await queue.ask()
    async with queue.working():
        await until(lambda: queue.tried(worker.ATTEMPTS), within=60)

        async def held() -> bool:
            return bool(await queue.admin.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'failed'"))

        await until(held)
    assert [job.attempt for job in queue.done] == list(range(worker.ATTEMPTS))
    kept = await queue.admin.fetch(
        "SELECT t::text FROM pgqueuer t UNION ALL SELECT t::text FROM pgqueuer_log t"
    )
    assert "090-1234" not in str(kept)
