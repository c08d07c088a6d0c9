"""Structs of the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Cursor = Annotated[str, msgspec.Meta(max_length=1_000)]


class AuditSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for; every member that is given must hold. ``from`` is inclusive, ``to`` is not."""

    actor_id: UUID | None = None
    resource: Word | None = None
    record_id: UUID | None = None
    action: Word | None = None
    begin: Moment | None = msgspec.field(default=None, name="from")
    end: Moment | None = msgspec.field(default=None, name="to")
    limit: Limit = 50
    cursor: Cursor | None = None


class AuditActor(msgspec.Struct, frozen=True):
    """Who acted; ``name`` is what the user is called now, where that is known."""

    kind: Literal["user", "service", "system", "public"]
    user_id: UUID | None
    session_id: UUID | None
    service: str
    name: str | None = None


class AuditResource(msgspec.Struct, frozen=True):
    """What was acted on, with its id where it was one thing."""

    type: str
    id: UUID | None


class AuditEntry(msgspec.Struct, frozen=True):
    """An entry as a reader sees it; ``payload`` is null after an erasure."""

    id: UUID
    sequence: int
    time: datetime
    kind: Literal["change", "access", "erasure"]
    actor: AuditActor
    action: str
    resource: AuditResource
    address: str | None
    request_id: str | None
    payload_digest: str
    payload: dict[str, Any] | None


class AuditEntryPage(msgspec.Struct, frozen=True):
    """A page of entries, the newest first. It holds fewer than ``limit`` when they are long (some 600 kB an answer)."""

    items: list[AuditEntry]
    next_cursor: str | None


class ErasureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose payloads go, and why: the person asked, the retention ended, the data was collected unlawfully, or an order.

    ``cursor`` is the ``next_cursor`` of the request that this one goes on from.
    """

    record_id: UUID
    reason: Literal["privacy_request", "retention_ended", "unlawfully_obtained", "legal_order"]
    cursor: Cursor | None = None


class ErasureDone(msgspec.Struct, frozen=True):
    """The entries that name the erasure, and how many payloads went. Not complete: ask again with the cursor."""

    entries: list[UUID]
    erased: int
    is_complete: bool
    next_cursor: str | None


class ErasureView(msgspec.Struct, frozen=True):
    """One row of the register; ``id`` is that of the entry that names the erasure."""

    id: UUID
    record_id: UUID
    reason: str
    erased: int
    actor_user_id: UUID | None
    erased_at: datetime


class ErasurePage(msgspec.Struct, frozen=True):
    """A page of the register, the newest first."""

    items: list[ErasureView]
    next_cursor: str | None


class CheckpointView(msgspec.Struct, frozen=True):
    """The newest signed checkpoint: entries, root (base64), the signed note, and the key that verifies it."""

    size: int
    root: str
    note: str
    key: str


class KeyView(msgspec.Struct, frozen=True):
    """The verifier key of the tenant's log, to be kept somewhere else than its exports."""

    key: str


class WitnessedView(msgspec.Struct, frozen=True):
    """The newest checkpoint that the witness cosigned, as a note with both signatures."""

    witness: str
    size: int
    note: str
    cosigned_at: datetime


class LogStatus(msgspec.Struct, frozen=True):
    """Whether the log continues its last signed checkpoint; ``reason`` says why not.

    ``anchored_size``: entries of that checkpoint, as the key store holds it; null where it is gone.
    """

    state: Literal["intact", "forked"]
    reason: str | None
    anchored_size: int | None
    anchored_note: str | None
    accepted_anew: bool
    witnessed: WitnessedView | None
