"""Revocations reach every process within a second: broadcasts in sequence, and a heartbeat that proves the connection.

The heartbeat goes the whole way, through outbox, relay and bus: silence means that revocations, too, would
not arrive. A broadcast's number is its envelope's aggregate version (see :func:`daicho.events.broadcast`).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from daicho.events.bus import Bus, Record
from daicho.events.envelope import Envelope
from daicho.events.outbox import broadcast
from daicho.events.verification import EventVerifier, Forged
from daicho.faults import Unavailable
from daicho.tenancy import Database

_log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 1.0

OnMessage = Callable[[Envelope], Awaitable[None]]
OnGap = Callable[[], Awaitable[None]]


class Heartbeats:
    """Says each second which broadcast of ``topic`` was the last. Several processes may: it does no harm."""

    def __init__(
        self,
        database: Database,
        topic: str,
        make: Callable[[int], ProtoMessage],
        *,
        seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """``make(sequence)`` builds the heartbeat's message."""
        self._database, self._topic, self._make, self._seconds = database, topic, make, seconds

    async def run(self) -> None:
        """Beat until cancelled; a database that is away silences it, which is what listeners must notice."""
        while True:
            try:
                async with self._database.tenantless() as tx:
                    await broadcast(tx, self._topic, self._make, heartbeat=True)
            except Unavailable as error:
                _log.warning("heartbeat_missed", topic=self._topic, error=error.code)
            await asyncio.sleep(self._seconds)


class Revocations:
    """Hears every broadcast of ``topic``, from now on, outside any group.

    A broadcast counts by the time at which it was told, not at which it arrived: clocks of identity and of listeners must
    agree within a second or two. To hold a complete state: start :meth:`run`, await :meth:`heard`, then take a snapshot. ``on_message``
    gets each broadcast's envelope. ``on_gap`` is awaited when a number was missed (or the line was down): it
    fetches afresh what broadcasts would have told; until it returns, the line counts as silent. Raising
    :class:`~daicho.faults.Unavailable` in either lets it be tried again.
    """

    def __init__(
        self,
        bus: Bus,
        topic: str,
        verifier: EventVerifier,
        *,
        on_message: OnMessage,
        on_gap: OnGap,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` measures spans; ``now`` is the Unix time that broadcasts were told at."""
        self._now = now
        self._newest = -math.inf
        self._bus, self._topic, self._verifier, self._clock = bus, topic, verifier, clock
        self._on_message, self._on_gap = on_message, on_gap
        self._heard_at = -math.inf
        self._sequence: int | None = None
        self._first = asyncio.Event()

    def silent_for(self) -> float:
        """Seconds since the line was last known to be whole; infinite before the first word."""
        return self._clock() - self._heard_at

    async def heard(self) -> None:
        """Returns once the first heartbeat or broadcast was heard."""
        await self._first.wait()

    async def run(self) -> None:
        """Listen until cancelled; a bus that is away is waited for."""
        while True:
            try:
                async with self._bus.hear(self._topic) as records:
                    await self._listen(records.__anext__)
            except Unavailable as error:
                _log.warning("revocations_line_down", topic=self._topic, error=error.code)
                await asyncio.sleep(0.2)

    async def _listen(self, following: Callable[[], Awaitable[Record]]) -> None:
        while True:
            record = await following()
            try:
                await self._verifier.check(record)
                envelope = Envelope.FromString(record.value)
            except Forged:
                continue  # the verifier has raised the alarm; a forged heartbeat is none
            except DecodeError:
                _log.error("revocation_unreadable", topic=self._topic, position=record.position)
                continue
            await self._hear(envelope)

    async def _hear(self, envelope: Envelope) -> None:
        sequence: int = envelope.aggregate.version
        told_at = envelope.time.ToNanoseconds() / 1e9
        if self._sequence is not None and sequence <= self._sequence and told_at <= self._newest:
            return  # it was heard already, or another replica said as much later
        is_broadcast = envelope.aggregate.type != "heartbeat"
        if self._sequence is not None and sequence - self._sequence not in ({0, 1} if is_broadcast else {0}):
            # Missed some, or the counter went back with a restored database: what is held is not whole.
            _log.warning("revocations_missed", topic=self._topic, held=self._sequence, heard=sequence)
            self._heard_at = -math.inf
            await self._on_gap()
        if is_broadcast:
            await self._on_message(envelope)
        self._sequence = sequence
        self._newest = max(self._newest, told_at)
        # A word that was under way for long proves nothing about now: it counts from when it was said.
        self._heard_at = max(self._heard_at, self._clock() - max(0.0, self._now() - told_at))
        self._first.set()
