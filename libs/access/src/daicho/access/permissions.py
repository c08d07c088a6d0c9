"""What a caller may do now: from this service's copy while the line to identity stands, else from identity.

A revocation reaches every process over a line of its own. Where it names a session or a user, his older
tokens are refused; where it says that grants changed, identity itself is asked until the copy has caught up.
After :data:`SILENCE` seconds without a heartbeat every request is checked with identity, and refused with 503
when that cannot be.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from daicho.access import copy
from daicho.access.directory import Directory
from daicho.access.tokens import TokenVerifier
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.events import Bus, Envelope, Revocations
from daicho.faults import Unauthenticated, Unavailable
from daicho.tenancy import Actor, Database, Grants, TenantId, UserId

TOPIC: Final = "identity.revocations"
SILENCE: Final = 3.0
KEPT: Final = 30.0
"""Seconds that grants stay in memory; a change is heard of long before."""
CATCHING_UP: Final = 15.0
"""Seconds after a change of grants in which identity is asked, so that no copy lags behind."""
TOKEN_LIFE: Final = 700.0
"""Seconds after which a revocation can be forgotten: no token it names is good any more."""

log = structlog.get_logger()


class _Kept(NamedTuple):
    grants: Grants
    until: float


class Permissions:
    """Answers grants for the callers of one process. :meth:`run` must be running."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        directory: Directory,
        verifier: TokenVerifier,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._directory, self._verifier, self._clock = database, directory, verifier, clock
        self._line = Revocations(
            bus, TOPIC, on_message=self._on_revoked, on_gap=self._take_snapshot, clock=clock
        )
        self._kept: dict[tuple[UUID, UUID], _Kept] = {}
        self._ended_sessions: dict[UUID, float] = {}
        # Tokens of a user (or, under his tenant's id, of everybody) issued before this Unix time are refused.
        self._refused_before: dict[UUID, tuple[float, float]] = {}
        self._changed: dict[UUID, float] = {}
        self._ready = asyncio.Event()

    async def grants(self, actor: Actor) -> Grants:
        """What ``actor`` may do. Raises Unauthenticated when he may nothing any more, Unavailable."""
        if actor.user_id is None:
            raise Unauthenticated
        await self._refuse_revoked(actor)
        if self._line.silent_for() > SILENCE:
            await self._directory.check_session(actor)
            return await self._directory.grants(actor)
        now = self._clock()
        if any(now < self._changed.get(each, 0.0) for each in (actor.user_id, actor.tenant_id)):
            return await self._directory.grants(actor)
        place = (actor.tenant_id, actor.user_id)
        kept = self._kept.get(place)
        if kept is None or kept.until <= now:
            async with self._database.reading(actor) as tx:
                found = await copy.read_grants(tx, actor.user_id)
            # Somebody who signed up a moment ago may not have reached the copy yet: identity knows.
            grants = found or await self._directory.grants(actor)
            kept = self._kept[place] = _Kept(grants, now + KEPT)
        return kept.grants

    async def check(self) -> str | None:
        """For readiness: None once a snapshot is held."""
        return None if self._ready.is_set() else "no snapshot of permissions from identity yet"

    async def run(self) -> None:
        """Listen for revocations and take the first snapshot; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._line.run())
            await self._line.heard()
            await self._take_snapshot()

    async def _take_snapshot(self) -> None:
        """Copy everything from identity, however long it takes until identity answers."""
        while True:
            try:
                async for part in self._directory.snapshot():
                    if part.tenant_id:
                        await copy.write_snapshot(self._database, part)
                break
            except Unavailable:
                log.warning("permission_snapshot_waits")
                await asyncio.sleep(0.2)
        self._kept.clear()
        self._ready.set()

    async def _refuse_revoked(self, actor: Actor) -> None:
        if actor.session_id in self._ended_sessions:
            raise Unauthenticated
        if not self._refused_before:
            return
        before = [
            self._refused_before[each][0]
            for each in (actor.user_id, actor.tenant_id)
            if each in self._refused_before
        ]
        if before and actor.token is not None:
            session = await self._verifier.session(actor.token)
            if session.issued_at * 1000 < max(before):
                raise Unauthenticated

    async def _on_revoked(self, envelope: Envelope) -> None:
        revoked = events_pb2.Revoked.FromString(envelope.payload)
        tenant_id = TenantId(UUID(bytes=revoked.tenant_id))
        user_id = UserId(UUID(bytes=revoked.user_id)) if revoked.user_id else None
        now = self._clock()
        self._forget_old(now)
        if revoked.session_id:
            self._ended_sessions[UUID(bytes=revoked.session_id)] = now + TOKEN_LIFE
        elif revoked.before:
            whom = tenant_id if revoked.tenant_closed or user_id is None else user_id
            self._refused_before[whom] = (float(revoked.before), now + TOKEN_LIFE)
        if revoked.grants_changed or revoked.tenant_closed:
            self._changed[user_id or tenant_id] = now + CATCHING_UP
        for place in [place for place in self._kept if place[0] == tenant_id and user_id in {None, place[1]}]:
            del self._kept[place]

    def _forget_old(self, now: float) -> None:
        self._ended_sessions = {key: until for key, until in self._ended_sessions.items() if until > now}
        self._refused_before = {key: held for key, held in self._refused_before.items() if held[1] > now}
        self._changed = {key: until for key, until in self._changed.items() if until > now}
