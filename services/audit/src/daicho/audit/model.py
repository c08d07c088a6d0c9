"""Types of the log inside the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from daicho.audit.leaf import ActorKind, Kind
from daicho.audit.notes import Checkpoint

MAX_RECORDS: Final = 1_000
"""Records that one entry is found by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened, not yet in the log.

    ``records`` are the ids it is found by, 16 bytes each, each once; ``content`` is what the payload says; ``key`` opens what
    is sealed in it: (service, version, wrapped).
    """

    id: UUID
    time: datetime
    kind: Kind
    actor_kind: ActorKind
    actor_user_id: UUID | None
    actor_session_id: UUID | None
    actor_service: str
    action: str
    resource_type: str
    resource_id: UUID | None
    records: Sequence[bytes]
    content: Mapping[str, Any]
    key: tuple[str, int, str] | None


Tree = tuple[int, bytes]
"""Size and root of a log."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint with its signed note and the verifier key of that signature, as text."""

    checkpoint: Checkpoint
    note: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search: every part that is not None must hold. ``before`` is where the last page ended."""

    actor_id: UUID | None = None
    resource: str | None = None
    record_id: UUID | None = None
    action: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    before: tuple[datetime, int] | None = None
    limit: int = 50
