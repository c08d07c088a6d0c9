"""Removes what an import leaves behind, however it ended.

The sweep is put down before the first byte of a file is written, so that a crash at any step leaves a job that
knows of the file. It needs no key: what cannot be opened any more can still be thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from daicho import jobs
from daicho.customers.imports import ending, repository
from daicho.customers.imports.model import AT_WORK
from daicho.jobs import Job
from daicho.keyring import FileStore
from daicho.runtime import Clock
from daicho.tenancy import Database

SWEEP: Final = "import.sweep"
GRACE: Final = timedelta(days=1)
"""After this a file without an import is what a crash left: no upload takes as long."""
KEPT: Final = timedelta(days=30)
"""How long an import that is not run waits for its user, counted from their last step."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Does the sweep of one import."""

    database: Database
    store: FileStore
    clock: Clock

    async def sweep(self, job: Job) -> None:
        """Throw away the file and the staged rows of an import that is gone, done, or given up; look again later
        at one that may still be run. The import itself stays, failed as ``expired``."""
        async with self.database.transaction(job.tenant_id) as tx:
            step = await repository.last_step(tx, job.subject)
            if step is not None and step.status != "done":
                left = step.at + KEPT - self.clock()
                if left > timedelta() or step.status in AT_WORK:
                    await jobs.enqueue(tx, SWEEP, job.subject, after=max(left, GRACE))
                    return
                await repository.drop_staged(tx, job.subject)
                await ending.end(tx, job.subject, step.status, "failed", self.clock(), "expired")
                log.info("import_expired", import_id=str(job.subject), tenant_id=str(job.tenant_id))
        await self.store.delete(job.tenant_id, job.subject)
