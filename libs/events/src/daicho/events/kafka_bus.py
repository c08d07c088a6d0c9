"""The bus on Kafka.

The producer is idempotent and waits for all in-sync replicas; a batch a partition is built here and sent
whole. Consumers commit by hand. Kafka's own transactions are not used: the inbox does their work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalArgumentError,
    IllegalGenerationError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from daicho.events.bus import (
    ANSWERS_WITHIN,
    PARTITIONS,
    WINDOW,
    Bus,
    BusUnavailable,
    Gap,
    GroupIsRunning,
    Message,
    Record,
    Slot,
    Subscription,
    Window,
    partition_of,
    retention_of,
)
from daicho.events.kafka_address import KafkaAddress
from daicho.events.missed_events import find_gaps

_TOPIC_EXISTS: Final = 36
_STOP_SECONDS: Final = 3.0
_RUNNING: Final = (CommitFailedError, UnknownMemberIdError, IllegalGenerationError)


class KafkaBus(Bus):
    """See :class:`daicho.events.bus.Bus`."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._known: set[str] = set()

    @classmethod
    async def open(cls, url: str) -> KafkaBus:
        """Open an address of :mod:`daicho.events.kafka_address`; connects when first needed."""
        return cls(KafkaAddress.parse(url))

    async def close(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await stop(producer)

    async def ping(self) -> None:
        with reachable():
            async with asyncio.timeout(ANSWERS_WITHIN):
                async with self._admin() as admin:
                    await admin.describe_cluster()

    async def publish(self, messages: Sequence[Message]) -> None:
        slots: dict[tuple[str, int], list[Message]] = {}
        for message in messages:
            slots.setdefault((message.topic, partition_of(message.key)), []).append(message)
        with reachable():
            async with asyncio.timeout(ANSWERS_WITHIN):
                await self.ensure({topic for topic, _ in slots})
                producer = await self._started()
                try:
                    await asyncio.gather(*(_send(producer, *slot, held) for slot, held in slots.items()))
                except BaseException:
                    await self._discard(producer)
                    raise

    async def begin(self, group: str, topics: Collection[str], heard: Collection[str]) -> Sequence[Gap]:
        gaps: list[Gap] = []
        for topic in topics:
            with reachable():
                async with self._alone(topic, group=group) as (consumer, slots):
                    found, beginnings = await _find_gaps(consumer, slots, heard)
                    places = {TopicPartition(*slot): place for slot, place in beginnings.items()}
                    if places:
                        with suppress(*_RUNNING):  # another member has placed the group meanwhile
                            await _place(consumer, places)
            gaps += found
        return gaps

    async def resume(self, group: str, topic: str) -> Sequence[Gap]:
        with reachable():
            async with self._alone(topic, group=group) as (consumer, slots):
                gaps, _ = await _find_gaps(consumer, slots, [topic])
        if gaps:
            await self.rewind(group, topic, {gap.slot.partition: gap.kept_from for gap in gaps})
        return gaps

    def subscribe(
        self, group: str, topics: Sequence[str], *, batch: int = 500, window: Window = WINDOW
    ) -> Subscription:
        from daicho.events.kafka_subscription import KafkaSubscription  # it imports this module

        return KafkaSubscription(self, group, topics, batch, window)

    @asynccontextmanager
    async def hear(self, topic: str) -> AsyncIterator[AsyncIterator[Record]]:
        with reachable():
            async with self._alone(topic) as (consumer, slots):
                await consumer.seek_to_end(*slots)
                for slot in slots:
                    await consumer.position(slot)
                yield _follow(consumer)

    async def read(self, topic: str, *, since: datetime | None = None) -> AsyncIterator[Record]:
        with reachable():
            async with self._alone(topic) as (consumer, slots):
                ends = await consumer.end_offsets(slots)
                starts = await _starts(consumer, slots, since)
                for slot in slots:
                    consumer.seek(slot, starts[slot])
                while left := [slot for slot in slots if await consumer.position(slot) < ends[slot]]:
                    for slot, records in (await consumer.getmany(*left, timeout_ms=1_000)).items():
                        for record in records:
                            if record.offset < ends[slot]:
                                yield record_of(record)

    async def rewind(self, group: str, topic: str, to: datetime | Mapping[int, int]) -> None:
        with reachable():
            async with self._alone(topic, group=group) as (consumer, slots):
                if isinstance(to, Mapping):
                    places = {TopicPartition(topic, number): place for number, place in to.items()}
                else:
                    places = await _starts(consumer, slots, to)
                try:
                    await _place(consumer, places)
                except _RUNNING as error:
                    raise GroupIsRunning from error

    async def backlog(self, group: str, topic: str) -> int:
        with reachable():
            async with self._alone(topic, group=group) as (consumer, slots):
                begins, ends = await consumer.beginning_offsets(slots), await consumer.end_offsets(slots)
                return sum(
                    [ends[slot] - ((await consumer.committed(slot)) or begins[slot]) for slot in slots]
                )

    async def ensure(self, topics: set[str]) -> None:
        """Create the topics that do not exist yet, with their partitions and retention."""
        missing = topics - self._known
        if not missing:
            return
        async with self._admin() as admin:
            # A service hears topics that it may not create: whoever tells on them makes them.
            missing = missing - set(await admin.list_topics())
            brokers = len((await admin.describe_cluster())["brokers"])
            with suppress(TopicAlreadyExistsError):
                answer = await admin.create_topics([_new_topic(topic, brokers) for topic in sorted(missing)])
                for topic, code, *_ in answer.topic_errors:
                    if code not in {0, _TOPIC_EXISTS}:
                        raise BusUnavailable(topic=topic, kafka_error=code)
        self._known |= topics

    def consumer(self, *topics: str, **settings: Any) -> AIOKafkaConsumer:
        """A consumer that commits nothing by itself and jumps over nothing: without a position it fails."""
        return AIOKafkaConsumer(
            *topics,
            **self._address.settings(),
            enable_auto_commit=False,
            auto_offset_reset="none",
            metadata_max_age_ms=30_000,
            **settings,
        )

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            async with self._opening:
                if self._producer is None:
                    producer = AIOKafkaProducer(
                        **self._address.settings(),
                        enable_idempotence=True,
                        acks="all",
                        request_timeout_ms=10_000,
                        max_batch_size=1_000_000,
                    )
                    try:
                        await producer.start()
                    except BaseException:
                        await stop(producer)
                        raise
                    self._producer = producer
        return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        """Drop what a failed producer still holds, so that it does not arrive after later events."""
        if self._producer is producer:
            self._producer = None
        await stop(producer)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._address.settings())
        try:
            await admin.start()
            yield admin
        finally:
            with suppress(KafkaError, OSError):
                await admin.close()

    @asynccontextmanager
    async def _alone(
        self, topic: str, group: str | None = None
    ) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
        """A consumer outside the group's sharing, assigned every partition of ``topic``."""
        await self.ensure({topic})
        consumer = self.consumer(group_id=group)
        try:
            await consumer.start()
            slots = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(slots)
            yield consumer, slots
        finally:
            await stop(consumer)


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop within seconds: aiokafka waits for brokers that are away, and at times for a task of its own."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await client.stop()


@contextmanager
def reachable() -> Iterator[None]:
    """Errors of the connection as :class:`BusUnavailable`."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        if isinstance(error, MessageSizeTooLargeError | IllegalArgumentError):
            raise  # a program error: waiting would not help
        raise BusUnavailable from error


def record_of(record: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        record.topic,
        record.partition,
        record.offset,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        record.key or b"",
        record.value or b"",
        tuple((intern(name), bytes(value)) for name, value in record.headers),
    )


async def _send(producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[Message]) -> None:
    """Send batch after batch; each is acknowledged before this returns."""
    acknowledged: list[asyncio.Future[Any]] = []
    batch = producer.create_batch()
    for message in messages:
        parts = {
            "key": message.key,
            "value": message.value,
            "headers": list(message.headers),
            "timestamp": None,
        }
        if batch.append(**parts) is None:
            acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            if batch.append(**parts) is None:
                raise MessageSizeTooLargeError(topic)
    acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*acknowledged)


async def _find_gaps(
    consumer: AIOKafkaConsumer, slots: Sequence[TopicPartition], heard: Collection[str]
) -> tuple[list[Gap], dict[Slot, int]]:
    stands = {Slot(*slot): place for slot in slots if (place := await consumer.committed(slot)) is not None}
    begins, ends = await consumer.beginning_offsets(slots), await consumer.end_offsets(slots)
    kept = {Slot(*slot): (begins[slot], ends[slot]) for slot in slots}
    return find_gaps({slot.topic for slot in slots}, heard, stands, kept)


async def _place(consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int]) -> None:
    await consumer.commit({slot: OffsetAndMetadata(place, "") for slot, place in places.items()})


async def _starts(
    consumer: AIOKafkaConsumer, slots: Sequence[TopicPartition], since: datetime | None
) -> dict[TopicPartition, int]:
    if since is None:
        return dict(await consumer.beginning_offsets(slots))
    wanted = dict.fromkeys(slots, int(since.timestamp() * 1000))
    found, ends = await consumer.offsets_for_times(wanted), await consumer.end_offsets(slots)
    return {slot: found[slot].offset if found[slot] is not None else ends[slot] for slot in slots}


async def _follow(consumer: AIOKafkaConsumer) -> AsyncIterator[Record]:
    while True:
        with reachable():
            record = await consumer.getone()
        yield record_of(record)


def _new_topic(topic: str, brokers: int) -> NewTopic:
    """Three copies where there are three brokers, and one of them may be away."""
    copies = min(3, brokers)
    retention = int(retention_of(topic).total_seconds() * 1000)
    return NewTopic(
        name=topic,
        num_partitions=PARTITIONS,
        replication_factor=copies,
        topic_configs={
            "retention.ms": str(retention),
            "min.insync.replicas": str(max(1, copies - 1)),
            "message.timestamp.type": "LogAppendTime",
        },
    )
