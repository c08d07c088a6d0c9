"""How fast a relay that is behind empties its outbox: `python tests/bench/relay.py [events]`.

Prints the median of three runs against the bar (20,000 events/s), and the ratio to the floor: the same rows
read, copied into the bus's table and deleted by bare asyncpg, without order, bus or events. POSTGRES_URL and
KAFKA_BOOTSTRAP are used when given; durable settings (fsync) are the server's own.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

import asyncpg
import uvloop

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.events import Aggregate, BatchSigner, Relay, bus_schema, open_bus, schema, tell_all
from daicho.keyring import Transit, provision
from daicho.local.servers import OpenBaoServer, PostgresServer, free_port
from daicho.tenancy import Database, TenantId, uuid7
from daicho.testkit import Databases, TestDatabase

BAR = 20_000
RUNS = 3


@contextmanager
def postgres() -> Iterator[str]:
    """A superuser's address of a server with its durable defaults."""
    if given := os.environ.get("POSTGRES_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder) / "postgres", port=free_port(), password="bench")
        server.initialise()
        server.start()
        try:
            server.wait_until_ready()
            yield server.url()
        finally:
            server.stop()


@contextmanager
def key_store() -> Iterator[Transit]:
    """The way of customers to a key store of our own."""
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        server = OpenBaoServer(Path(folder) / "openbao", port=free_port())
        server.start()
        try:
            server.wait_until_ready()
            roles = provision(server.address, server.root_token)
            transit = Transit(server.address, *roles["customers"], service="customers")
            yield transit
            transit.close()
        finally:
            server.stop()


async def fill(database: Database, count: int) -> None:
    """``count`` events of ordinary size about 1,000 contacts of 20 tenants."""
    for _ in range(20):
        contacts = [uuid7() for _ in range(50)]
        tellings = [
            (
                events_pb2.ContactChanged(
                    contact_id=contacts[n % 50].bytes,
                    change=events_pb2.CHANGE_UPDATED,
                    owner_id=contacts[0].bytes,
                    fields=["family_name", "emails", "custom.rank"],
                ),
                Aggregate("contact", contacts[n % 50], n // 50 + 1),
            )
            for n in range(count // 20)
        ]
        async with database.transaction(TenantId(uuid7())) as tx:
            await tell_all(tx, None, tellings)


async def relay(service: TestDatabase, bus_url: str, count: int, signer: BatchSigner) -> float:
    """Events/s from the relay's start until the outbox is empty."""
    database, bus = await service.open(), await open_bus(bus_url)
    await fill(database, count)
    look = await asyncpg.connect(service.relay_url)
    begun = perf_counter()
    task = asyncio.create_task(Relay(service.relay_url, bus, signer).run())
    while await look.fetchval("SELECT EXISTS (SELECT FROM outbox)"):  # noqa: ASYNC110 - a server's state, which nobody announces
        await asyncio.sleep(0.005)
    took = perf_counter() - begun
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await look.close()
    await bus.close()
    await database.close()
    return count / took


async def floor(service: TestDatabase, bus_admin_url: str, count: int) -> float:
    """Events/s of the bare statements."""
    database = await service.open()
    await fill(database, count)
    await database.close()
    source, target = await asyncpg.connect(service.relay_url), await asyncpg.connect(bus_admin_url)
    position = await target.fetchval("SELECT coalesce(max(position), 0) FROM message WHERE topic = 'floor'")
    begun = perf_counter()
    while rows := await source.fetch(
        "SELECT id, topic, key, event_id, envelope FROM outbox ORDER BY id LIMIT 4000"
    ):
        records = [
            ("floor", 0, position + place, row[2], row[4], row[3].bytes) for place, row in enumerate(rows, 1)
        ]
        position += len(rows)
        await target.copy_records_to_table(
            "message", records=records, columns=["topic", "partition", "position", "key", "value", "headers"]
        )
        await source.execute("DELETE FROM outbox WHERE id = ANY($1)", [row[0] for row in rows])
    took = perf_counter() - begun
    await source.close()
    await target.close()
    return count / took


async def measure(admin_url: str, count: int, transit: Transit) -> None:
    databases, signer = Databases(admin_url), BatchSigner(transit)
    try:
        service = await databases.make("customers", create=schema.create_newest)
        bus = await databases.make("bus", create=bus_schema.create)
        bus_url = bus.app_url
        floors = [await floor(service, bus.admin_url, count) for _ in range(RUNS)]
        drivers = {"PostgreSQL": bus_url}
        if bootstrap := os.environ.get("KAFKA_BOOTSTRAP"):
            drivers["Kafka"] = f"kafka://{bootstrap}"
        base = statistics.median(floors)
        print(f"{'bare statements':<24}{base:>10,.0f} events/s")
        for name, url in drivers.items():
            rate = statistics.median([await relay(service, url, count, signer) for _ in range(RUNS)])
            verdict = "holds" if rate >= BAR else "MISSED"
            print(
                f"{'relay to ' + name:<24}{rate:>10,.0f} events/s  bar {BAR:,} {verdict}  ratio {rate / base:.2f}"
            )
    finally:
        await databases.drop_all()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    with postgres() as admin_url, key_store() as transit:
        uvloop.run(measure(admin_url, count, transit))


if __name__ == "__main__":
    main()
