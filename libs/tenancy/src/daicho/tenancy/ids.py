"""Ids: UUIDv7 (RFC 9562), each kind a type of its own so that swapped ids do not type-check."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)
SessionId = NewType("SessionId", UUID)
TeamId = NewType("TeamId", UUID)

_COUNTER_BITS = 42
_TAIL_BITS = 32


class _Uuid7:
    """Millisecond, then a 42-bit counter reseeded each millisecond (RFC 9562 §6.2, method 1), then random bits.

    Ids of one process rise strictly, also when the clock steps back: then the last millisecond is kept.
    """

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._millisecond = -1
        self._counter = 0

    def __call__(self) -> UUID:
        random = int.from_bytes(os.urandom(10))
        tail = random & 0xFFFF_FFFF
        with self._lock:
            millisecond = self._now() // 1_000_000
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._counter = random >> (80 - _COUNTER_BITS + 1)  # the top bit stays free for counting
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._millisecond += 1
                    self._counter = random >> (80 - _COUNTER_BITS + 1)
            counter = self._counter
            millisecond = self._millisecond
        high = (millisecond & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | counter >> 30
        low = 0b10 << 62 | (counter & 0x3FFF_FFFF) << _TAIL_BITS | tail
        return UUID(int=high << 64 | low)


uuid7 = _Uuid7()
