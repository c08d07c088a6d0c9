"""From a tenant's id to its keys: kept at most five minutes, unwrapped once however many ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.keyring.keys import EventKey, TenantKeys
from daicho.keyring.transit import Transit
from daicho.tenancy import Database, TenantId, TenantTransaction

TTL: Final = 300.0
"""Seconds that keys stay in memory, and so the longest that a deleted key is still of use."""
RECORDS, INDEX, EVENTS = "records", "index", "events"
PURPOSES: Final = (RECORDS, INDEX, EVENTS)

_READ: Final = "SELECT purpose, version, wrapped FROM data_key WHERE tenant_id = $1 ORDER BY purpose, version"
_ADD: Final = """
    INSERT INTO data_key (tenant_id, purpose, version, wrapped) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, purpose, version) DO NOTHING
"""
_REPLACE: Final = "UPDATE data_key SET wrapped = $4 WHERE tenant_id = $1 AND purpose = $2 AND version = $3"

log = structlog.get_logger()


class Wrapped(NamedTuple):
    """A row of ``data_key``."""

    purpose: str
    version: int
    wrapped: str


class _Kept(NamedTuple):
    keys: TenantKeys
    until: float


class Keyring:
    """The keys of every tenant that this process serves.

    Call :meth:`open` outside of a database transaction: it may ask the key store.
    """

    def __init__(
        self,
        transit: Transit,
        database: Database,
        *,
        ttl: float = TTL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transit, self._database = transit, database
        self._ttl, self._clock = ttl, clock
        self._kept: dict[TenantId, _Kept] = {}
        self._opening: dict[TenantId, asyncio.Task[TenantKeys]] = {}
        self._foreign: dict[tuple[TenantId, str, str], tuple[EventKey, float]] = {}

    async def open(self, tenant_id: TenantId) -> TenantKeys:
        """The tenant's keys; its first data keys are made when there are none.

        Raises :class:`KeysUnavailable` when they are not in memory and the store is away or refuses: there
        is no other way to a sealed field.
        """
        kept = self._kept.get(tenant_id)
        if kept is not None and self._clock() < kept.until:
            return kept.keys
        task = self._opening.get(tenant_id)
        if task is None:
            task = self._opening[tenant_id] = asyncio.create_task(self._open(tenant_id))
            task.add_done_callback(lambda _: self._opening.pop(tenant_id, None))
        return await asyncio.shield(task)

    async def open_event_key(
        self, tenant_id: TenantId, *, service: str, version: int, wrapped: str
    ) -> EventKey:
        """The key of another service's events, from the wrapped form in an envelope."""
        place = (tenant_id, service, wrapped)
        kept = self._foreign.get(place)
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        key = await self._unwrap(tenant_id, service, Wrapped(EVENTS, version, wrapped))
        opened = EventKey(tenant_id, service, version, wrapped, AESGCM(key))
        self._foreign[place] = (opened, self._clock() + self._ttl)
        return opened

    async def rotate(self, tenant_id: TenantId) -> int:
        """A new data key for records and events from now on; answers its version.

        Older versions still open what they sealed; see :mod:`daicho.keyring.resealing`. Other processes
        turn to it when their copy ends.
        """
        rows = await self._rows(tenant_id)
        version = max(row.version for row in rows if row.purpose == RECORDS) + 1
        made = [
            Wrapped(purpose, version, (await self._transit.wrap_new(tenant_id, purpose))[1])
            for purpose in (RECORDS, EVENTS)
        ]
        async with self._database.transaction(tenant_id) as tx:
            await _add(tx, made)
        self.forget(tenant_id)
        return version

    async def rewrap(self, tenant_id: TenantId) -> int:
        """Wrap every data key by the newest version of the tenant's Transit key; answers how many."""
        rows = await self._rows(tenant_id)
        fresh = [
            row._replace(wrapped=await self._transit.rewrap(tenant_id, row.purpose, row.wrapped))
            for row in rows
        ]
        async with self._database.transaction(tenant_id) as tx:
            for row in fresh:
                await tx.driver.execute(_REPLACE, tenant_id, *row)
        return len(fresh)

    def forget(self, tenant_id: TenantId) -> None:
        """Drop the tenant's keys from memory."""
        self._kept.pop(tenant_id, None)

    async def _open(self, tenant_id: TenantId) -> TenantKeys:
        rows = await self._rows(tenant_id)
        missing = [purpose for purpose in PURPOSES if purpose not in {row.purpose for row in rows}]
        if missing:
            await self._create(tenant_id, missing)
            rows = await self._rows(tenant_id)
        opened = await asyncio.gather(*(self._unwrap(tenant_id, self._transit.service, row) for row in rows))
        keys = _assemble(tenant_id, self._transit.service, dict(zip(rows, opened, strict=True)))
        self._kept[tenant_id] = _Kept(keys, self._clock() + self._ttl)
        return keys

    async def _unwrap(self, tenant_id: TenantId, service: str, row: Wrapped) -> bytes:
        try:
            return await self._transit.unwrap(tenant_id, service, row.purpose, row.wrapped)
        except KeyRefused as error:
            log.warning(
                "data_key_refused", tenant_id=str(tenant_id), purpose=row.purpose, key_version=row.version
            )
            raise KeysUnavailable from error

    async def _create(self, tenant_id: TenantId, purposes: list[str]) -> None:
        """The tenant's first data keys. Of two processes that make them at once, the row of the first stays."""
        try:
            made = [Wrapped(each, 1, (await self._transit.wrap_new(tenant_id, each))[1]) for each in purposes]
        except KeyRefused as error:
            raise KeysUnavailable from error
        async with self._database.transaction(tenant_id) as tx:
            await _add(tx, made)

    async def _rows(self, tenant_id: TenantId) -> list[Wrapped]:
        async with self._database.reading(tenant_id) as tx:
            return [Wrapped(*row) for row in await tx.driver.fetch(_READ, tenant_id)]


async def _add(tx: TenantTransaction, rows: list[Wrapped]) -> None:
    for row in rows:
        await tx.driver.execute(_ADD, tx.tenant_id, *row)


def _assemble(tenant_id: TenantId, service: str, opened: Mapping[Wrapped, bytes]) -> TenantKeys:
    newest = {row.purpose: row for row in sorted(opened)}
    event = newest[EVENTS]
    return TenantKeys(
        tenant_id,
        records={row.version: key for row, key in opened.items() if row.purpose == RECORDS},
        index=opened[newest[INDEX]],
        events=EventKey(tenant_id, service, event.version, event.wrapped, AESGCM(opened[event])),
    )
