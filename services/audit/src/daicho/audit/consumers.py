"""Every event of the other services and every access becomes an entry, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from daicho.audit import log
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.events import TOPICS, fact_of
from daicho.audit.log import Grown
from daicho.events import BatchHandler, Bus, Consumer, Envelope, EventVerifier, Missed, Rejected
from daicho.keyring import KeyGone, Keyring, TenantKeys
from daicho.tenancy import Database, TenantId, TenantTransaction

GROUP = "audit"
ROUND = 500
"""Events of one tenant in one transaction: under load it costs little more than one event."""


def consumer(
    bus: Bus,
    verifier: EventVerifier,
    database: Database,
    keyring: Keyring,
    *,
    checkpoints: Checkpoints,
    grown: Grown,
    on_missed: Callable[[Missed], Awaitable[None]] | None = None,
) -> Consumer:
    """The consumer that writes the log; ``grown`` hears of each tenant whose log grows.

    No snapshot brings back what it missed: ``on_missed`` says so in every log, and an operator lets it go on.
    """

    async def prepared(tenant_id: TenantId) -> BatchHandler:
        keys = await _keys(keyring, tenant_id)
        await checkpoints.begin(tenant_id)

        async def on_events(tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
            await log.append(tx, keys, [fact_of(envelope) for envelope in envelopes])
            grown(tx.tenant_id)

        return on_events

    return Consumer(
        bus,
        GROUP,
        database,
        verifier,
        topics=TOPICS,
        prepare=prepared,
        versions="every",
        batch=ROUND,
        together=ROUND,
        on_missed=on_missed,
    )


async def _keys(keyring: Keyring, tenant_id: TenantId) -> TenantKeys:
    """The tenant's keys. A store that is away is waited for; a key that is gone never comes back: Rejected."""
    try:
        return await keyring.open(tenant_id)
    except KeyGone as error:
        raise Rejected("tenant_key_gone") from error
