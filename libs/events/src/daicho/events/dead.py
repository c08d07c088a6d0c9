"""Dead letters: what a consumer could not deal with, kept with the reason, to be played again by command."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Final
from uuid import UUID

from daicho.events.bus import DEAD, Bus, Message, Record
from daicho.events.merkle_tree import leaf_hash
from daicho.events.signatures import REPLAYED, replay_statement
from daicho.events.topics import service_of
from daicho.faults import Fault
from daicho.keyring import Transit, bus_key

FOR: Final = "for"
"""The header of a revived letter that names its consumer."""
_HEADERS: Final = ("dead-reason", "dead-consumer", "dead-attempts", "dead-topic", "dead-position")


class Rejected(Exception):
    """Raised by a handler for an event that no second try will mend; it goes to the dead letters at once.

    ``reason`` is kept on the bus: no personal data in it.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as operators see it; ``record`` holds the event itself."""

    record: Record
    topic: str
    consumer: str
    reason: str
    attempts: int

    @property
    def event_id(self) -> UUID | None:
        """The event's id, if the record had one."""
        value = dict(self.record.headers).get("id", b"")
        return UUID(bytes=value) if len(value) == 16 else None


def letter_for(record: Record, *, consumer: str, error: BaseException, attempts: int) -> Message:
    """``record`` as it goes to the dead letters of its topic."""
    values = (
        reason_of(error),
        consumer,
        str(attempts),
        record.topic,
        f"{record.partition}:{record.position}",
    )
    added = tuple(zip(_HEADERS, (value.encode() for value in values), strict=True))
    return Message(record.topic + DEAD, record.key, record.value, _without(record) + added)


def reason_of(error: BaseException) -> str:
    """The type and place of an error, without its message, which may quote personal data."""
    if isinstance(error, Rejected):
        return error.reason
    name = error.code if isinstance(error, Fault) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "daicho" in PurePath(frame.filename).parts] or list(frames)
    if not ours:
        return name
    path = "/".join(PurePath(ours[-1].filename).parts[-3:])
    return f"{name} at {path}:{ours[-1].lineno}"


async def dead_letters(
    bus: Bus, topic: str, *, consumer: str | None = None, since: datetime | None = None
) -> AsyncIterator[DeadLetter]:
    """The dead letters of ``topic``, of one consumer or of all."""
    async for record in bus.read(topic + DEAD, since=since):
        headers = dict(record.headers)
        letter = DeadLetter(
            record=record,
            topic=topic,
            consumer=headers.get("dead-consumer", b"").decode(),
            reason=headers.get("dead-reason", b"").decode(),
            attempts=int(headers.get("dead-attempts", b"0")),
        )
        if consumer is None or letter.consumer == consumer:
            yield letter


class AnothersLetter(Exception):
    """The letter belongs to a consumer of another service, which alone may hear it again."""


async def revive(bus: Bus, letter: DeadLetter, transit: Transit) -> None:
    """Publish a dead letter to its topic again, for the consumer whose letter it was.

    It keeps its id: if it has had its effect by now, nothing happens. Verify it first: ``transit``, the consumer's own
    service's, vouches for it to that consumer. Raises :class:`AnothersLetter` when it is another service's.
    """
    if service_of(letter.consumer) != transit.service:
        raise AnothersLetter(letter.consumer)
    record = letter.record
    statement = replay_statement(leaf_hash(letter.topic, record.key, record.value), letter.consumer)
    signature, version = await transit.sign(bus_key(transit.service), statement)
    vouched = (FOR, letter.consumer.encode()), (REPLAYED, version.to_bytes(2, "big") + signature)
    await bus.publish([Message(letter.topic, record.key, record.value, (*_without(record), *vouched))])


def is_for(record: Record, consumer: str) -> bool:
    """Whether ``record`` is for ``consumer``: it was revived for that consumer, or for nobody in particular."""
    return all(name != FOR or value == consumer.encode() for name, value in record.headers)


def _without(record: Record) -> tuple[tuple[str, bytes], ...]:
    return tuple(header for header in record.headers if header[0] not in {*_HEADERS, FOR, REPLAYED})
