"""Putting work down."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries

from daicho.jobs.job import Job
from daicho.tenancy import TenantTransaction


async def enqueue(tx: TenantTransaction, name: str, subject: UUID, *, after: timedelta | None = None) -> None:
    """Ask for ``name`` to be done about ``subject`` once ``tx`` has committed, not before ``after`` has passed.

    Nothing is asked for when the transaction rolls back. The same job may stand in the queue twice; a
    handler looks at its subject's state first and does nothing when nothing is left to do.
    """
    job = Job(name=name, tenant_id=tx.tenant_id, subject=subject, attempt=0)
    await Queries(AsyncpgDriver(tx.driver)).enqueue(name, job.encode(), execute_after=after)
