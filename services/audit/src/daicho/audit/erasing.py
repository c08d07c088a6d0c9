"""Erasing what the log says of one person: payloads go, leaves stay, and an entry says so.

An entry about this person alone loses its payload: what changed, from where they were looked at. Of an entry shared with
others (a list, a bulk change) the payload stays, for it holds this person's id beside theirs and no more; unless something
in it is sealed, which are words that were searched for and may name the person. Who did what, when and to which record
remains in the leaf, and the record remains findable: that is what accounts for the past.

Each round is one transaction: its payloads, the entry that names them, the register, the event that the bus keeps.
Whoever stops between two rounds has erased part of it and says which. One request looks at so many entries and no
more, of which any number may stay; where it ended, its answer says, and the next request goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from daicho.audit import log
from daicho.audit.erasures import (
    BEFORE_ALL,
    EVER,
    Erasure,
    add_erasure,
    erase_payloads,
    read_erasures,
    read_held,
)
from daicho.audit.events import erasure_of, records_of, tell_erased
from daicho.audit.leaf import LeafInvalid, read_payload
from daicho.audit.log import BLOB, TABLE, Grown
from daicho.audit.schemas import ErasureDone, ErasurePage, ErasureRequest, ErasureView
from daicho.events import Rejected
from daicho.keyring import Keyring, Tampered, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, TenantTransaction, uuid7
from daicho.web import bound_to, open_cursor, seal_cursor

ROUND: Final = 500
"""Entries that one round looks at, and that one erasure names at most."""
ROUNDS: Final = 10
"""Rounds of one request; what is left, it says."""
_PLACE: Final = "audit.erasing"
_BOUND: Final = "audit.erasures"


class Eraser:
    """Erases, and shows the register. ``grown`` hears of each tenant whose log grows."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        grown: Grown,
        *,
        round_size: int = ROUND,
        rounds: int = ROUNDS,
    ) -> None:
        self._database, self._keyring, self._clock, self._grown = database, keyring, clock, grown
        self._round_size, self._rounds = round_size, rounds

    async def erase(self, actor: Actor, asked: ErasureRequest, *, until: datetime = EVER) -> ErasureDone:
        """Take the payloads of one record's entries away, those of ``until`` and before, so many a request.

        A record that the log never heard of has none; nothing is entered then. Raises
        :class:`~daicho.web.Cursor` when the cursor is not of an erasure of this record.
        """
        keys = await self._keyring.open(actor.tenant_id)
        bound = bound_to(_PLACE, asked.record_id)
        after = (
            BEFORE_ALL
            if asked.cursor is None
            else open_cursor(keys, bound, asked.cursor, tuple[int, datetime, int])
        )
        entries: list[UUID] = []
        erased = 0
        for _ in range(self._rounds):
            async with self._database.transaction(actor) as tx:
                held = await read_held(tx, asked.record_id, after=after, until=until, limit=self._round_size)
                going = [entry_id for _, entry_id, sealed in held if _goes(keys, asked, entry_id, sealed)]
                if going:
                    entries.append(await self._round(tx, keys, actor=actor, asked=asked, going=going))
            if going:
                self._grown(actor.tenant_id)
            erased += len(going)
            if len(held) < self._round_size:
                return ErasureDone(entries, erased, is_complete=True, next_cursor=None)
            after = held[-1][0]
        return ErasureDone(entries, erased, is_complete=False, next_cursor=seal_cursor(keys, bound, after))

    async def register(self, actor: Actor, *, limit: int, cursor: str | None) -> ErasurePage:
        """Every erasure, the newest first."""
        keys = await self._keyring.open(actor.tenant_id)
        bound = bound_to(_BOUND)
        before = None if cursor is None else open_cursor(keys, bound, cursor, tuple[datetime, UUID])
        async with self._database.reading(actor) as tx:
            found = await read_erasures(tx, keys, before=before, limit=limit + 1)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        following = None if last is None else seal_cursor(keys, bound, (last.erased_at, last.id))
        return ErasurePage([ErasureView(*each) for each in page], following)

    async def _round(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        *,
        actor: Actor,
        asked: ErasureRequest,
        going: Sequence[UUID],
    ) -> UUID:
        entry_id, now = uuid7(), self._clock()
        fact = erasure_of(actor, entry_id, now, going, record_id=asked.record_id, reason=asked.reason)
        await log.append(tx, keys, [fact])
        await erase_payloads(tx, going)
        await add_erasure(
            tx, keys, Erasure(entry_id, asked.record_id, asked.reason, len(going), actor.user_id, now)
        )
        await tell_erased(tx, entry_id, asked.record_id, asked.reason, len(going))
        return entry_id


def _goes(keys: TenantKeys, asked: ErasureRequest, entry_id: UUID, sealed: bytes) -> bool:
    """Whether the payload is of this person alone, or says more of them than their id.

    One that somebody wrote into stays: taking it away would hide that.
    """
    try:
        content: Mapping[str, Any] = read_payload(keys.unseal(TABLE, entry_id, BLOB, sealed))
        alone = records_of(content) == [asked.record_id.bytes]
    except (Tampered, LeafInvalid, Rejected):
        return False
    return alone or content.get("key") is not None
