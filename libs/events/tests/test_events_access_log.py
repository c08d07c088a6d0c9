"""Who saw what: committed before the answer leaves, in groups."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import AccessLog, Envelope
from daicho.faults import Unavailable
from daicho.tenancy import Database, uuid7
from daicho.testkit import create_actor
from daicho.testkit.events import EventsWorld

TOPIC = "access.events"


class EventsKey:
    version, wrapped, service = 1, "vault:v1:abc", "customers"


class Keys:
    events = EventsKey()


async def waiting(world: EventsWorld) -> int:
    connection = await asyncpg.connect(world.service.relay_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM access_outbox"))
    finally:
        await connection.close()


async def test_an_entry_is_committed_when_record_returns_and_reaches_the_topic(world: EventsWorld) -> None:
    log, actor, ids = AccessLog(world.database), create_actor(), [uuid7() for _ in range(50)]
    await log.record(
        actor, action="contact.search", resource="contact", ids=ids[::-1], detail=b"sealed", keys=Keys()
    )
    assert await waiting(world) == 1
    async with world.relaying():
        (record,) = await world.arrived(TOPIC, 1)
    envelope = Envelope.FromString(record.value)
    accessed = audit.Accessed.FromString(envelope.payload)
    assert envelope.type == "daicho.audit.events.v1.Accessed"
    assert UUID(bytes=envelope.tenant_id) == actor.tenant_id
    assert UUID(bytes=envelope.actor.user_id) == actor.user_id
    assert envelope.actor.address == actor.address
    assert (accessed.action, accessed.resource) == ("contact.search", "contact")
    assert [UUID(bytes=value) for value in accessed.ids] == ids, (
        "the order of the answer tells how it was sorted"
    )
    assert accessed.sealed_query == b"sealed"
    assert envelope.key.wrapped == "vault:v1:abc"


async def test_more_than_a_thousand_records_make_several_entries(world: EventsWorld) -> None:
    ids = [uuid7() for _ in range(2_001)]
    await AccessLog(world.database).record(
        create_actor(), action="contact.export", resource="contact", ids=ids
    )
    async with world.relaying():
        records = await world.arrived(TOPIC, 3)
    entries = [audit.Accessed.FromString(Envelope.FromString(record.value).payload) for record in records]
    assert [len(entry.ids) for entry in entries] == [1_000, 1_000, 1]
    assert [UUID(bytes=value) for entry in entries for value in entry.ids] == ids


async def test_a_look_that_found_nothing_is_an_entry_too(world: EventsWorld) -> None:
    await AccessLog(world.database).record(create_actor(), action="contact.list", resource="contact", ids=[])
    assert await waiting(world) == 1


class Counting:
    """The real database, counting commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.commits = 0

    async def execute_alone(self, statement: str, *arguments: Any) -> None:
        await self._database.execute_alone(statement, *arguments)
        self.commits += 1


async def test_calls_that_wait_together_share_a_commit(world: EventsWorld) -> None:
    database = Counting(world.database)
    log = AccessLog(database)  # type: ignore[arg-type]  # counts, and is the real one
    await asyncio.gather(
        *(
            log.record(create_actor(), action="contact.list", resource="contact", ids=[uuid7()])
            for _ in range(300)
        )
    )
    assert await waiting(world) == 300
    assert database.commits <= 5


async def test_pages_have_headroom(world: EventsWorld) -> None:
    """The bar of the list page needs more than a thousand a second on top of all else that it does."""
    log, ids = AccessLog(world.database), [uuid7() for _ in range(50)]
    actors = [create_actor() for _ in range(16)]

    async def client(number: int) -> None:
        for _ in range(100):
            await log.record(actors[number], action="contact.list", resource="contact", ids=ids)

    took = []
    for _ in range(3):  # a machine that stands still for a moment spoils one of them
        begun = perf_counter()
        await asyncio.gather(*(client(number) for number in range(16)))
        took.append(perf_counter() - begun)
    assert 1_600 / min(took) > 1_000
    assert await waiting(world) == 4_800


async def test_no_answer_is_sent_when_the_entry_cannot_be_written(world: EventsWorld) -> None:
    admin = await asyncpg.connect(world.service.admin_url)
    await admin.execute("ALTER TABLE access_outbox RENAME TO elsewhere")
    log = AccessLog(world.database)

    async def look() -> None:
        await log.record(create_actor(), action="contact.list", resource="contact", ids=[uuid7()])

    answers = await asyncio.gather(*(look() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    await admin.execute("ALTER TABLE elsewhere RENAME TO access_outbox")
    await admin.close()
    await look()
    assert await waiting(world) == 1


async def test_the_queue_has_an_end(world: EventsWorld) -> None:
    log = AccessLog(world.database, waiting=10)

    async def look() -> None:
        await log.record(create_actor(), action="contact.list", resource="contact", ids=[uuid7()])

    answers = await asyncio.gather(*(look() for _ in range(30)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 20
    assert await waiting(world) == 10


async def test_a_caller_who_goes_away_does_not_disturb_the_others(world: EventsWorld) -> None:
    log = AccessLog(world.database)

    async def look() -> None:
        await log.record(create_actor(), action="contact.list", resource="contact", ids=[uuid7()])

    looks = [asyncio.create_task(look()) for _ in range(10)]
    await asyncio.sleep(0)
    looks[3].cancel()
    answers = await asyncio.gather(*looks, return_exceptions=True)
    assert [type(answer) for answer in answers if answer is not None] == [asyncio.CancelledError]
    await log.close()


async def test_the_app_cannot_read_what_it_entered(world: EventsWorld) -> None:
    await AccessLog(world.database).record(create_actor(), action="contact.list", resource="contact", ids=[])
    connection = await asyncpg.connect(world.service.app_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM access_outbox")
    finally:
        await connection.close()
