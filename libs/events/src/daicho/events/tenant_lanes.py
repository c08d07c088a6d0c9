"""Lets tenants take turns: each has its events in a lane of its own, worked off in order beside the others.

The turn that a lane waits for is a place of the consumer's, which it asks for anew after each transaction. The records
in all lanes are those that the subscription has out, so its :class:`~daicho.events.bus.Window` bounds their memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from daicho.events.bus import Batch, Record

_TENANT: Final = slice(16)
"""Where a partition key holds the tenant's id; a key that does not is found out when its event is decoded."""

E = TypeVar("E")


@dataclass(slots=True, eq=False)
class BatchProgress:
    """How many records of a batch are left, and whether some were dropped because it is kept no more."""

    batch: Batch
    keeps: Callable[[Batch], bool]
    left: int
    dropped: bool = False

    def may_begin(self) -> bool:
        """Whether its records still count; if not, it will not be committed."""
        if not self.keeps(self.batch):
            self.dropped = True
        return not self.dropped


class Waiting(NamedTuple):
    """A record in a lane."""

    record: Record
    progress: BatchProgress


class TenantLanes(Generic[E]):
    """The lanes of one member's records, from when they are read until their batches are finished."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        keeps: Callable[[Batch], bool],
        prepare: Callable[[Sequence[Waiting]], Awaitable[Sequence[E]]],
        handle: Callable[[Sequence[E]], Awaitable[None]],
        *,
        together: int,
    ) -> None:
        """``keeps``: the subscription's. ``prepare`` answers the events in at most ``together`` records of a lane; it runs
        for the next ones while ``handle`` deals with the former. Both return whatever happens; ``tasks`` runs them.
        """
        self._tasks, self._keeps, self._together = tasks, keeps, together
        self._prepare, self._handle = prepare, handle
        self._lanes: dict[bytes, deque[Waiting]] = {}
        self._finished: list[BatchProgress] = []
        self._news, self._idle = asyncio.Event(), asyncio.Event()

    def put(self, batches: Iterable[Batch]) -> None:
        """Append the records of ``batches`` to their tenants' lanes."""
        for batch in batches:
            progress = BatchProgress(batch, self._keeps, len(batch.records))
            for record in batch.records:
                tenant = record.key[_TENANT]
                lane = self._lanes.get(tenant)
                if lane is None:
                    lane = self._lanes[tenant] = deque()
                    self._tasks.create_task(self._work_off(tenant, lane))
                lane.append(Waiting(record, progress))
        if self._lanes:
            self._idle.clear()

    def drop_lost(self) -> None:
        """Take out the records of batches that the subscription keeps no more."""
        for lane in self._lanes.values():
            waiting = list(lane)
            lane.clear()
            for each in waiting:
                if each.progress.may_begin():
                    lane.append(each)
                else:
                    self._count(each)

    async def finished(self) -> Sequence[BatchProgress]:
        """The batches of which no record is left, once there are some."""
        await self._news.wait()
        self._news.clear()
        finished, self._finished = self._finished, []
        return finished

    async def idle(self, *, within: float) -> None:
        """Return when all lanes are empty, or after ``within`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()

    async def _work_off(self, tenant: bytes, lane: deque[Waiting]) -> None:
        ahead: asyncio.Task[tuple[Sequence[Waiting], Sequence[E]]] | None = None
        while lane or ahead:
            taken, events = await (ahead or self._take(lane))
            ahead = self._tasks.create_task(self._take(lane)) if len(lane) >= self._together else None
            if events:
                await self._handle(events)
            for each in taken:
                self._count(each)
        del self._lanes[tenant]
        if not self._lanes:
            self._idle.set()

    async def _take(self, lane: deque[Waiting]) -> tuple[Sequence[Waiting], Sequence[E]]:
        taken = [lane.popleft() for _ in range(min(len(lane), self._together))]
        return taken, await self._prepare(taken)

    def _count(self, waiting: Waiting) -> None:
        waiting.progress.left -= 1
        if not waiting.progress.left:
            self._finished.append(waiting.progress)
            self._news.set()
