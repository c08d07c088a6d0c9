"""The jobs of an import. Check and run look at the import first and do nothing when nothing is left to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from daicho.customers.imports import ending, repository
from daicho.customers.imports.callers import Asker
from daicho.customers.imports.checking import Checking, FileIsLarge
from daicho.customers.imports.faults import NamesTooLarge
from daicho.customers.imports.job_types import CHECK, LARGE, LARGE_ROWS, RUN
from daicho.customers.imports.model import Import, Status
from daicho.customers.imports.repository import FieldsChanged, Superseded
from daicho.customers.imports.running import Running
from daicho.customers.imports.sweeping import SWEEP, Sweeping
from daicho.faults import Forbidden, NotFound, Unavailable
from daicho.jobs import Job, JobType, RetryLater, enqueue
from daicho.jobs.worker import ATTEMPTS
from daicho.keyring import Keyring
from daicho.tenancy import Actor, Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ImportJobs:
    """What a worker does for imports."""

    database: Database
    keyring: Keyring
    checking: Checking
    running: Running
    sweeping: Sweeping

    def types(self) -> Mapping[str, JobType]:
        """By the names of the jobs."""
        return {
            CHECK: JobType(self.check),
            RUN: JobType(self.run),
            LARGE: JobType(self.continue_large),
            SWEEP: JobType(self.sweeping.sweep),
        }

    async def check(self, job: Job) -> None:
        """Check the import that the job names; a large one goes on as a job of type ``LARGE``."""
        await self._work(job, {"checking": partial(self.checking.check, most=LARGE_ROWS)})

    async def run(self, job: Job) -> None:
        """Run it."""
        await self._work(job, {"running": self.running.run})

    async def continue_large(self, job: Job) -> None:
        """Check it or run it to the end."""
        await self._work(job, {"checking": self.checking.check, "running": self.running.run})

    async def _work(
        self, job: Job, steps: Mapping[Status, Callable[[Asker, Import], Awaitable[None]]]
    ) -> None:
        keys = await self.keyring.open(job.tenant_id)
        try:
            async with self.database.reading(job.tenant_id) as tx:
                found = await repository.read_import(tx, keys, job.subject)
        except NotFound:
            return
        status = found.status
        work = steps.get(status)
        if work is None:
            return
        actor = Actor(tenant_id=job.tenant_id, kind="user", user_id=found.created_by)
        asker = Asker(self.database, self.keyring, actor, found.resource)
        await asker.be_known(job.attempt)
        try:
            await work(asker, found)
        except FileIsLarge:
            async with self.database.transaction(job.tenant_id) as tx:
                await enqueue(tx, LARGE, job.subject)
        except Superseded:
            log.info("import_superseded", import_id=str(found.id))
        except (Forbidden, FieldsChanged, NamesTooLarge) as error:
            await self._fail(job, status, _failure(error))
        except (Unavailable, RetryLater):
            raise
        except Exception:  # whatever it was: it goes on to the worker, which logs it
            # After the last attempt nobody else would tell the user that nothing more comes of their import.
            if job.attempt + 1 >= ATTEMPTS:
                await self._fail(job, status, "internal")
            raise

    async def _fail(self, job: Job, status: Status, code: str) -> None:
        """Nothing more will come of it; what a run has brought into the ledger stays there and is counted."""
        async with self.database.transaction(job.tenant_id) as tx:
            await ending.end(tx, job.subject, status, "failed", self.running.clock(), code)


def _failure(error: Forbidden | FieldsChanged | NamesTooLarge) -> str:
    """The ``failure`` of an import that ends with ``error``."""
    return "fields_changed" if isinstance(error, FieldsChanged) else error.code
