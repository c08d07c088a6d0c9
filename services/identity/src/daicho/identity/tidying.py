"""Rows whose time is over go: links, counted failures, sessions, known places.

A link goes a day after it could last be used: until then what asks how many were sent lately counts it. A session goes
with the longest that it could have lasted, ended or not: who presents one of its refresh tokens later is refused as
one whose session never was. Nothing here is anybody's record of the past: that is the audit's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from daicho.faults import Unavailable
from daicho.identity.directory import all_tenants
from daicho.identity.mail import limits
from daicho.identity.policy import KNOWN_PLACE_LIFETIME
from daicho.runtime import Clock
from daicho.tenancy import Database, TenantId

PERIOD: Final = 3600.0
"""Seconds from one round to the next."""
GRACE: Final = timedelta(days=1)

OLD_LINKS: Final = "DELETE FROM link WHERE tenant_id = $1 AND expires_at < $2"
OLD_ATTEMPTS: Final = "DELETE FROM attempt WHERE tenant_id = $1 AND window_started_at < $2"
OLD_SESSIONS: Final = "DELETE FROM session WHERE tenant_id = $1 AND expires_at < $2"
OLD_PLACES: Final = "DELETE FROM known_place WHERE tenant_id = $1 AND seen_at < $2"
_KEPT: Final = {
    OLD_LINKS: GRACE,
    OLD_ATTEMPTS: GRACE,
    OLD_SESSIONS: GRACE,
    OLD_PLACES: KNOWN_PLACE_LIFETIME,
}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tidying:
    """Tidies every company, now and every hour. Two processes at it do no harm."""

    database: Database
    clock: Clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.round()
            except Unavailable as error:
                log.warning("not_tidied", error=error.code)
            await asyncio.sleep(PERIOD)

    async def round(self) -> None:
        """Tidy each company once."""
        now = self.clock()
        for tenant_id in await all_tenants(self.database):
            await self.tidy(tenant_id, now)
        async with self.database.tenantless() as tx:
            await limits.forget(tx, now.date())

    async def tidy(self, tenant_id: TenantId, now: datetime) -> None:
        """Remove what one company's time is over for."""
        async with self.database.transaction(tenant_id) as tx:
            for statement, kept in _KEPT.items():
                await tx.driver.execute(statement, tenant_id, now - kept)
