"""Stop a consumer group that was away for longer than the bus keeps events, instead of skipping the gap.

A group's progress is stored twice: as its positions on the bus, and by topic in the service's own database
(``heard_topic``), because Kafka forgets the positions of a group that is away, and a topic can be created again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from opentelemetry import metrics

from daicho.events.bus import Batch, Bus, Gap, GroupIsRunning, Slot
from daicho.faults import Unavailable
from daicho.tenancy import Database

log = structlog.get_logger()
_missed = metrics.get_meter("daicho.events").create_counter("daicho.events.missed", unit="{gap}")

LOOK_SECONDS: Final = 5.0
REMEMBER_SECONDS: Final = 60.0
_KNOWN: Final = "SELECT topic, heard_until FROM heard_topic WHERE consumer = $1"
_REMEMBER: Final = """
    INSERT INTO heard_topic (consumer, topic, heard_until)
    SELECT $1, * FROM unnest($2::text[], $3::timestamptz[])
    ON CONFLICT (consumer, topic) DO UPDATE SET heard_until = greatest(heard_topic.heard_until, excluded.heard_until)
"""


class EventsMissed(Exception):
    """The group's position is older than the oldest event on the bus. Raised while it reads."""


@dataclass(frozen=True, slots=True)
class Missed:
    """The part of a topic that a group missed: everything told between ``heard_until`` and ``kept_since`` (None: unknown)."""

    group: str
    topic: str
    heard_until: datetime | None
    kept_since: datetime | None


Alarm = Callable[[Missed], Awaitable[None]]
Snapshot = Callable[[], Awaitable[None]]


def find_gaps(
    topics: Collection[str],
    heard: Collection[str],
    stands: Mapping[Slot, int],
    kept: Mapping[Slot, tuple[int, int]],
) -> tuple[list[Gap], dict[Slot, int]]:
    """``(gaps, beginnings)`` of a group: where it cannot go on, and where it begins for the first time.

    ``heard`` are the topics that it has heard before; ``stands`` its positions on the bus; ``kept`` maps every slot to
    the first position that it keeps and the next one. A group that never heard a topic begins at the oldest event.
    One that did, and has no position or one outside of what is kept, has missed something: retention, a topic that was
    made anew, or positions that were forgotten.
    """
    gaps, beginnings = [], {}
    begun = {slot.topic for slot in stands} | set(heard)
    for slot, (first, after) in kept.items():
        if slot.topic not in topics:
            continue
        position = stands.get(slot)
        if slot.topic not in begun:
            beginnings[slot] = first
        elif position is None and (first > 0 or not any(each.topic == slot.topic for each in stands)):
            gaps.append(Gap(slot, None, first))
        elif position is None:
            beginnings[slot] = first
        elif not first <= position <= after:
            gaps.append(Gap(slot, position, first))
    return gaps, beginnings


class Continuity:
    """Lets one group read only from positions that the bus still keeps, and stores its progress."""

    def __init__(
        self,
        bus: Bus,
        group: str,
        database: Database,
        *,
        topics: Sequence[str],
        snapshot: Snapshot | None,
        on_missed: Alarm | None,
    ) -> None:
        """``snapshot`` loads the state that the missed events would have produced; None: an operator must resume the group."""
        self._bus, self._group, self._database, self._topics = bus, group, database, tuple(topics)
        self._snapshot, self._on_missed = snapshot, on_missed
        self._until: dict[str, datetime] = {}

    async def recover(self, wait_out: Callable[[Unavailable, int], Awaitable[None]]) -> None:
        """Return when the group's positions are on events that the bus keeps.

        After a gap it takes the snapshot, or waits until an operator lets it go on; what was missed is reported
        once. ``wait_out`` is called while something is away, with the number of tries.
        """
        reported: set[str] = set()
        tries = 0
        while True:
            try:
                if await self._is_whole(reported):
                    return
                if self._snapshot is None or not await self._take(self._snapshot, reported):
                    await asyncio.sleep(LOOK_SECONDS)
            except Unavailable as fault:
                tries += 1
                await wait_out(fault, tries)

    def note(self, batches: Sequence[Batch]) -> None:
        """The group has dealt with ``batches``."""
        for batch in batches:
            self._until[batch.slot.topic] = batch.records[-1].time

    async def remember_forever(self) -> None:
        """Write down, each minute, until when the group has heard; until cancelled."""
        while True:
            await asyncio.sleep(REMEMBER_SECONDS)
            until, self._until = self._until, {}
            try:
                await self._remember(until)
            except Unavailable as error:
                log.warning("heard_topics_not_remembered", consumer=self._group, error=error.code)

    async def _is_whole(self, reported: set[str]) -> bool:
        heard = await self._heard()
        gaps = await self._bus.begin(self._group, self._topics, heard)
        if not gaps:
            now = datetime.now(UTC)
            await self._remember({topic: now for topic in self._topics if topic not in heard})
            return True
        for topic in sorted({gap.slot.topic for gap in gaps} - reported):
            await self._report(Missed(self._group, topic, heard.get(topic), await self._kept_since(topic)))
            reported.add(topic)
        return False

    async def _take(self, snapshot: Snapshot, topics: Collection[str]) -> bool:
        """Go on at the oldest events kept, then take the snapshot: it is newer than those, whatever comes again."""
        try:
            for topic in topics:
                await self._bus.resume(self._group, topic)
        except GroupIsRunning:
            return False  # a member that has not met its gap yet; it will
        await snapshot()
        log.warning("snapshot_taken", consumer=self._group, topics=sorted(topics))
        return True

    async def _report(self, missed: Missed) -> None:
        log.error(
            "events_missed",
            consumer=missed.group,
            topic=missed.topic,
            heard_until=missed.heard_until and missed.heard_until.isoformat(timespec="seconds"),
            kept_since=missed.kept_since and missed.kept_since.isoformat(timespec="seconds"),
            advice="a snapshot is taken" if self._snapshot else "take a snapshot, then: daicho events resume",
        )
        _missed.add(1, {"consumer": missed.group, "topic": missed.topic})
        if self._on_missed is not None:
            await self._on_missed(missed)

    async def _kept_since(self, topic: str) -> datetime | None:
        async for record in self._bus.read(topic):
            return record.time
        return None

    async def _heard(self) -> dict[str, datetime]:
        async with self._database.tenantless() as tx:
            return {row["topic"]: row["heard_until"] for row in await tx.driver.fetch(_KNOWN, self._group)}

    async def _remember(self, until: Mapping[str, datetime]) -> None:
        if until:
            async with self._database.tenantless() as tx:
                await tx.driver.execute(_REMEMBER, self._group, list(until), list(until.values()))
