"""How fast events become entries: `python tests/bench/audit_append.py [events]`.

Appending: the consumer empties a bus that is behind, for one tenant and for twenty; medians of three runs
against the bar (5,000 entries/s), and the ratio to the floor: the same rows put into the same tables by bare
asyncpg, without bus, inbox, tree, digest or seal. Four events in five are changes, one is a list of 50 records.

Latency: 500 events/s put into an outbox for ten seconds, each in a transaction of its own; the time from its
commit until the entry can be read, p50 and p95, against the bar (200 ms).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from daicho.audit import repository
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.consumers import consumer
from daicho.audit.log import Unsigned
from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import (
    Aggregate,
    BatchSigner,
    Bus,
    EventVerifier,
    Message,
    Relay,
    bus_schema,
    open_bus,
    schema,
    tell,
    topic_of,
)
from daicho.events.envelope import enclose, partition_key
from daicho.keyring import Keyring, Transit, provision
from daicho.local.servers import OpenBaoServer, PostgresServer, free_port
from daicho.runtime import configure_logging, utc_now
from daicho.tenancy import Actor, Database, TenantId, UserId, uuid7
from daicho.testkit import Databases, TestDatabase
from daicho.testkit.background import running

BAR, RUNS = 5_000, 3
LATENCY_BAR, RATE, SECONDS = 0.2, 500, 10
ROUND = 500


@contextmanager
def servers() -> Iterator[tuple[str, OpenBaoServer]]:
    """A PostgreSQL with its durable defaults, and an OpenBao."""
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = PostgresServer(Path(folder) / "postgres", port=free_port(), password="bench")
        openbao = OpenBaoServer(Path(folder) / "openbao", port=free_port())
        postgres.initialise()
        postgres.start()
        openbao.start()
        try:
            postgres.wait_until_ready()
            openbao.wait_until_ready()
            yield postgres.url(), openbao
        finally:
            openbao.stop()
            postgres.stop()


class World:
    """The audit's database and keys, and a bus."""

    def __init__(self, databases: Databases, transits: dict[str, Transit]) -> None:
        self._databases, self._transits = databases, transits
        self.signer = BatchSigner(transits["customers"])

    async def signed(self, messages: Sequence[Message]) -> list[Message]:
        """``messages`` with the proofs of customers, which tells on both topics."""
        return await self.signer.sign(messages)

    async def tenants(self, count: int) -> list[TenantId]:
        made = [TenantId(uuid7()) for _ in range(count)]
        for tenant in made:
            await self._transits["identity"].create_tenant_key(tenant)
        return made

    @asynccontextmanager
    async def audit(self) -> AsyncIterator[tuple[Database, Bus, TestDatabase]]:
        service = await self._databases.make("audit")
        bus_database = await self._databases.make("bus", create=bus_schema.create)
        database, bus = await service.open(), await open_bus(bus_database.app_url)
        yield database, bus, service
        await bus.close()
        await database.close()
        await self._databases.drop(service)
        await self._databases.drop(bus_database)

    @asynccontextmanager
    async def running(self, database: Database, bus: Bus) -> AsyncIterator[None]:
        """Consumer and checkpoints at work."""
        transit, unsigned = self._transits["audit"], Unsigned()
        keyring = Keyring(transit, database)
        checkpoints = Checkpoints(database, transit, utc_now, unsigned)
        hearing = consumer(
            bus,
            EventVerifier(transit),
            database,
            keyring,
            checkpoints=checkpoints,
            grown=unsigned.add,
        )
        async with running(hearing.run(), checkpoints.run()):
            yield


def messages(tenants: Sequence[TenantId], count: int) -> Iterator[Message]:
    """``count`` events of ordinary size."""
    users = {tenant: UserId(uuid7()) for tenant in tenants}
    contacts = [uuid7() for _ in range(1_000)]
    for number in range(count):
        tenant = tenants[number % len(tenants)]
        actor = Actor(tenant_id=tenant, kind="user", user_id=users[tenant], address="192.0.2.10")
        message: Any
        if number % 5:
            contact = contacts[number % 1_000]
            message = customers.ContactChanged(
                contact_id=contact.bytes, change=customers.CHANGE_UPDATED, fields=["family_name", "emails"]
            )
            about, topic = Aggregate("contact", contact, number), topic_of(message)
        else:
            shown = [contacts[(number + place) % 1_000].bytes for place in range(50)]
            message = audit.Accessed(action="contact.list", resource="contact", ids=shown)
            about, topic = Aggregate("access", users[tenant], 0), "access.events"
        _, value = enclose(message, actor=actor, tenant_id=tenant, aggregate=about, keys=None)
        yield Message(topic, partition_key(tenant, about.id), value)


async def append(world: World, tenants: Sequence[TenantId], count: int) -> float:
    """Entries/s of the consumer."""
    async with world.audit() as (database, bus, service):
        told = list(messages(tenants, count))
        for start in range(0, count, 2_000):
            await bus.publish(await world.signed(told[start : start + 2_000]))
        admin = await asyncpg.connect(service.admin_url)

        async def appended() -> int:
            return int(await admin.fetchval("SELECT sum(size) FROM log_head") or 0)

        async with world.running(database, bus):
            while not (before := await appended()):  # noqa: ASYNC110 - a server's state, which nobody announces
                await asyncio.sleep(0.005)  # the keys are opened once in minutes
            begun = perf_counter()
            while (size := await appended()) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
            took = perf_counter() - begun
        await admin.close()
    return (size - before) / took


async def floor(world: World, tenant: TenantId, count: int) -> float:
    """Entries/s of the bare statements."""
    now, user, digest, payload = datetime.now(UTC), uuid7(), bytes(32), bytes(300)
    contacts = [uuid7() for _ in range(1_000)]
    async with world.audit() as (_, _, service):
        connection = await asyncpg.connect(service.app_url)
        begun = perf_counter()
        for start in range(0, count, ROUND):
            numbers = range(start, min(start + ROUND, count))
            size = len(numbers)
            records: list[tuple[UUID, int]] = []
            for number in numbers:
                shown = 1 if number % 5 else 50
                records += [(contacts[(number + place) % 1_000], number) for place in range(shown)]
            async with connection.transaction():
                await connection.execute(f"SET LOCAL app.tenant_id = '{tenant}'")
                await connection.execute(
                    repository.APPEND, tenant, list(numbers), [uuid7() for _ in numbers], [now] * size,
                    [1] * size, [1] * size, [user] * size, [None] * size, [""] * size, ["contact.updated"] * size,
                    ["contact"] * size, [user] * size, [payload] * size, [digest] * size,
                    [record for record, _ in records], [number for _, number in records],
                    [1] * len(records), [now] * len(records), [0] * size, list(numbers), [digest] * size, [], [], [], 0, b"",
                )  # fmt: skip
        took = perf_counter() - begun
        await connection.close()
    return count / took


async def latency(world: World, databases: Databases, tenants: Sequence[TenantId]) -> list[float]:
    """Seconds from an event's commit until its entry can be read, one for each event."""
    committed: dict[UUID, float] = {}
    readable: dict[UUID, float] = {}
    teller_database = await databases.make("customers", create=schema.create_newest)
    teller = await teller_database.open()

    async def tell_one(tenant: TenantId) -> None:
        contact = uuid7()
        message = customers.ContactChanged(contact_id=contact.bytes, change=customers.CHANGE_UPDATED)
        async with teller.transaction(tenant) as tx:
            event = await tell(tx, None, message, aggregate=Aggregate("contact", contact, 1))
        committed[event] = perf_counter()

    async def read(tenant: TenantId, database: Database) -> None:
        seen = -1
        while True:
            async with database.reading(tenant) as tx:
                rows = await tx.driver.fetch(
                    "SELECT sequence, entry_id FROM entry WHERE tenant_id = $1 AND sequence > $2",
                    tenant,
                    seen,
                )
            now = perf_counter()
            readable.update((row["entry_id"], now) for row in rows)
            seen = max((row["sequence"] for row in rows), default=seen)
            await asyncio.sleep(0.02)

    async with (
        world.audit() as (database, bus, service),
        world.running(database, bus),
        asyncio.TaskGroup() as group,
    ):
        reading = await service.open()
        readers = [group.create_task(read(tenant, reading)) for tenant in tenants]
        readers.append(group.create_task(Relay(teller_database.relay_url, bus, world.signer).run()))
        for tenant in tenants:  # a process at work holds its tenants' keys
            await tell_one(tenant)
        async with asyncio.timeout(30):
            while len(readable) < len(tenants):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        committed.clear()
        begun = perf_counter()
        telling = []
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begun + number / RATE - perf_counter()))
            telling.append(asyncio.create_task(tell_one(tenants[number % len(tenants)])))
        await asyncio.gather(*telling)
        async with asyncio.timeout(30):
            while not committed.keys() <= readable.keys():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        for task in readers:
            task.cancel()
    await reading.close()
    await teller.close()
    return sorted(max(0.0, readable[event] - at) for event, at in committed.items())


@asynccontextmanager
async def running_world(admin_url: str, openbao: OpenBaoServer) -> AsyncIterator[tuple[World, Databases]]:
    """A world on these servers, whose databases are dropped at the end."""
    databases = Databases(admin_url)
    roles = provision(openbao.address, openbao.root_token)
    transits = {
        name: Transit(openbao.address, *roles[name], service=name)
        for name in ("identity", "customers", "audit")
    }
    try:
        yield World(databases, transits), databases
    finally:
        for transit in transits.values():
            transit.close()
        await databases.drop_all()


async def measure(admin_url: str, openbao: OpenBaoServer, count: int) -> None:
    async with running_world(admin_url, openbao) as (world, databases):
        (first,) = await world.tenants(1)
        base = statistics.median([await floor(world, first, count) for _ in range(RUNS)])
        print(f"{'bare statements':<28}{base:>10,.0f} entries/s")
        for name, number in (("append, one tenant", 1), ("append, twenty tenants", 20)):
            # A database made anew needs tenants made anew: the key store remembers the logs of the others.
            runs = [await append(world, await world.tenants(number), count) for _ in range(RUNS)]
            rate = statistics.median(runs)
            verdict = "holds" if rate >= BAR else "MISSED"
            print(f"{name:<28}{rate:>10,.0f} entries/s  bar {BAR:,} {verdict}  ratio {rate / base:.2f}")
        found = await latency(world, databases, await world.tenants(10))
        p50, p95 = found[len(found) // 2], found[int(len(found) * 0.95)]
        verdict = "holds" if p95 <= LATENCY_BAR else "MISSED"
        print(
            f"commit to readable entry at {RATE} events/s: p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
            f"  bar {LATENCY_BAR * 1000:.0f} ms {verdict}"
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    configure_logging("bench", "WARNING")
    with servers() as (admin_url, openbao):
        uvloop.run(measure(admin_url, openbao, count))


if __name__ == "__main__":
    main()
