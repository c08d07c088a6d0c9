"""A member of a group on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownMemberIdError,
)

from daicho.events.bus import Batch, BusUnavailable, Slot, Subscription, Window
from daicho.events.kafka_bus import KafkaBus, reachable, record_of, stop
from daicho.events.missed_events import EventsMissed
from daicho.events.read_ahead import ReadAhead

_NOT_MINE: Final = (CommitFailedError, IllegalGenerationError, IllegalStateError, UnknownMemberIdError)
_FINISH_SECONDS: Final = 10.0
_POLL_MS: Final = 1_000


class KafkaSubscription(Subscription, ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Reads with one request at a time, which goes on while this member is told to leave slots.

    Every rebalance ends this member's hold on all its slots; those that it keeps begin anew at what was committed.
    """

    def __init__(self, bus: KafkaBus, group: str, topics: Sequence[str], batch: int, window: Window) -> None:
        self._bus, self._group, self._topics, self._batch = bus, group, tuple(topics), batch
        self._consumer: AIOKafkaConsumer | None = None
        self._read_ahead = ReadAhead(window)
        self._committing = asyncio.Lock()
        self._settled, self._left = asyncio.Event(), asyncio.Event()
        self._poll: asyncio.Task[tuple[int, Mapping[TopicPartition, Sequence[Any]]]] | None = None
        self._assignments = 0
        self._again: dict[Slot, int] = {}

    @property
    def slots(self) -> Collection[Slot]:
        if self._consumer is None:
            return frozenset()
        return frozenset(Slot(slot.topic, slot.partition) for slot in self._consumer.assignment())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._read_ahead.forget()
        self._settled.set()
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)
            self._poll = None
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await stop(consumer)

    async def next(self) -> Sequence[Batch]:
        while not self._left.is_set():
            with reachable():
                found = await self._read(await self._started())
            if batches := self._batches(found):
                return batches
        self._left.clear()
        return []

    async def _read(self, consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, Sequence[Any]]:
        """The records of the running request, once it has some; nothing when slots are to be left meanwhile."""
        if self._poll is None:
            for slot, position in self._again.items():
                if slot in self.slots:
                    consumer.seek(TopicPartition(*slot), position)
            self._again.clear()
            self._pause()
            self._poll = asyncio.create_task(self._ask(consumer))
        leaving = asyncio.create_task(self._left.wait())
        try:
            await asyncio.wait([self._poll, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        if self._left.is_set() or not self._poll.done():
            return {}
        poll, self._poll = self._poll, None
        try:
            assignments, found = poll.result()
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            raise EventsMissed from error
        return found if assignments == self._assignments else {}

    async def _ask(self, consumer: AIOKafkaConsumer) -> tuple[int, Mapping[TopicPartition, Sequence[Any]]]:
        found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._batch)
        return self._assignments, found

    def _batches(self, found: Mapping[TopicPartition, Sequence[Any]]) -> list[Batch]:
        slots = {Slot(place.topic, place.partition): records for place, records in found.items()}
        shut = self._again.keys() | self._read_ahead.closed  # they are read again from what was given back
        return [
            self._read_ahead.add(slot, tuple(map(record_of, records)))
            for slot, records in slots.items()
            if slot not in shut
        ]

    def _pause(self) -> None:
        """Ask for no more while the window is full; for nothing in slots with something given back."""
        if self._consumer is None:
            return
        assigned, paused = self._consumer.assignment(), self._consumer.paused()
        room = self._read_ahead.records_left > 0 and self._read_ahead.bytes_left > 0
        closed = {TopicPartition(*slot) for slot in self._read_ahead.closed}
        shut = assigned & closed if room else assigned
        if shut - paused:
            self._consumer.pause(*(shut - paused))
        if paused - shut:
            self._consumer.resume(*(paused - shut))

    def keeps(self, batch: Batch) -> bool:
        return self._read_ahead.keeps(batch)

    async def commit(self, *batches: Batch) -> bool:
        async with self._committing:
            if self._consumer is None:
                return not batches
            if reached := self._read_ahead.reach(batches):
                places = {TopicPartition(*slot): position for slot, position in reached.items()}
                try:
                    with reachable():
                        await self._consumer.commit(places)
                except BusUnavailable as error:
                    if not isinstance(error.__cause__, _NOT_MINE):
                        raise
                    for batch in batches:
                        await self.give_back(batch)
                    self._left.set()
                    return False
            held = all(map(self._read_ahead.holds, batches))
            self._go_on(self._read_ahead.finish(batches))
        return held

    async def give_back(self, batch: Batch) -> None:
        self._go_on(self._read_ahead.give_back(batch))

    def _go_on(self, again: Mapping[Slot, int]) -> None:
        self._again.update(again)
        self._settled.set()
        if self._poll is not None and self._read_ahead.records_left > 0 and self._read_ahead.bytes_left > 0:
            self._pause()  # which resumes

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let what is being handled be finished and committed, for a while."""
        handed = {Slot(place.topic, place.partition) for place in revoked}
        self._assignments += 1
        if self._read_ahead.retire(handed):
            self._left.set()
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                while handed & set(self._read_ahead.busy):
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError:
            self._read_ahead.forget(handed)
            self._left.set()
        for slot in handed:
            self._again.pop(slot, None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Positions come from what the group committed."""

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            await self._bus.ensure(set(self._topics))
            if await self._bus.begin(self._group, self._topics, ()):
                raise EventsMissed
            consumer = self._bus.consumer(
                group_id=self._group,
                session_timeout_ms=10_000,
                heartbeat_interval_ms=1_000,
                rebalance_timeout_ms=20_000,
                max_poll_interval_ms=300_000,
                fetch_max_wait_ms=250,
            )
            consumer.subscribe(list(self._topics), listener=self)
            try:
                await consumer.start()
            except BaseException:
                await stop(consumer)
                raise
            self._consumer = consumer
        return self._consumer
