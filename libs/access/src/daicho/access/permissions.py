"""What a caller may do now: from this service's copy while the line to identity stands, else from identity.

A revocation reaches every process over a line of its own. Where it names a session or a user, their older
tokens are refused; where it says that grants changed, identity itself is asked until the copy says the same.
What was revoked before this process listened, or while the line had a gap, it cannot have heard: identity is
asked once about each session whose token is older than that. After :data:`SILENCE` seconds without a heartbeat
every request is checked with identity, and refused with 503 when that cannot be.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import structlog

from daicho.access import copy
from daicho.access.directory import Directory
from daicho.access.tokens import LEEWAY, TokenVerifier
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.events import Bus, Envelope, EventVerifier, Revocations
from daicho.faults import Unauthenticated, Unavailable
from daicho.tenancy import Actor, Database, Grants, TenantId, UserId

TOPIC: Final = "identity.revocations"
SILENCE: Final = 3.0
KEPT: Final = 30.0
"""Seconds that grants stay in memory; a change is heard of long before."""
MOST_KEPT: Final = 20_000
"""Users and sessions that are remembered; the least recent go first, and cost a question when they return."""
TOKEN_LIFE: Final = 700.0
"""Seconds after which a revocation can be forgotten: no token it names is good any more."""

log = structlog.get_logger()
_K = TypeVar("_K")
_V = TypeVar("_V")


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
        event_verifier: EventVerifier,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` measures spans; ``now`` is the Unix time that tokens are compared with."""
        self._database, self._directory, self._verifier = database, directory, verifier
        self._clock, self._now = clock, now
        self._line = Revocations(
            bus, TOPIC, event_verifier, on_message=self._on_revoked, on_gap=self._on_gap, clock=clock
        )
        self._kept: OrderedDict[tuple[UUID, UUID], _Kept] = OrderedDict()
        self._ended_sessions: dict[UUID, float] = {}
        # Sessions of a user (or, under their tenant's id, of everybody) begun before these Unix milliseconds are refused.
        self._refused_before: dict[UUID, tuple[float, float]] = {}
        # When a tenant's grants last changed, and since when the copy of each user is known to say what identity says.
        self._changed: dict[UUID, float] = {}
        self._agreed: OrderedDict[tuple[UUID, UUID], float] = OrderedDict()
        # Since when (Unix time) every revocation was heard, and the older sessions that identity has vouched for.
        self._whole_since = math.inf
        self._vouched: OrderedDict[UUID, None] = OrderedDict()
        self._ready = asyncio.Event()

    async def grants(self, actor: Actor) -> Grants:
        """What ``actor`` may do. Raises Unauthenticated when they may do nothing any more, Unavailable."""
        if actor.user_id is None:
            raise Unauthenticated
        await self._refuse_revoked(actor)
        if self._line.silent_for() > SILENCE:
            await self._directory.check_session(actor)
            return await self._directory.grants(actor)
        await self._vouch(actor)
        place = (actor.tenant_id, actor.user_id)
        now = self._clock()
        kept = self._kept.get(place)
        if kept is not None and now < kept.until:
            return kept.grants
        doubted_at = self._changed.get(actor.tenant_id)
        async with self._database.reading(actor) as tx:
            held = await copy.read_grants(tx, actor.user_id)
        settled = doubted_at is None or self._agreed.get(place, -math.inf) >= doubted_at
        # A change that was heard while the copy was read is a fresh doubt.
        if held is not None and settled and self._changed.get(actor.tenant_id) == doubted_at:
            _remember(self._kept, place, _Kept(held, now + KEPT))
            return held
        # Something changed that may not have reached the copy yet, or somebody signed up a moment ago.
        asked = await self._directory.grants(actor)
        if asked == held and self._changed.get(actor.tenant_id) == doubted_at:
            _remember(self._agreed, place, now)
        return asked

    async def check(self) -> str | None:
        """For readiness: None once a snapshot is held."""
        return None if self._ready.is_set() else "no snapshot of permissions from identity yet"

    async def run(self) -> None:
        """Listen for revocations and take the first snapshot; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._line.run())
            await self._line.heard()
            self._whole_since = self._now()
            await self._take_snapshot()

    async def _on_gap(self) -> None:
        """Revocations were missed: trust no older session before identity has vouched for it, and copy afresh."""
        self._whole_since = self._now()
        self._vouched.clear()
        await self._take_snapshot()

    async def _take_snapshot(self) -> None:
        """Copy everything from identity, however long it takes until identity answers."""
        while True:
            try:
                await take_snapshot(self._directory, self._database)
                break
            except Unavailable:
                log.warning("permission_snapshot_waits")
                await asyncio.sleep(0.2)
        self._kept.clear()
        self._ready.set()

    async def _vouch(self, actor: Actor) -> None:
        """Have identity say once that a session stands which may have ended before this process could hear of it."""
        session_id = actor.session_id
        if session_id is None or session_id in self._vouched:
            return
        if actor.token is not None:
            issued_at = (await self._verifier.session(actor.token)).issued_at
            if issued_at > self._whole_since + LEEWAY:
                return
        whole_since = self._whole_since
        await self._directory.check_session(actor)
        if self._whole_since == whole_since:
            _remember(self._vouched, session_id, None)

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
            if _began(actor.session_id, session.issued_at) < max(before):
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
            earlier = self._refused_before.get(whom, (0.0, 0.0))[0]
            self._refused_before[whom] = (max(earlier, float(revoked.before)), now + TOKEN_LIFE)
        if revoked.grants_changed or revoked.tenant_closed:
            # The whole tenant's: a user who moves to another team changes what their colleagues may do.
            self._changed[tenant_id] = now
            for place in [place for place in self._kept if place[0] == tenant_id]:
                del self._kept[place]

    def _forget_old(self, now: float) -> None:
        self._ended_sessions = {key: until for key, until in self._ended_sessions.items() if until > now}
        self._refused_before = {key: held for key, held in self._refused_before.items() if held[1] > now}


async def take_snapshot(directory: Directory, database: Database) -> None:
    """Copy every tenant's permissions from identity. Raises :class:`~daicho.faults.Unavailable`."""
    async for part in directory.snapshot():
        if part.tenant_id:
            await copy.write_snapshot(database, part)


def _began(session_id: UUID | None, issued_at: int) -> float:
    """When a session began, in Unix milliseconds: its id is a UUIDv7; a token's time knows whole seconds alone."""
    if session_id is not None and session_id.version == 7:
        return float(session_id.int >> 80)
    return issued_at * 1000.0


def _remember(held: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    held[key] = value
    held.move_to_end(key)
    if len(held) > MOST_KEPT:
        held.popitem(last=False)
