"""The batches that one member of a group has out: several a slot, within a window, committed in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from daicho.events.bus import Batch, Record, Slot, Window

RECORD_BYTES: Final = 600
"""The memory of a record with two headers and of its place in a lane, without its own bytes (571 in CPython 3.11)."""
_FULL_OF_BYTES: Final = 7 / 8
"""A window counts as full at this part: the remaining bytes are divided among the slots, and each would read a tiny piece."""
_REOPENS_AT: Final = 3 / 4
"""A full window is read into again when it is no fuller than this: many small reads cost more than a few large ones."""


class _State(Enum):
    OUT = auto()
    DONE = auto()
    RETURNED = auto()


@dataclass(slots=True, eq=False)
class _Handed:
    """A batch that was handed out; ``after`` is the position behind it."""

    ticket: object
    first: int
    after: int
    records: int
    bytes: int
    state: _State = _State.OUT
    retired: bool = False


class ReadAhead:
    """Which batches are out, which of them still count, and how far each slot is done.

    Nothing here waits or asks a server. A subscription calls :meth:`reach` before it commits and :meth:`finish` after.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._slots: dict[Slot, deque[_Handed]] = {}
        self._out: dict[object, _Handed] = {}
        self._closed: set[Slot] = set()
        self._records = self._bytes = 0
        self._full = False

    @property
    def busy(self) -> Collection[Slot]:
        """The slots with a batch that was neither committed nor given back, or not yet in its turn."""
        return self._slots.keys()

    @property
    def closed(self) -> Collection[Slot]:
        """The slots with a batch that is retired or was given back: read nothing there before all are settled."""
        return self._closed

    @property
    def records_left(self) -> int:
        """How many more records may be read; 0 while the window is full."""
        return 0 if self._full else self._window.records - self._records

    @property
    def bytes_left(self) -> int:
        """How many more bytes may be read, counted as :func:`size_of` does; 0 while the window is full."""
        return 0 if self._full else self._window.bytes - self._bytes

    def add(self, slot: Slot, records: Sequence[Record]) -> Batch:
        """Hand out ``records``, which follow those of the slot's last batch."""
        batch = Batch(slot, records, ticket=object())
        handed = _Handed(
            batch.ticket,
            records[0].position,
            records[-1].position + 1,
            len(records),
            sum(map(size_of, records)),
        )
        self._slots.setdefault(slot, deque()).append(handed)
        self._out[batch.ticket] = handed
        self._count(handed.records, handed.bytes)
        return batch

    def holds(self, batch: Batch) -> bool:
        """Whether the batch is out."""
        return batch.ticket in self._out

    def keeps(self, batch: Batch) -> bool:
        """Whether the batch is out and its slot is to stay; never true again once it was false."""
        handed = self._out.get(batch.ticket)
        return handed is not None and not handed.retired

    def retire(self, slots: Iterable[Slot]) -> bool:
        """The slots are to go to another member; whether a batch is out in them that was not retired before."""
        found = False
        for slot in slots:
            for handed in self._slots.get(slot, ()):
                found = found or not handed.retired
                handed.retired = True
                self._closed.add(slot)
        return found

    def reach(self, batches: Iterable[Batch]) -> Mapping[Slot, int]:
        """Where slots may be committed to once ``batches`` are done: behind the last with none out before it."""
        done = {batch.ticket for batch in batches}
        reached = {}
        for slot in {batch.slot for batch in batches if self.holds(batch)}:
            for handed in self._slots[slot]:
                if handed.state is not _State.DONE and handed.ticket not in done:
                    break
                reached[slot] = handed.after
        return reached

    def finish(self, batches: Iterable[Batch]) -> Mapping[Slot, int]:
        """``batches`` are done and :meth:`reach` is committed; answers where slots go on after a batch given back."""
        slots = set()
        for batch in batches:
            if (handed := self._out.pop(batch.ticket, None)) is not None:
                handed.state = _State.DONE
                slots.add(batch.slot)
        for slot in slots:
            while (line := self._slots[slot]) and line[0].state is _State.DONE:
                self._drop(line.popleft())
        return self._settled(slots)

    def give_back(self, batch: Batch) -> Mapping[Slot, int]:
        """The batch is to come again; answers as :meth:`finish`."""
        if (handed := self._out.pop(batch.ticket, None)) is not None:
            handed.state = _State.RETURNED
            self.retire([batch.slot])  # an event must not overtake one of its aggregate that comes again
        return self._settled({batch.slot})

    def forget(self, slots: Iterable[Slot] | None = None) -> None:
        """The slots, or all, are another's: their batches count no more."""
        for slot in list(self._slots) if slots is None else slots:
            self._closed.discard(slot)
            for handed in self._slots.pop(slot, ()):
                self._drop(handed)

    def _settled(self, slots: Iterable[Slot]) -> Mapping[Slot, int]:
        """Forget what is left of slots with nothing out; answers where those among them begin that had returns."""
        again = {}
        for slot in slots:
            line = self._slots.get(slot)
            if line is not None and all(handed.state is not _State.OUT for handed in line):
                if line:  # what is done behind a batch that was given back comes again with it
                    again[slot] = line[0].first
                self.forget([slot])
        return again

    def _drop(self, handed: _Handed) -> None:
        self._out.pop(handed.ticket, None)
        self._count(-handed.records, -handed.bytes)

    def _count(self, records: int, size: int) -> None:
        self._records += records
        self._bytes += size
        count, weight = self._records / self._window.records, self._bytes / self._window.bytes
        full = count >= 1 or weight >= _FULL_OF_BYTES
        self._full = full or (self._full and max(count, weight) > _REOPENS_AT)


def size_of(record: Record) -> int:
    """About the bytes that a record takes in memory."""
    headers = sum(len(value) for _, value in record.headers)
    return RECORD_BYTES + len(record.key) + len(record.value) + headers
