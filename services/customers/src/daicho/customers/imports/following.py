"""An import's progress as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.response import Stream

from daicho.customers.imports.model import FINAL, Import
from daicho.customers.imports.schemas import ImportProgress
from daicho.customers.imports.service import Asking, Imports
from daicho.faults import Forbidden, NotFound
from daicho.web import Event, stream

POLL: Final = 0.3
"""Seconds between two looks at an import that a stream follows."""
LONGEST_ID: Final = 18
"""Digits of a Last-Event-ID that are read; Python refuses to make a number of thousands."""
_PROGRESS: Final = (
    'id: 4\nevent: progress\ndata: {"status": "checking", "rows": 120, "valid": 108, "rejected": 12}\n\n'
)
EVENTS: Final = {"text/event-stream": _PROGRESS}
"""What the stream looks like."""


async def follow(
    request: Request[Any, Any, Any], imports: Imports, asking: Asking, import_id: UUID
) -> Stream:
    """The stream of an import, from the event on that the client saw last, while the caller may see it. Raises NotFound."""
    async with imports.database.reading(asking.actor) as tx:
        found = await imports.find(tx, asking, import_id)
    state = request.app.state

    async def still() -> None:
        grants = await state.permissions.grants(asking.actor)
        if not replace(asking, grants=grants).may_see(found):
            raise Forbidden

    session = await state.verifier.session(asking.actor.token)
    last = request.headers.get("last-event-id", "")
    seen = int(last) if last.isdecimal() and len(last) <= LONGEST_ID else 0
    return stream(_progress(imports, asking, import_id, seen), still=still, ends=session.ends_at)


async def _progress(imports: Imports, asking: Asking, import_id: UUID, seen: int) -> AsyncIterator[Event]:
    """An event for each state of the import that was not seen, at most one each :data:`POLL` seconds."""
    while True:
        try:
            async with imports.database.reading(asking.actor) as tx:
                found = await imports.find(tx, asking, import_id)
        except NotFound:
            return
        if found.version > seen or found.status in FINAL:
            seen = found.version
            yield Event(_progress_of(found), id=str(seen), name="progress")
        if found.status in FINAL:
            return
        await asyncio.sleep(POLL)


def _progress_of(found: Import) -> ImportProgress:
    return ImportProgress(
        id=found.id,
        status=found.status,
        file_size=found.file_size,
        failure=found.failure,
        rows=found.rows,
        valid=found.valid,
        rejected=found.rejected,
        created=found.created,
        updated=found.updated,
        skipped=found.skipped,
    )
