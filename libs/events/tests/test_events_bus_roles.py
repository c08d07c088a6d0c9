"""What a service's role may do on the PostgreSQL bus: tell on its own topics, move its own groups, and read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from alembic.operations import Operations

from daicho.events import Bus, GroupIsRunning, Message, bus_role, bus_schema, open_bus, partition_of
from daicho.events.bus_roles import admit
from daicho.events.postgres_bus import PostgresBus
from daicho.tenancy import apply, database_url
from daicho.testkit.databases import TestDatabase
from daicho.testkit.plugin import MakeDatabase


@dataclass
class Entered:
    """The bus as customers enter it, by driver and by hand."""

    database: TestDatabase
    bus: Bus
    hand: asyncpg.Connection[Any]


@pytest_asyncio.fixture
async def customers(make_database: MakeDatabase) -> AsyncIterator[Entered]:
    database = await make_database("bus", create=bus_schema.create)
    role = bus_role("customers")
    await admit(database.admin_url, ["customers", "audit"], {role: "test"}, database=database.name)
    url = database_url(database.admin_url, database.name, role=role, password="test")
    bus, hand = await open_bus(url), await asyncpg.connect(url)
    yield Entered(database, bus, hand)
    await hand.close()
    await bus.close()


OWN = ("customers.events", "customers.revocations", "access.events", "identity.events.dead")
OTHERS = (
    "identity.events", "identity.revocations", "audit.events", "customersx.events", "access.events.x", "",
    "CUSTOMERS.events", "app.events",
)  # fmt: skip
FORBIDDEN = (
    (
        "INSERT INTO message (topic, partition, position, key, value, headers)"
        " VALUES ('customers.events', 0, 99, '', '', '')"
    ),
    "UPDATE message SET value = ''",
    "UPDATE message SET predates_signatures = true",
    "DELETE FROM message",
    "TRUNCATE message",
    "INSERT INTO slot VALUES ('customers.events', 1, 1)",
    "UPDATE slot SET next_position = 0",
    "DELETE FROM slot",
    "DELETE FROM reader",
    "ALTER TABLE message ALTER COLUMN predates_signatures SET DEFAULT true",
    "SET ROLE bus_app",
    "SET ROLE bus_identity",
    "SET SESSION AUTHORIZATION bus_app",
    "CREATE TABLE mine ()",
)


async def test_service_publishes_to_its_own_topics_alone(customers: Entered) -> None:
    for topic in OWN:
        await customers.bus.publish([Message(topic, b"k", b"v", (("id", b"1"),))])
        (record,) = [record async for record in customers.bus.read(topic)]
        assert (record.value, record.headers) == (b"v", (("id", b"1"),))
    for topic in OTHERS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await customers.bus.publish([Message(OWN[0], b"k", b"v"), Message(topic, b"k", b"v")])
    assert len([record async for record in customers.bus.read(OWN[0])]) == 1


async def test_nobody_touches_what_is_published(customers: Entered) -> None:
    await customers.bus.publish([Message("customers.events", b"k", b"v")])
    operator = await asyncpg.connect(customers.database.app_url)
    for hand in (customers.hand, operator):
        for statement in FORBIDDEN:
            if hand is operator and "bus_app" in statement:
                continue  # they are that already
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)):
                await hand.execute(statement)
    await operator.close()
    (record,) = [record async for record in customers.bus.read("customers.events")]
    assert (record.value, record.predates_signatures) == (b"v", False)


async def test_service_moves_its_own_groups_alone(customers: Entered) -> None:
    operator = await open_bus(customers.database.app_url)
    await operator.publish([Message("identity.events", b"k", str(n).encode()) for n in range(5)])
    await operator.rewind("audit", "identity.events", dict.fromkeys(range(8), 1))
    for group in ("audit", "audit.permissions", "customersx", "identity"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await customers.bus.rewind(group, "identity.events", {0: 0})
    moved = await customers.hand.execute("UPDATE reader SET next_position = 0")
    assert moved == "UPDATE 0"  # others' offsets are not even seen
    for group in ("customers", "customers.permissions"):
        async with customers.bus.subscribe(group, ["identity.events"]) as member:
            batches = await member.next()
            assert await member.commit(*batches)
            with pytest.raises(GroupIsRunning):
                await customers.bus.rewind(group, "identity.events", {0: 0})
        assert await customers.bus.backlog(group, "identity.events") == 0
    assert await operator.backlog("audit", "identity.events") == 4
    await operator.close()


async def test_publishing_counts_positions_and_partitions_as_every_driver_does(customers: Entered) -> None:
    keys = [uuid4().bytes for _ in range(200)]
    sent = [Message("customers.events", key, str(n).encode()) for n, key in enumerate(keys)]
    await customers.bus.publish(sent[:120])
    await customers.bus.publish(sent[120:])
    records = [record async for record in customers.bus.read("customers.events")]
    assert len(records) == 200
    assert all(record.partition == partition_of(record.key) for record in records)
    for partition in range(8):
        mine = [record for record in records if record.partition == partition]
        assert [record.position for record in mine] == list(range(len(mine)))
        assert [int(record.value) for record in mine] == sorted(int(record.value) for record in mine)


async def test_tidying_deletes_what_has_outlived_its_topic_alone(customers: Entered) -> None:
    await customers.bus.publish([Message("customers.events", b"k", str(n).encode()) for n in range(3)])
    admin = await asyncpg.connect(customers.database.admin_url)
    age = timedelta(days=7, minutes=1)
    await admin.execute("UPDATE message SET time = now() - $1::interval WHERE position = 0", age)
    await admin.close()
    assert isinstance(customers.bus, PostgresBus)
    assert await customers.hand.fetchval("SELECT tidy(1000000)") == 1
    assert await customers.bus.tidy() == 0
    assert [record.value async for record in customers.bus.read("customers.events")] == [b"1", b"2"]


async def test_bus_of_an_older_data_folder_keeps_its_messages_and_loses_its_open_rights(
    make_database: MakeDatabase,
) -> None:
    def as_it_was(op: Operations) -> None:
        for table in bus_schema._TABLES[:3]:
            op.execute(table)
        op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON slot, message, reader TO bus_app")

    database = await make_database("bus", create=as_it_was)
    hand = await asyncpg.connect(database.app_url)
    await hand.execute("INSERT INTO slot VALUES ('identity.events', $1, 1)", partition_of(b"k"))
    await hand.execute(
        "INSERT INTO message (topic, partition, position, key, value, headers)"
        " VALUES ('identity.events', $1, 0, 'k', 'old', '\\x90')",
        partition_of(b"k"),
    )
    for _ in range(2):  # each start repeats it
        await apply(database.admin_url, "bus", bus_schema.create, database=database.name)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await hand.execute("UPDATE message SET value = 'new'")
        bus = await open_bus(database.app_url)
        await bus.publish([Message("identity.events", b"k", b"new")])
        await bus.close()
    rows = await hand.fetch("SELECT value, predates_signatures FROM message ORDER BY position")
    assert [tuple(row) for row in rows] == [(b"old", True), (b"new", False), (b"new", False)]
    await hand.close()
