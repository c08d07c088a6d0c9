"""Tenants take turns at the queue, and no tenant holds all of its places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from alembic.operations import Operations

from daicho import jobs
from daicho.jobs import Job, JobType, Worker, enqueue
from daicho.tenancy import Database, TenantId, uuid7
from daicho.tenancy.migrations import roles
from daicho.testkit import create_tenant_id
from daicho.testkit.waiting import until


def create(op: Operations) -> None:
    jobs.create(op, roles(op).app)
    jobs.add_fair_claim(op, roles(op).app)


@dataclass
class Queue:
    """A queue whose jobs wait until they are let go; ``begun`` are their tenants in the order of their claims."""

    database: Database
    url: str
    begun: list[TenantId] = field(default_factory=list)
    in_progress: list[TenantId] = field(default_factory=list)
    go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def ask(self, tenant: TenantId, times: int = 1) -> None:
        async with self.database.transaction(tenant) as tx:
            for _ in range(times):
                await enqueue(tx, "work", uuid7())

    async def handle(self, job: Job) -> None:
        self.begun.append(job.tenant_id)
        self.in_progress.append(job.tenant_id)
        await self.go.acquire()
        self.in_progress.remove(job.tenant_id)

    def worker(self, *, concurrency: int, per_tenant: int) -> Worker:
        return Worker(self.url, {"work": JobType(self.handle, concurrency, per_tenant)})

    async def reaches(self, count: int) -> None:
        async def reached() -> bool:
            return len(self.begun) >= count

        await until(reached)

    async def picked(self) -> int:
        async with self.database.transaction(create_tenant_id()) as tx:
            return int(await tx.driver.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'picked'"))


@pytest.fixture
async def queue(make_database) -> AsyncIterator[Queue]:
    made = await make_database("customers", create=create)
    database = await made.open()
    yield Queue(database, made.app_url)
    await database.close()


async def test_tenants_take_turns_however_many_jobs_one_has_queued(queue) -> None:
    loud, quiet, third = create_tenant_id(), create_tenant_id(), create_tenant_id()
    await queue.ask(loud, 50)
    await queue.ask(quiet, 2)
    await queue.ask(third, 2)
    async with queue.worker(concurrency=1, per_tenant=1).running():
        for count in range(1, 8):
            await queue.reaches(count)
            queue.go.release()
        await queue.reaches(8)
        queue.go.release()
    assert queue.begun[:6] == [loud, quiet, third, loud, quiet, third]
    assert set(queue.begun[6:]) == {loud}


async def test_a_tenant_leaves_places_free_for_others(queue) -> None:
    loud, quiet = create_tenant_id(), create_tenant_id()
    await queue.ask(loud, 10)
    async with queue.worker(concurrency=4, per_tenant=2).running():
        await queue.reaches(2)
        await queue.ask(quiet)
        await queue.reaches(3)
        assert sorted(queue.in_progress) == sorted([loud, loud, quiet])
        for _ in range(11):
            queue.go.release()
        await queue.reaches(11)


async def test_several_workers_together_keep_the_limits(queue) -> None:
    tenants = [create_tenant_id() for _ in range(6)]
    for tenant in tenants:
        await queue.ask(tenant, 4)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(queue.worker(concurrency=3, per_tenant=1).running())
        for count in range(3, 25):
            await queue.reaches(count)
            assert await queue.picked() <= 3
            assert len(set(queue.in_progress)) == len(queue.in_progress) <= 3
            queue.go.release()
        for _ in range(3):
            queue.go.release()


async def test_a_job_that_is_due_later_holds_up_no_other_of_its_tenant(queue) -> None:
    tenant = create_tenant_id()
    async with queue.database.transaction(tenant) as tx:
        await tx.driver.execute(
            "INSERT INTO pgqueuer (priority, status, entrypoint, payload, execute_after)"
            " VALUES (0, 'queued', 'work', $1, now() + interval '1 hour')",
            tenant.bytes + uuid7().bytes,
        )
    await queue.ask(tenant)
    async with queue.worker(concurrency=1, per_tenant=1).running():
        await queue.reaches(1)
        queue.go.release()
