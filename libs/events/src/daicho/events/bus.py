"""The interface of a bus, and what every implementation guarantees.

A topic has :data:`PARTITIONS` partitions. Messages with one key go to one partition and keep their order.
A group of consumers remembers how far it has read each partition; at any time one member reads a
partition. What was published before a group's first look is there for it. Delivery is at least once.

``tests/contract/test_bus.py`` and ``test_bus_read_ahead.py`` hold every driver to this.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, NamedTuple, Protocol, Self

from daicho.faults import Conflict, Unavailable

PARTITIONS = 8
ANSWERS_WITHIN = 10.0
"""Seconds in which a bus that is there takes a batch."""
DEAD = ".dead"
"""The suffix that names a topic's dead letters."""
BROADCAST = ".revocations"
"""How the names of topics end that everyone hears, now or never."""


class Message(NamedTuple):
    """Something to publish. Messages of one ``key`` keep their order."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Record(NamedTuple):
    """A message as it lies on the bus; ``position`` grows by one along a partition."""

    topic: str
    partition: int
    position: int
    time: datetime
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    predates_signatures: bool = False
    """Whether it lay on the bus before events were signed; only the bus's own migration says so."""


class Slot(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Gap(NamedTuple):
    """A group stands at ``position`` of a slot (None: nowhere any more), which keeps nothing before ``kept_from``."""

    slot: Slot
    position: int | None
    kept_from: int


@dataclass(frozen=True, slots=True)
class Window:
    """How much one member may have out: a bound of the memory that its records take.

    ``bytes`` counts a record as it lies in memory, which is 600 more than its key, value and headers. The last
    read may go over ``bytes`` by a record a slot, and over ``records`` by a batch a slot.
    """

    records: int = 65_536
    bytes: int = 64 * 1024 * 1024


WINDOW: Final = Window()


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one slot in their order, handed to one member of a group until it commits or returns it."""

    slot: Slot
    records: Sequence[Record]
    ticket: object = field(repr=False)


class Subscription(Protocol):
    """One member of a group.

    It reads ahead: a slot may have several batches out, in the order of their positions, as long as all that is out
    fits the member's :class:`Window`.
    """

    async def next(self) -> Sequence[Batch]:
        """The new records of this member's slots, at most one batch a slot.

        Waits until there is something and the window has room for it. Answers nothing when batches that are out no
        longer count (:meth:`keeps`). Raises :class:`daicho.faults.Unavailable` while the bus is away; asking
        again is safe. Raises :class:`daicho.events.missed_events.EventsMissed` when retention has overtaken the group.
        """
        ...

    def keeps(self, batch: Batch) -> bool:
        """Whether the batch is out and its slot is to stay this member's; once false, it stays false.

        Begin nothing more of a batch that is not kept; give it back, or commit it if all of it is done.
        """
        ...

    async def commit(self, *batches: Batch) -> bool:
        """The group has done with ``batches``. False when a slot among them was no longer this member's.

        A slot's position moves behind the last batch before which none is out. Raises
        :class:`daicho.faults.Unavailable`; the batches may be committed again.
        """
        ...

    async def give_back(self, batch: Batch) -> None:
        """The batch was not dealt with: it and those after it in its slot come again, to this member or to another.

        To this member they come once all batches of the slot are committed or given back.
        """
        ...

    @property
    def slots(self) -> Collection[Slot]:
        """The slots that are this member's at this moment."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Bus(Protocol):
    """A connection to the bus. Every method raises :class:`daicho.faults.Unavailable` while it is away."""

    async def ping(self) -> None:
        """Returns when the bus answers; raises within :data:`ANSWERS_WITHIN` seconds when it does not."""
        ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns once every message is kept. After an error some may be on the bus: publish all again.

        A bus that takes the connection and does not answer counts as away after :data:`ANSWERS_WITHIN` seconds.
        """
        ...

    async def begin(self, group: str, topics: Collection[str], heard: Collection[str]) -> Sequence[Gap]:
        """Place ``group`` at the oldest events of topics that it never heard; answers where it cannot go on.

        ``heard``: the topics that it has heard before, whatever the bus remembers. Call it before
        :meth:`subscribe`; while there are gaps, do not subscribe.
        """
        ...

    async def resume(self, group: str, topic: str) -> Sequence[Gap]:
        """Let ``group`` go on behind its gaps in ``topic``, at the oldest events kept; answers what they were.

        Raises :class:`daicho.faults.Conflict` while the group has members.
        """
        ...

    def subscribe(
        self, group: str, topics: Sequence[str], *, batch: int = 500, window: Window = WINDOW
    ) -> Subscription:
        """A new member of ``group``. All members of a group name the same topics. Enter it to join.

        ``batch``: the most records in one batch; ``window``: the most that are out.
        """
        ...

    def hear(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[Record]]:
        """Everything published to ``topic`` once entered, outside any group. Ends only with an error."""
        ...

    def read(self, topic: str, *, since: datetime | None = None) -> AsyncIterator[Record]:
        """The records of ``topic`` now, from the first record not before ``since``; in order within a partition."""
        ...

    async def rewind(self, group: str, topic: str, to: datetime | Mapping[int, int]) -> None:
        """Let ``group`` go on from the first record not before a time, or from a position per partition.

        Raises :class:`daicho.faults.Conflict` while the group has members.
        """
        ...

    async def backlog(self, group: str, topic: str) -> int:
        """How many records of ``topic`` the group has not yet done with."""
        ...

    async def close(self) -> None: ...


class BusUnavailable(Unavailable):
    """The bus is away; what was not acknowledged is to be published again."""

    code = "bus_unavailable"


class GroupIsRunning(Conflict):
    """A group's positions cannot be set while it has members."""

    code = "group_is_running"


def partition_of(key: bytes) -> int:
    """The partition for ``key``, the same in every driver: CRC-32 modulo :data:`PARTITIONS`."""
    return zlib.crc32(key) % PARTITIONS


def retention_of(topic: str) -> timedelta:
    """How long a topic keeps its records: broadcasts an hour, dead letters 30 days, the rest 7 days."""
    if topic.endswith(BROADCAST):
        return timedelta(hours=1)
    return timedelta(days=30 if topic.endswith(DEAD) else 7)


async def open_bus(url: str) -> Bus:
    """The bus at ``postgresql://role:password@host/bus``, or at a Kafka's :mod:`~daicho.events.kafka_address`."""
    if url.startswith(("kafka://", "kafkas://")):
        from daicho.events.kafka_bus import KafkaBus  # a process loads the driver that it uses

        return await KafkaBus.open(url)
    from daicho.events.postgres_bus import PostgresBus

    return await PostgresBus.open(url)
