"""From a tenant's id to its keys: kept at most five minutes, unwrapped once however many ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring.blind_index import TokenMemory
from daicho.keyring.faults import KeyGone, KeyRefused
from daicho.keyring.kept import Kept
from daicho.keyring.keys import EventKey, KeyMaterial, TenantKeys
from daicho.keyring.transit import Transit
from daicho.tenancy import Database, TenantId, TenantTransaction

TTL: Final = 300.0
"""Seconds that keys stay in memory, and so the longest that a deleted key is still of use."""
SETTLE: Final = 2 * TTL
"""Seconds between a key's birth and its first use, in which every process comes to know it."""
SEEN: Final = 2.0
"""Seconds for which a key store that answered counts as there."""
_STORE: Final = "store"
RECORDS, INDEX, UNIQUE, EVENTS = "records", "index", "unique", "events"
PURPOSES: Final = (RECORDS, INDEX, UNIQUE, EVENTS)
NEXT_INDEX: Final = "index.next"
"""The row of an index key that is written by and not yet searched by; its context is that of ``index``."""

_READ: Final = """
    SELECT purpose, version, wrapped, created_at <= now() - make_interval(secs => $2) AS settled
    FROM data_key WHERE tenant_id = $1 ORDER BY purpose, version
"""
_ADD: Final = """
    INSERT INTO data_key (tenant_id, purpose, version, wrapped) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, purpose, version) DO NOTHING
"""
# Two that rewrap at once must not bring back what a third has replaced since it was read.
_REPLACE: Final = """
    UPDATE data_key SET wrapped = $4 WHERE tenant_id = $1 AND purpose = $2 AND version = $3 AND wrapped = $5
"""
_SEARCH_BY_NEXT: Final = """
    UPDATE data_key SET purpose = $3, created_at = now() WHERE tenant_id = $1 AND purpose = $2
"""

log = structlog.get_logger()


class Wrapped(NamedTuple):
    """A row of ``data_key``. ``settled``: every process that runs has heard of it."""

    purpose: str
    version: int
    wrapped: str
    settled: bool = False

    @property
    def context(self) -> str:
        """The purpose in whose context it is wrapped."""
        return INDEX if self.purpose == NEXT_INDEX else self.purpose


class Keyring:
    """The keys of every tenant that this process serves.

    Call :meth:`open` outside of a database transaction: it may ask the key store. Work that takes longer
    than a request calls it again for each batch, so that a key which was destroyed ends it.

    ``settle`` is how long a new key waits before it seals: the other processes keep what they know for
    ``ttl`` seconds and could not open what it sealed.
    """

    def __init__(
        self,
        transit: Transit,
        database: Database,
        *,
        ttl: float = TTL,
        settle: float = SETTLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transit, self._database = transit, database
        self._settle = settle
        self._memory = TokenMemory()
        self._tenants: Kept[TenantId, TenantKeys] = Kept(ttl, clock)
        self._foreign: Kept[tuple[TenantId, str, str], EventKey] = Kept(ttl, clock)
        self._seen: Kept[str, bool] = Kept(SEEN, clock)

    async def open(self, tenant_id: TenantId) -> TenantKeys:
        """The tenant's keys; its first data keys are made when there are none.

        Raises :class:`KeysUnavailable` when they are not in memory and the store is away, :class:`KeyGone` when it
        refuses: there is no other way to a sealed field.
        """
        kept = self._tenants.get(tenant_id)
        return (
            kept if kept is not None else await self._tenants.make(tenant_id, lambda: self._open(tenant_id))
        )

    async def require_store(self) -> None:
        """Return when the key store was seen alive within :data:`SEEN` seconds; asks it, once for all, when not.

        The guard of everything that is written, see :meth:`daicho.tenancy.Database.guarded`: keys in memory
        would seal for minutes after the store has gone. Raises :class:`KeysUnavailable`.
        """
        if self._seen.get(_STORE) is None:
            await self._seen.make(_STORE, self._greet)

    async def open_event_key(
        self, tenant_id: TenantId, *, service: str, version: int, wrapped: str
    ) -> EventKey:
        """The key of another service's events, from the wrapped form in an envelope."""
        place = (tenant_id, service, wrapped)

        async def unwrap() -> EventKey:
            key = await self._unwrap(tenant_id, service, Wrapped(EVENTS, version, wrapped))
            return EventKey(tenant_id, service, version, wrapped, AESGCM(key))

        kept = self._foreign.get(place)
        return kept if kept is not None else await self._foreign.make(place, unwrap)

    async def rotate(self, tenant_id: TenantId) -> int:
        """A new data key for records and events; answers its version. It seals once it has settled.

        Older versions still open what they sealed; :func:`daicho.keyring.reseal` then brings what is stored
        to the new one.
        """
        await self.open(tenant_id)
        rows = await self._rows(tenant_id)
        version = max(row.version for row in rows if row.purpose == RECORDS) + 1
        await self._make(tenant_id, {RECORDS: version, EVENTS: version})
        self.forget(tenant_id)
        return version

    async def begin_index_rotation(self, tenant_id: TenantId) -> int:
        """A new index key beside the old; answers its version. Nothing happens while one is on its way.

        From :data:`TTL` later on every process writes the tokens of both and looks for the old ones. Rewrite
        every row's tokens then, and call :meth:`finish_index_rotation`.
        """
        await self.open(tenant_id)
        rows = await self._rows(tenant_id)
        version = max(row.version for row in rows if row.purpose == INDEX) + 1
        await self._make(tenant_id, {NEXT_INDEX: version})
        self.forget(tenant_id)
        return version

    async def finish_index_rotation(self, tenant_id: TenantId) -> bool:
        """Search by the new index key, which every row has by now; the old tokens are written until it settled.

        False when there was none.
        """
        async with self._database.transaction(tenant_id) as tx:
            answer: str = await tx.driver.execute(_SEARCH_BY_NEXT, tenant_id, NEXT_INDEX, INDEX)
        self.forget(tenant_id)
        return answer != "UPDATE 0"

    async def index_is_settled(self, tenant_id: TenantId) -> bool:
        """Whether every process writes the tokens of all index keys of use, and those alone; ``settle`` says since when."""
        rows = [row for row in await self._rows(tenant_id) if row.context == INDEX]
        return len(rows) < 2 or max(rows, key=lambda row: row.version).settled

    async def rewrap(self, tenant_id: TenantId) -> int:
        """Wrap every data key by the newest version of the tenant's Transit key; answers how many.

        Envelopes keep the old wrapped form: let the older version be refused only after the bus has
        forgotten them, and keep forms that are stored by :meth:`rewrap_event_key`.
        """
        rows = await self._rows(tenant_id)
        service = self._transit.service
        try:
            fresh = await asyncio.gather(
                *(self._transit.rewrap(tenant_id, service, row.context, row.wrapped) for row in rows)
            )
        except KeyRefused as error:
            raise KeyGone from error
        async with self._database.transaction(tenant_id) as tx:
            for row, wrapped in zip(rows, fresh, strict=True):
                await tx.driver.execute(_REPLACE, tenant_id, row.purpose, row.version, wrapped, row.wrapped)
        self.forget(tenant_id)
        return len(rows)

    async def rewrap_event_key(self, tenant_id: TenantId, *, service: str, wrapped: str) -> str:
        """The newest wrapped form of another service's events key that this service has stored."""
        try:
            return await self._transit.rewrap(tenant_id, service, EVENTS, wrapped)
        except KeyRefused as error:
            raise KeyGone from error

    def forget(self, tenant_id: TenantId) -> None:
        """Drop the tenant's keys from memory."""
        self._tenants.forget(tenant_id)

    async def _greet(self) -> bool:
        await self._transit.greet()
        return True

    async def _open(self, tenant_id: TenantId) -> TenantKeys:
        rows = await self._rows(tenant_id)
        missing = set(PURPOSES) - {row.purpose for row in rows}
        if missing:
            # Of two processes that make them at once, the row of the first stays and both read it.
            await self._make(tenant_id, dict.fromkeys(sorted(missing), 1))
            rows = await self._rows(tenant_id)
        service = self._transit.service
        rows = _of_use(rows)
        opened = await asyncio.gather(*(self._unwrap(tenant_id, service, row) for row in rows))
        return _assemble(tenant_id, service, dict(zip(rows, opened, strict=True)), self._memory)

    async def _unwrap(self, tenant_id: TenantId, service: str, row: Wrapped) -> bytes:
        try:
            return await self._transit.unwrap(tenant_id, service, row.context, row.wrapped)
        except KeyRefused as error:
            log.warning(
                "data_key_refused", tenant_id=str(tenant_id), purpose=row.purpose, key_version=row.version
            )
            raise KeyGone from error

    async def _make(self, tenant_id: TenantId, versions: Mapping[str, int]) -> None:
        wanted = [Wrapped(purpose, version, "") for purpose, version in versions.items()]
        try:
            made = await asyncio.gather(*(self._transit.wrap_new(tenant_id, row.context) for row in wanted))
        except KeyRefused as error:
            raise KeyGone from error
        async with self._database.transaction(tenant_id) as tx:
            await _add(tx, [row._replace(wrapped=text) for row, (_, text) in zip(wanted, made, strict=True)])

    async def _rows(self, tenant_id: TenantId) -> list[Wrapped]:
        async with self._database.reading(tenant_id) as tx:
            return [Wrapped(*row) for row in await tx.driver.fetch(_READ, tenant_id, self._settle)]


async def _add(tx: TenantTransaction, rows: Sequence[Wrapped]) -> None:
    for row in rows:
        await tx.driver.execute(_ADD, tx.tenant_id, row.purpose, row.version, row.wrapped)


def _of_use(rows: Sequence[Wrapped]) -> list[Wrapped]:
    """The keys that are still needed: what has sealed stays so, what has indexed does not."""
    index = [row for row in rows if row.purpose == INDEX]
    older = {row for row in index[:-1] if index[-1].settled or row != index[-2]}
    event = _current([row for row in rows if row.purpose == EVENTS])
    return [row for row in rows if row not in older and (row.purpose != EVENTS or row == event)]


def _current(rows: Sequence[Wrapped]) -> Wrapped:
    """What seals: the newest that every process knows; of a tenant's first key nobody holds an older one."""
    return next((row for row in reversed(rows) if row.settled), rows[0])


def _assemble(
    tenant_id: TenantId, service: str, opened: Mapping[Wrapped, bytes], memory: TokenMemory
) -> TenantKeys:
    rows: dict[str, list[Wrapped]] = {}
    for row in sorted(opened):
        rows.setdefault(row.purpose, []).append(row)
    event = _current(rows[EVENTS])
    indexing = rows[INDEX][::-1] + rows.get(NEXT_INDEX, [])
    material = KeyMaterial(
        tenant_id,
        records={row.version: opened[row] for row in rows[RECORDS]},
        current=_current(rows[RECORDS]).version,
        index=tuple(opened[row] for row in indexing),
        unique=opened[rows[UNIQUE][-1]],
    )
    own = EventKey(tenant_id, service, event.version, event.wrapped, AESGCM(opened[event]))
    return TenantKeys(material, own, memory)
