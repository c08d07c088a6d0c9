"""PostgreSQL, with the outbox and the bus in it, is killed and started again while events flow."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Consumer, Envelope, Relay, bus_schema, open_bus, schema, tell
from daicho.faults import Unavailable
from daicho.local.servers import OpenBaoServer, PostgresServer, free_port
from daicho.tenancy import TenantTransaction, uuid7
from daicho.testkit import Databases, create_tenant_id
from daicho.testkit.events import EventSigners


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server of this test's own, durable as in production."""
    with tempfile.TemporaryDirectory(prefix="daicho-test-") as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        server = PostgresServer(Path(folder) / "postgres", port=free_port(), password="test")
        server.initialise()
        server.start()
        server.wait_until_ready()
        try:
            yield server
        finally:
            server.stop()


async def test_what_was_committed_before_and_after_a_crash_has_its_effect_once(
    own_server: PostgresServer, openbao_server: OpenBaoServer, openbao_roles: dict[str, tuple[str, str]]
) -> None:
    signers = EventSigners(openbao_server.address, openbao_roles)
    databases = Databases(own_server.url())
    service = await databases.make("customers", create=schema.create_newest)
    bus_url = (await databases.make("bus", create=bus_schema.create)).app_url
    admin = await asyncpg.connect(service.admin_url)
    await admin.execute("CREATE TABLE effect (contact uuid); GRANT ALL ON effect TO customers_app")
    await admin.close()
    database, bus = await service.open(), await open_bus(bus_url)
    tenant = create_tenant_id()
    told: set[UUID] = set()

    async def on_changed(tx: TenantTransaction, event: customers.ContactChanged, envelope: Envelope) -> None:
        await tx.driver.execute("INSERT INTO effect VALUES ($1)", UUID(bytes=event.contact_id))

    async def change() -> None:
        contact = uuid7()
        with suppress(Unavailable):  # in the middle of the crash: told or not, nobody was promised anything
            async with database.transaction(tenant) as tx:
                message = customers.ContactChanged(contact_id=contact.bytes)
                await tell(tx, None, message, aggregate=Aggregate("contact", contact, 1))
            told.add(contact)

    consumer = Consumer(
        bus,
        "customers.test",
        database,
        signers.verifier("customers"),
        topics=["customers.events"],
        handlers={customers.ContactChanged: on_changed},
    )
    relay = Relay(service.relay_url, bus, signers.signer("customers"))
    tasks = [asyncio.create_task(main) for main in (relay.run(), consumer.run())]
    try:
        for number in range(120):
            if number == 60:
                await asyncio.to_thread(own_server.kill)
                assert not any(task.done() for task in tasks)
            if number == 70:
                own_server.start()
                await asyncio.to_thread(own_server.wait_until_ready)
            await change()
        effects = await _effects(service.app_url, told)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.close()
        await database.close()
        signers.close()
    assert len(told) >= 100
    assert len(effects) == len(set(effects))  # none twice
    assert told <= set(effects)  # and every promise kept


async def _effects(url: str, wanted: set[UUID]) -> list[UUID]:
    """What has had its effect, once everything wanted has."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(60):
            while True:
                found = [row["contact"] for row in await connection.fetch("SELECT contact FROM effect")]
                if wanted <= set(found):
                    return found
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
