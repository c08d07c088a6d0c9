"""Doing the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from opentelemetry import trace
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import errors, models

from daicho import faults
from daicho.jobs.fair_queue import FairQueries
from daicho.jobs.job import Job, RetryLater
from daicho.tenancy import KEEPALIVE, TenantId, keep_alive

Handler = Callable[[Job], Awaitable[None]]
"""Does one job. It may run again after a crash, so it takes up where its subject's state says it stopped."""


@dataclass(frozen=True, slots=True)
class JobType:
    """How jobs of one name are done: by ``handler``, at most ``concurrency`` at a time over all workers, of
    which one tenant holds at most ``per_tenant``. All workers of a queue say the same."""

    handler: Handler
    concurrency: int = 2
    per_tenant: int = 1


# A worker that died is noticed after this; its jobs are then taken up by another.
LEASE = timedelta(seconds=10)
ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
# A service that is away comes back without notice, and asking whether it has is cheap.
LONGEST_WAIT = timedelta(seconds=4)

log = structlog.get_logger()
tracer = trace.get_tracer("daicho.jobs")


class Worker:
    """Runs the jobs of one service's queue.

    A fault of class :class:`~daicho.faults.Unavailable` (database, Vault or bus away) is waited out without
    end. Any other error is tried ``ATTEMPTS`` times with growing delays; then the job is held in the queue
    with status ``failed`` for an operator to look at. Tenants take turns (:mod:`daicho.jobs.fair_queue`).
    """

    def __init__(self, database_url: str, types: Mapping[str, JobType]) -> None:
        self._database_url = database_url
        self._types = types

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work while the block runs; jobs in hand at its end are finished or given back by their lease."""
        async with asyncpg.create_pool(
            self._database_url, min_size=1, max_size=3, init=keep_alive, server_settings=KEEPALIVE
        ) as pool:
            tenant_places = {name: kind.per_tenant for name, kind in self._types.items()}
            manager = QueueManager(FairQueries(AsyncpgPoolDriver(pool), tenant_places=tenant_places))
            for name, kind in self._types.items():
                manager.entrypoint(
                    name, concurrency_limit=kind.concurrency, accepts_context=False, on_failure="hold"
                )(_entrypoint(name, kind.handler))
            work = asyncio.create_task(manager.run(heartbeat_timeout=LEASE, dequeue_timeout=LEASE))
            try:
                yield
            finally:
                manager.shutdown.set()
                await asyncio.wait([work], timeout=LEASE.total_seconds())
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)


def _entrypoint(name: str, handler: Handler) -> Callable[[models.Job], Awaitable[None]]:
    """``handler`` as the queue calls it: one span a job, errors turned into retries."""

    async def run(queued: models.Job) -> None:
        payload = queued.payload or b""
        job = Job(name, TenantId(UUID(bytes=payload[:16])), UUID(bytes=payload[16:]), queued.attempts)
        with tracer.start_as_current_span(f"job {name}"):
            try:
                await handler(job)
            except (errors.RetryRequested, asyncio.CancelledError):
                raise
            except RetryLater as later:
                raise errors.RetryRequested(delay=later.delay, reason="asked for") from None
            except faults.Unavailable as away:
                delay = min(_delay(job.attempt), LONGEST_WAIT if away.passing else LONGEST_DELAY)
                raise errors.RetryRequested(delay=delay, reason=away.code) from None
            # The boundary of a job: whatever it raised is counted and retried, and must not end the worker.
            except Exception as error:
                log.exception("job_failed", job=name, subject=str(job.subject), attempt=job.attempt)
                if job.attempt + 1 >= ATTEMPTS:
                    # The queue keeps what it is told; an error's text may quote a customer's data.
                    raise RuntimeError(type(error).__name__) from None
                raise errors.RetryRequested(delay=_delay(job.attempt), reason=type(error).__name__) from None

    return run


def _delay(attempt: int) -> timedelta:
    """Doubles with each attempt, up to ``LONGEST_DELAY``."""
    return min(FIRST_DELAY * (1 << min(attempt, 16)), LONGEST_DELAY)
