"""The audit's alarm for events that a consumer missed: an entry in every tenant's log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from daicho.access.directory import Directory
from daicho.contracts.audit.events.v1 import events_pb2
from daicho.events import AccessLog, Missed
from daicho.tenancy import Actor, TenantId


class MissedEventsAlarm:
    """Enters what one service's consumers missed. It concerns every tenant: nobody knows whose events were lost."""

    def __init__(self, directory: Directory, access_log: AccessLog, service: str) -> None:
        self._directory, self._access_log, self._service = directory, access_log, service

    async def __call__(self, missed: Missed) -> None:
        """Enter ``missed``; raises :class:`~daicho.faults.Unavailable` while identity or the database is away."""
        tenants = {part.tenant_id async for part in self._directory.snapshot() if part.tenant_id}
        told = events_pb2.EventsMissed(
            group=missed.group,
            topic=missed.topic,
            heard_until=_text(missed.heard_until),
            kept_since=_text(missed.kept_since),
        )
        for tenant_id in sorted(tenants):
            actor = Actor.system(TenantId(UUID(bytes=tenant_id)), self._service)
            await self._access_log.enter(actor, [told])


def _text(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
