"""After a backup of the audit was restored: erase again what the bus says was erased, and the backup forgot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from google.protobuf.message import DecodeError

from daicho.audit.erasing import Eraser
from daicho.audit.erasures import is_registered
from daicho.audit.events import erasure_in
from daicho.audit.faults import LogForked
from daicho.audit.schemas import ErasureRequest
from daicho.events import Bus, Envelope, EventVerifier, Forged
from daicho.keyring import KeyGone, Keyring
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
    """The outcome of one erasure: how many payloads went this time, and why no more did (None: all are gone)."""

    told: Told
    erased: int
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A record of the topic that does not read, by its place on the bus."""

    partition: int
    position: int


async def erase_again(
    bus: Bus, verifier: EventVerifier, database: Database, keyring: Keyring, *, since: datetime | None
) -> AsyncIterator[Again | Unread]:
    """Repeat each erasure that the bus tells of and the register lacks; answers each with its outcome.

    Entries logged after the erasure stay. An erasure that cannot be repeated (the tenant's key is gone, its log is
    damaged) and a record that does not read, or that audit did not sign, are answered as such, and the next one
    follows. Raises :class:`~daicho.faults.Unavailable` when the database, the key store or the bus is away.
    """
    eraser = Eraser(database, keyring, utc_now, lambda _: None)
    async for record in bus.read(TOPIC, since=since):
        try:
            await verifier.check(record)
            told = _told(record.value)
        except (Forged, DecodeError, msgspec.ValidationError, ValueError):
            yield Unread(record.partition, record.position)
            continue
        if told is None:
            continue
        async with database.reading(told.tenant_id) as tx:
            if await is_registered(tx, told.id):
                continue
        yield await _repeat(eraser, told)


async def _repeat(eraser: Eraser, told: Told) -> Again:
    actor = Actor.system(told.tenant_id, "audit")
    erased, request, is_complete = 0, told.request, False
    while not is_complete:
        try:
            done = await eraser.erase(actor, request, until=told.at)
        except KeyGone:
            return Again(told, erased, "the tenant's key is gone, so nobody can open its payloads")
        except LogForked:
            return Again(told, erased, "the tenant's log is damaged, so no entry can name the erasure")
        erased, is_complete = erased + done.erased, done.is_complete
        request = msgspec.structs.replace(request, cursor=done.next_cursor)
    return Again(told, erased)


def _told(value: bytes) -> Told | None:
    envelope = Envelope.FromString(value)
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
