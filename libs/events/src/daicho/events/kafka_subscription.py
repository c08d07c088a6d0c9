"""A member of a group on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnknownMemberIdError,
)

from daicho.events.bus import Batch, BusUnavailable, Slot, Subscription
from daicho.events.kafka_bus import KafkaBus, reachable, record_of, stop
from daicho.events.missed_events import EventsMissed

_NOT_MINE: Final = (CommitFailedError, IllegalGenerationError, IllegalStateError, UnknownMemberIdError)
_FINISH_SECONDS: Final = 10.0
_POLL_MS: Final = 1_000


class KafkaSubscription(Subscription, ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """A slot with a batch out is paused until the batch is committed or given back."""

    def __init__(self, bus: KafkaBus, group: str, topics: Sequence[str], batch: int) -> None:
        self._bus, self._group, self._topics, self._batch = bus, group, tuple(topics), batch
        self._consumer: AIOKafkaConsumer | None = None
        self._forget()

    def _forget(self) -> None:
        self._out: dict[Slot, object] = {}
        self._freed = asyncio.Event()

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
        self._out.clear()
        await self._stop()

    async def next(self) -> Sequence[Batch]:
        while True:
            with reachable():
                consumer = await self._started()
                try:
                    found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._batch)
                except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
                    raise EventsMissed from error
            batches = []
            for place, records in found.items():
                batch = Batch(Slot(place.topic, place.partition), tuple(map(record_of, records)), object())
                self._out[batch.slot] = batch.ticket
                consumer.pause(place)
                batches.append(batch)
            if batches:
                return batches

    async def commit(self, *batches: Batch) -> bool:
        consumer = self._consumer
        mine = [batch for batch in batches if self._out.get(batch.slot) is batch.ticket]
        if consumer is None or not mine:
            return not batches
        places = {TopicPartition(*batch.slot): batch.records[-1].position + 1 for batch in mine}
        committed = len(mine) == len(batches)
        try:
            with reachable():
                await consumer.commit(places)
        except BusUnavailable as error:
            if not isinstance(error.__cause__, _NOT_MINE):
                raise
            committed = False
        for batch in mine:
            self._free(batch, None)
        return committed

    async def give_back(self, batch: Batch) -> None:
        self._free(batch, batch.records[0].position)

    def _free(self, batch: Batch, position: int | None) -> None:
        if self._out.get(batch.slot) is not batch.ticket:
            return
        del self._out[batch.slot]
        self._freed.set()
        place = TopicPartition(*batch.slot)
        if self._consumer is not None and place in self._consumer.assignment():
            if position is not None:
                self._consumer.seek(place, position)
            self._consumer.resume(place)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let what is being handled be finished and committed, for a while."""
        handed = {Slot(place.topic, place.partition) for place in revoked}
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                while self._out.keys() & handed:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            for slot in handed:
                self._out.pop(slot, None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Positions come from what the group committed."""

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            await self._bus.ensure(set(self._topics))
            if await self._bus.begin(self._group, self._topics, ()):
                raise EventsMissed
            self._forget()
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

    async def _stop(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await stop(consumer)
