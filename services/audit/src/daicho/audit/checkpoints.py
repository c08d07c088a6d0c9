"""Checkpoints: what a log is at a moment, signed by a key that never leaves the key store.

A log is signed only if it continues what was signed before, so a log that somebody cut back or wrote anew
in the database gets no new signature.
"""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime
from typing import Final

import structlog

from daicho.audit import merkle, notes, repository
from daicho.audit.events import tell_signed
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.log import Unsigned
from daicho.audit.merkle import CompactRange
from daicho.audit.model import Signed
from daicho.audit.notes import Checkpoint, Verifier
from daicho.faults import Unavailable
from daicho.keyring import CHECKPOINT_KEY, KeyRefused, Transit
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantId, TenantTransaction

PERIOD: Final = 1.0
"""Seconds between two checkpoints of a log that grows."""
AT_ONCE: Final = 4

log = structlog.get_logger()


class Checkpoints:
    """Signs the logs of this database's tenants."""

    def __init__(self, database: Database, transit: Transit, clock: Clock, unsigned: Unsigned) -> None:
        self._database, self._transit, self._clock = database, transit, clock
        self._unsigned = unsigned
        self._public: dict[int, bytes] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Sign whatever grows, each log at most once a second; until cancelled."""
        while True:
            tenants = await self._unsigned.take()
            await asyncio.gather(*(self._try(tenant) for tenant in tenants), asyncio.sleep(PERIOD))

    async def newest(self, tenant_id: TenantId, *, covering: int = 0) -> Signed:
        """The newest checkpoint; one that covers at least ``covering`` entries is signed now if need be.

        An empty log is signed as well. Raises Unavailable when it must be signed and cannot, and
        :class:`LogForked`.
        """
        async with self._database.reading(tenant_id) as tx:
            held = await repository.read_checkpoint(tx)
        if held is not None and held[0].checkpoint.size >= covering:
            return held[0]
        return await self.sign(tenant_id)

    async def sign(self, tenant_id: TenantId) -> Signed:
        """A checkpoint of the log as it is now, the one that is there if it has not grown since."""
        async with self._database.reading(tenant_id) as tx:
            held = await repository.read_checkpoint(tx)
            head = await repository.read_head(tx)
            last = held[0] if held is not None else None
            if last is not None and last.checkpoint.size == head.size and last.checkpoint.root == head.root():
                return last
            await _check_continues(tx, last, head)
        signed = await self._sign(Checkpoint(origin_of(tenant_id), head.size, head.root()))
        now = self._clock()
        async with self._database.transaction(tenant_id) as tx:
            if await repository.add_checkpoint(tx, signed, now):
                await tell_signed(tx, signed)
                if held is not None and _same_minute(held[1], now):
                    await repository.drop_checkpoint(tx, held[0].checkpoint.size)
        return signed

    async def _sign(self, checkpoint: Checkpoint) -> Signed:
        text = str(checkpoint)
        try:
            signature, version = await self._transit.sign(CHECKPOINT_KEY, text.encode())
            verifier = await self._verifier(checkpoint.origin, version)
        except KeyRefused as error:
            raise Unavailable from error
        return Signed(checkpoint, notes.write_note(text, [notes.sign(verifier, signature)]), str(verifier))

    async def _verifier(self, origin: str, version: int) -> Verifier:
        if version not in self._public:
            keys = await self._transit.public_keys(CHECKPOINT_KEY)
            self._public = {number: base64.b64decode(key.text) for number, key in keys.items()}
        return Verifier(origin, self._public[version])

    async def _try(self, tenant_id: TenantId) -> None:
        try:
            async with self._places:
                await self.sign(tenant_id)
        except LogForked:
            log.error("audit_log_forked", tenant_id=str(tenant_id))  # noqa: TRY400 - the trace says no more
        except Unavailable as error:
            log.warning("checkpoint_waits", tenant_id=str(tenant_id), error=error.code)
            self._unsigned.add(tenant_id)


async def _check_continues(tx: TenantTransaction, last: Signed | None, head: CompactRange) -> None:
    """Raise :class:`LogForked` unless the log of ``head`` begins with what was signed ``last``."""
    if last is None or last.checkpoint.size == 0:
        return
    old, new = last.checkpoint.size, head.size
    try:
        wanted = merkle.consistency_nodes(old, new)
        proof = merkle.consistency_proof(old, new, await repository.read_nodes(tx, wanted, new))
        merkle.verify_consistency(old, new, proof, old_root=last.checkpoint.root, new_root=head.root())
    except (ValueError, merkle.ProofInvalid) as error:
        raise LogForked from error


def _same_minute(one: datetime, other: datetime) -> bool:
    return one.replace(second=0, microsecond=0) == other.replace(second=0, microsecond=0)
