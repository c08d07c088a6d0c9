"""Entries of the access log about refused requests, committed before the refusal leaves.

Somebody who tries ids one after the other must not fill the log: of one actor the first attempts of each minute
have entries of their own, the others are counted by resource and enter as one entry when the minute is over. A
process that is killed takes the counts of its last minute along, never an entry.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from daicho.contracts.audit.events.v1 import events_pb2
from daicho.events.access_log import AccessLog
from daicho.faults import Unavailable
from daicho.tenancy import Actor

_log = structlog.get_logger()

MOST: Final = 20
"""Attempts of one actor within a window that have entries of their own."""
WINDOW: Final = 60.0
_LOOK_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Window:
    actor: Actor
    ends: float
    entered: int = 0
    more: Counter[tuple[str, str, int]] = field(default_factory=Counter)


class Refusals:
    """The refusals of one process. Counts are entered while :meth:`run` runs, and by :meth:`close`."""

    def __init__(
        self,
        access_log: AccessLog,
        *,
        most: int = MOST,
        window: float = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access_log, self._most, self._length, self._clock = access_log, most, window, clock
        self._windows: dict[tuple[UUID, UUID | None, str | None], _Window] = {}

    async def note(
        self, actor: Actor, *, resource: str, method: str, ids: Sequence[UUID], status: int
    ) -> None:
        """``actor`` was answered ``status`` (403 or 404) when they asked for ``ids`` of ``resource``.

        Returns once that is committed or counted. Raises :class:`~daicho.faults.Unavailable` when it could
        not be written.
        """
        name = (actor.tenant_id, actor.user_id, actor.service)
        window = self._windows.get(name)
        if window is None or window.ends <= self._clock():
            counted = window.more if window is not None else Counter()
            window = self._windows[name] = _Window(actor, self._clock() + self._length, more=counted)
            await self._enter_counts(window)
        if window.entered >= self._most:
            window.more[resource, method, status] += 1
            return
        window.entered += 1
        refused = events_pb2.Refused(
            resource=resource, method=method, ids=[each.bytes for each in ids], status=status
        )
        await self._access_log.enter(actor, [refused])

    async def run(self) -> None:
        """Enter the counts of minutes that are over; until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Enter the counts of every window that has ended; those that cannot be written now wait."""
        now = self._clock()
        for name, window in list(self._windows.items()):
            if window.ends <= now:
                try:
                    await self._enter_counts(window)
                except Unavailable as error:
                    _log.warning("refusals_wait", error=error.code, attempts=window.more.total())
                    return
                if self._windows.get(name) is window:
                    del self._windows[name]

    async def close(self) -> None:
        """Enter what is counted by now."""
        for window in self._windows.values():
            try:
                await self._enter_counts(window)
            except Unavailable as error:
                _log.error("refusals_lost", error=error.code, attempts=window.more.total())

    async def _enter_counts(self, window: _Window) -> None:
        counts, window.more = window.more, Counter()
        if not counts:
            return
        try:
            await self._access_log.enter(
                window.actor,
                [
                    events_pb2.Refused(resource=resource, method=method, status=status, more=more)
                    for (resource, method, status), more in counts.items()
                ],
            )
        except Unavailable:
            window.more.update(counts)
            raise
