"""After a backup of the audit was restored: erase again what the bus says was erased, and the backup forgot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.audit.erasing import Eraser
from daicho.audit.erasures import is_registered
from daicho.audit.events import erasure_in
from daicho.audit.schemas import ErasureRequest
from daicho.events import Bus, Envelope
from daicho.keyring import Keyring
from daicho.runtime import utc_now
from daicho.tenancy import Actor, Database, TenantId

TOPIC: Final = "audit.events"


@dataclass(frozen=True, slots=True)
class Told:
    """An erasure that the bus tells of."""

    id: UUID
    tenant_id: TenantId
    request: ErasureRequest
    at: datetime


@dataclass(frozen=True, slots=True)
class Again:
    """What became of it: how many payloads went this time."""

    told: Told
    erased: int


async def erase_again(
    bus: Bus, database: Database, keyring: Keyring, *, since: datetime | None
) -> AsyncIterator[Again]:
    """Do each erasure again that the bus tells of and the register lacks.

    What was logged after it stays. Done twice, the second time finds nothing.
    """
    eraser = Eraser(database, keyring, utc_now, lambda _: None)
    async for record in bus.read(TOPIC, since=since):
        told = _told(Envelope.FromString(record.value))
        if told is None:
            continue
        async with database.reading(told.tenant_id) as tx:
            if await is_registered(tx, told.id):
                continue
        actor = Actor.system(told.tenant_id, "audit")
        erased, request, is_complete = 0, told.request, False
        while not is_complete:
            done = await eraser.erase(actor, request, until=told.at)
            erased, is_complete = erased + done.erased, done.is_complete
            request = msgspec.structs.replace(request, cursor=done.next_cursor)
        yield Again(told, erased)


def _told(envelope: Any) -> Told | None:
    event = erasure_in(envelope)
    if event is None:
        return None
    asked = {"record_id": str(UUID(bytes=event.record_id)), "reason": event.reason}
    return Told(
        id=UUID(bytes=event.entry_id),
        tenant_id=TenantId(UUID(bytes=envelope.tenant_id)),
        request=msgspec.convert(asked, ErasureRequest),
        at=envelope.time.ToDatetime(tzinfo=UTC),
    )
