"""Checkpoints: what a log is at a moment, signed by a key that never leaves the key store.

A log is signed only if it continues its anchor, the last signed checkpoint, which is kept outside of the
database (:mod:`daicho.audit.anchors`). The order of a new checkpoint is: check, sign, anchor, store, tell. So a
note leaves this process only after its anchor has replaced the one that the log was checked against.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeVar

import structlog

from daicho.audit import checkpoint_rows, merkle
from daicho.audit.alarm import raise_alarm
from daicho.audit.anchors import Anchor, Anchors
from daicho.audit.checkpoint_key import CheckpointKey
from daicho.audit.continuity import Log, check_continues, check_tree, read_log
from daicho.audit.events import tell_signed
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.log import Grown, Unsigned
from daicho.audit.model import Signed
from daicho.audit.notes import Checkpoint
from daicho.faults import Unavailable
from daicho.keyring import KeysUnavailable, StaleVersion, Transit
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantId

PERIOD: Final = 1.0
"""Seconds between two checkpoints of a log that grows."""
AT_ONCE: Final = 4
"""Logs that are signed at one time: each takes two calls of the key store."""
ATTEMPTS: Final = 5
"""How often a checkpoint is begun anew because another process anchored one meanwhile."""
WAIT: Final = 5.0
"""Seconds until logs of before there were anchors are looked at again, while a server is away."""

T = TypeVar("T")
log = structlog.get_logger()


def ignore(_: TenantId) -> None:
    """Nobody waits for signed checkpoints."""


class Checkpoints:
    """Signs the logs of this database's tenants; ``signed`` hears of each tenant whose growth was signed."""

    def __init__(
        self,
        database: Database,
        transit: Transit,
        clock: Clock,
        unsigned: Unsigned,
        *,
        signed: Grown = ignore,
    ) -> None:
        self._database, self._clock, self._unsigned, self._signed = database, clock, unsigned, signed
        self.key = CheckpointKey(transit)
        self.anchors = Anchors(transit, self.key)
        self._begun: set[TenantId] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Sign whatever grows, each log at most once a second; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._anchor_old_logs())
            while True:
                tenants = await self._unsigned.take()
                await asyncio.gather(*(self._try(tenant) for tenant in tenants), asyncio.sleep(PERIOD))

    async def begin(self, tenant_id: TenantId) -> None:
        """Make sure, before the first entry of a log is appended, that the log has an anchor.

        A log that has entries and no anchor gets none: :meth:`sign` will say so. Raises KeysUnavailable.
        """
        if tenant_id in self._begun:
            return
        try:
            await self._anchored(tenant_id, fresh=False)
        except LogForked as fork:
            raise_alarm(tenant_id, fork)
        self._begun.add(tenant_id)

    async def newest(self, tenant_id: TenantId, *, covering: int = 0) -> Signed:
        """The anchored checkpoint; one that covers at least ``covering`` entries is signed now if need be.

        An empty log has one as well. Raises Unavailable when the key store is away, and :class:`LogForked`.
        """
        anchor = await self._anchored(tenant_id, fresh=True)
        if anchor.signed.checkpoint.size >= covering:
            return anchor.signed
        return await self.sign(tenant_id)

    async def sign(self, tenant_id: TenantId) -> Signed:
        """A checkpoint of the log as it is now, the anchored one if it has not grown since.

        Raises :class:`LogForked` after the alarm was raised, and Unavailable.
        """
        return await self._with_anchor(tenant_id, self._extend)

    async def check(self, tenant_id: TenantId) -> tuple[Anchor, Log]:
        """The anchor, and the log that continues it. Raises :class:`LogForked` after the alarm was raised."""

        async def read(anchor: Anchor, tenant_id: TenantId) -> tuple[Anchor, Log]:
            return anchor, await self._check(anchor, tenant_id)

        return await self._with_anchor(tenant_id, read)

    async def _with_anchor(self, tenant_id: TenantId, use: Callable[[Anchor, TenantId], Awaitable[T]]) -> T:
        """The answer of ``use``: with the remembered anchor first, then, when that fails, with a fresh one."""
        for attempt in range(ATTEMPTS):
            try:
                return await use(await self._anchored(tenant_id, fresh=attempt > 0), tenant_id)
            except StaleVersion:
                continue
            except LogForked as fork:
                if attempt > 0:
                    raise_alarm(tenant_id, fork)
                    raise
        raise KeysUnavailable

    async def _check(self, anchor: Anchor, tenant_id: TenantId) -> Log:
        async with self._database.reading(
            tenant_id
        ) as tx:  # after the anchor: what is read later may be newer
            found = await read_log(tx, self.key)
            await check_continues(tx, found, anchor)
        return found

    async def _extend(self, anchor: Anchor, tenant_id: TenantId) -> Signed:
        found = await self._check(anchor, tenant_id)
        held, head, anchored = found.held, found.head, anchor.signed.checkpoint.size
        if held is not None and held.checkpoint.size > anchored:
            anchor = await self._advance(tenant_id, anchor, held)
        elif anchored and (held is None or held.checkpoint.size < anchored):
            await self._store(tenant_id, anchor.signed)  # a process ended before it could
        if head.size == anchor.signed.checkpoint.size:
            return anchor.signed
        signed = await self.key.sign(Checkpoint(origin_of(tenant_id), head.size, head.root()))
        await self._advance(tenant_id, anchor, signed)
        await self._store(tenant_id, signed, replacing=anchor.signed.checkpoint.size)
        return signed

    async def _advance(self, tenant_id: TenantId, anchor: Anchor, signed: Signed) -> Anchor:
        return await self.anchors.write(tenant_id, anchor.extended_by(signed), replacing=anchor.version)

    async def _store(self, tenant_id: TenantId, signed: Signed, *, replacing: int | None = None) -> None:
        """Store and tell a checkpoint that is anchored; of those of one minute the newest stays."""
        now: datetime = self._clock()
        async with self._database.transaction(tenant_id) as tx:
            if await checkpoint_rows.add_checkpoint(tx, signed, now):
                await tell_signed(tx, signed)
            if replacing is not None:
                await checkpoint_rows.drop_checkpoint(tx, replacing, now)

    async def _anchored(self, tenant_id: TenantId, *, fresh: bool) -> Anchor:
        """The tenant's anchor, made now for a log that is empty or from before there were anchors."""
        anchor = await self.anchors.read(tenant_id, fresh=fresh)
        if anchor is not None:
            return anchor
        try:
            return await self.anchors.write(tenant_id, await self._first(tenant_id), replacing=0)
        except StaleVersion:
            anchor = await self.anchors.read(tenant_id)
            if anchor is None:  # it was there once
                raise LogForked(reason="anchor_missing") from None
            return anchor

    async def _first(self, tenant_id: TenantId) -> Anchor:
        """The first anchor of a log that may have one without being checked against another."""
        async with self._database.reading(tenant_id) as tx:
            found = await read_log(tx, self.key)
            is_empty = found.head.size == 0 and found.held is None
            if not is_empty:
                if not await checkpoint_rows.is_unanchored(tx):
                    raise LogForked(reason="anchor_missing")
                await check_tree(tx, found.head, [] if found.held is None else [found.held.checkpoint])
        if found.held is not None:
            return Anchor.first(found.held)
        return Anchor.first(await self.key.sign(Checkpoint(origin_of(tenant_id), 0, merkle.EMPTY_ROOT)))

    async def _anchor_old_logs(self) -> None:
        """Anchor once, as they are, the logs that a migration found without an anchor."""
        while True:
            try:
                async with self._database.tenantless() as tx:
                    tenants = await checkpoint_rows.read_unanchored(tx)
                for tenant_id in tenants:
                    await self._anchor_old_log(tenant_id)
            except Unavailable as error:
                log.warning("old_logs_wait_for_anchors", error=error.code)
                await asyncio.sleep(WAIT)
            else:
                return

    async def _anchor_old_log(self, tenant_id: TenantId) -> None:
        """Anchor one of them, and take away the mark that allowed it, also where the log was found to be damaged."""
        await self.begin(tenant_id)
        async with self._database.transaction(tenant_id) as tx:
            await checkpoint_rows.settle_unanchored(tx)

    async def _try(self, tenant_id: TenantId) -> None:
        try:
            async with self._places:
                await self.sign(tenant_id)
            self._signed(tenant_id)
        except LogForked:
            return  # the alarm was raised; the others go on
        except Unavailable as error:
            log.warning("checkpoint_waits", tenant_id=str(tenant_id), error=error.code)
            self._unsigned.add(tenant_id)
        except Exception:  # a loop of the process: one tenant's trouble is not the others'
            log.exception("checkpoint_failed", tenant_id=str(tenant_id))
