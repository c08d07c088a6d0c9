"""How long an event waits behind another tenant's backlog: ``python -m tests.bench backlog [events]``.

One tenant has 50,000 events in the outbox, as after an outage of the bus; another tenant tells one event after them.
Prints the seconds from the relay's start until that event is on the bus, and from the start of audit's consumer, which
finds all of them there, until its entry is in the log. Bar: 5 s each.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from time import perf_counter

import asyncpg
import uvloop

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Bus, Relay, schema, tell, tell_all
from daicho.local.servers import OpenBaoServer
from daicho.runtime import configure_logging
from daicho.tenancy import Database, TenantId, uuid7
from daicho.testkit import TestDatabase
from tests.bench.audit_append import World, running_world, servers

BAR_SECONDS = 5.0
_TOGETHER = 1_000


def _event(contact: object) -> customers.ContactChanged:
    return customers.ContactChanged(
        contact_id=contact.bytes,  # type: ignore[attr-defined]
        change=customers.CHANGE_UPDATED,
        fields=["family_name", "emails"],
    )


async def tell_backlog(database: Database, tenant: TenantId, count: int) -> None:
    """``count`` events about as many contacts of one tenant."""
    for start in range(0, count, _TOGETHER):
        contacts = [uuid7() for _ in range(min(_TOGETHER, count - start))]
        async with database.transaction(tenant) as tx:
            await tell_all(tx, None, [(_event(each), Aggregate("contact", each, 1)) for each in contacts])


async def tell_one(database: Database, tenant: TenantId) -> None:
    """One event of a tenant."""
    contact = uuid7()
    async with database.transaction(tenant) as tx:
        await tell(tx, None, _event(contact), aggregate=Aggregate("contact", contact, 1))


async def published(service: TestDatabase, bus: Bus, world: World, tenant: TenantId) -> float:
    """Seconds until the relay has the tenant's event on the bus; returns when the outbox is empty."""
    look = await asyncpg.connect(service.admin_url)
    begun, found = perf_counter(), 0.0
    task = asyncio.create_task(Relay(service.relay_url, bus, world.signer).run())
    while await look.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
        if not found and not await look.fetchval(
            "SELECT EXISTS (SELECT FROM outbox WHERE tenant_id = $1)", tenant
        ):
            found = perf_counter() - begun
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await look.close()
    return found or perf_counter() - begun


async def handled(world: World, audit: tuple[Database, Bus, TestDatabase], tenant: TenantId) -> float:
    """Seconds until the consumer has appended the tenant's event to its log."""
    database, bus, service = audit
    look = await asyncpg.connect(service.admin_url)
    begun = perf_counter()
    async with world.running(database, bus):
        while not await look.fetchval("SELECT size FROM log_head WHERE tenant_id = $1", tenant):  # noqa: ASYNC110 - a server's state, which nobody announces
            await asyncio.sleep(0.01)
        took = perf_counter() - begun
    await look.close()
    return took


async def measure(admin_url: str, openbao: OpenBaoServer, count: int) -> bool:
    """Print both figures; whether the bars hold."""
    held = True
    async with running_world(admin_url, openbao) as (world, databases), world.audit() as audit:
        loud, quiet = await world.tenants(2)
        service = await databases.make("customers", create=schema.create_newest)
        teller = await service.open()
        await tell_backlog(teller, loud, count)
        await tell_one(teller, quiet)
        on_bus = await published(service, audit[1], world, quiet)
        in_log = await handled(world, audit, quiet)
        for name, took in (("on the bus", on_bus), ("in the log", in_log)):
            verdict = "holds" if took <= BAR_SECONDS else "MISSED"
            held = held and took <= BAR_SECONDS
            print(f"behind {count:,} events, {name:<12}{took:8.2f} s  bar {BAR_SECONDS:.0f} s {verdict}")
        await teller.close()
    return held


def main() -> int:
    """Measure on servers of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    configure_logging("bench", "WARNING")
    with servers() as (admin_url, openbao):
        return 0 if uvloop.run(measure(admin_url, openbao, count)) else 1


if __name__ == "__main__":
    sys.exit(main())
