"""How much of uploads a process and a company take at a time: bodies under way, bytes on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from daicho.customers.imports import repository
from daicho.customers.imports.faults import FilesBusy, ImportsFull, StorageUnavailable, TooManyUploads
from daicho.faults import TooBusy
from daicho.keyring import FileStore
from daicho.runtime.concurrency_limit import Bounds, ConcurrencyLimit
from daicho.tenancy import Actor, Database

AT_ONCE: Final = 24
"""Uploads of everybody that a process receives or looks at."""
PER_TENANT: Final = 6
_BOUNDS: Final = Bounds(places=AT_ONCE, per_tenant=PER_TENANT, waiting=0, deadline=0)
MAX_STORED: Final = 2_000_000_000
"""Bytes of a company's files whose imports have not run."""
MIN_FREE: Final = 256 * 1024 * 1024
"""Bytes that uploads leave free on the disk."""
_RETRY_AFTER: Final = 5


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Belongs to one process."""

    database: Database
    store: FileStore
    limit: ConcurrencyLimit = field(default_factory=lambda: ConcurrencyLimit(_BOUNDS))
    max_stored: int = MAX_STORED

    @asynccontextmanager
    async def upload(self, actor: Actor) -> AsyncIterator[None]:
        """The time from an upload's first byte until its answer.

        Raises:
            TooManyUploads, FilesBusy: as :meth:`slot`.
            ImportsFull: the company's files take too much space already.
            StorageUnavailable: so does everything on this disk.
        """
        async with self.slot(actor):
            await self._demand_space(actor)
            yield

    @asynccontextmanager
    async def slot(self, actor: Actor) -> AsyncIterator[None]:
        """The time in which a file is received or looked at.

        Raises:
            TooManyUploads, FilesBusy: too many are, of the company or in all.
        """
        try:
            await self.limit.take(actor.tenant_id)
        except TooBusy:
            fault = FilesBusy if self.limit.has_share(actor.tenant_id) else TooManyUploads
            raise fault(retry_after=_RETRY_AFTER) from None
        try:
            yield
        finally:
            self.limit.give_back(actor.tenant_id)

    async def _demand_space(self, actor: Actor) -> None:
        async with self.database.reading(actor) as tx:
            stored = await repository.stored_bytes(tx)
        if stored >= self.max_stored:
            raise ImportsFull(limit=self.max_stored)
        if await asyncio.to_thread(self.store.free_space) < MIN_FREE:
            raise StorageUnavailable
