"""The audit's alarm for forged events: an entry in the log of the tenant that the record claims to be of.

Of one topic :data:`MOST` entries a minute are written; further records are counted, and the next entry says how many.
Each is in the service's log and metrics as well (:mod:`daicho.events.verification`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from google.protobuf.message import DecodeError

from daicho.contracts.audit.events.v1 import events_pb2
from daicho.events.access_log import AccessLog
from daicho.events.bus import Record
from daicho.events.envelope import Envelope
from daicho.faults import Unavailable
from daicho.tenancy import Actor, TenantId

log = structlog.get_logger()

MOST: Final = 20
WINDOW_SECONDS: Final = 60.0
_REMEMBERED: Final = 10_000


class ForgeryAlarm:
    """Enters the forged events that one process meets; several groups that meet the same one enter it once."""

    def __init__(
        self, access_log: AccessLog, service: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access_log, self._service, self._clock = access_log, service, clock
        self._seen: OrderedDict[tuple[str, int, int], None] = OrderedDict()
        self._windows: dict[str, tuple[float, int]] = {}
        self._more: dict[str, int] = {}

    async def __call__(self, record: Record, reason: str) -> None:
        """Enter ``record``. One that claims no tenant is in nobody's log; one that cannot be written is logged."""
        place = (record.topic, record.partition, record.position)
        if place in self._seen:
            return
        self._seen[place] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        tenant_id = _claimed_tenant(record)
        if tenant_id is None:
            return
        if not self._has_room(record.topic):
            self._more[record.topic] = self._more.get(record.topic, 0) + 1
            return
        forged = events_pb2.EventForged(
            topic=record.topic,
            partition=record.partition,
            position=record.position,
            reason=reason,
            more=self._more.pop(record.topic, 0),
        )
        try:
            await self._access_log.enter(Actor.system(tenant_id, self._service), [forged])
        except Unavailable as error:
            log.error(  # noqa: TRY400 - the code says it all
                "forged_event_not_in_audit", topic=record.topic, error=error.code
            )

    def _has_room(self, topic: str) -> bool:
        now = self._clock()
        ends, entered = self._windows.get(topic, (0.0, 0))
        if now >= ends:
            ends, entered = now + WINDOW_SECONDS, 0
        self._windows[topic] = (ends, entered + 1)
        return entered < MOST


def _claimed_tenant(record: Record) -> TenantId | None:
    try:
        claimed = Envelope.FromString(record.value).tenant_id
    except DecodeError:
        return None
    return TenantId(UUID(bytes=claimed)) if len(claimed) == 16 else None
