"""Shapes of hand-overs on the REST API."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class HandOverView(msgspec.Struct, frozen=True, kw_only=True):
    """How far the records of a user who left have come to their successor."""

    user_id: UUID
    successor_id: UUID
    moved: int
    total: int | None
    done_at: datetime | None
