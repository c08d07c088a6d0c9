"""Who was refused what: the first attempts one by one, a flood as a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.events import AccessLog, Envelope, Refusals
from daicho.faults import Unavailable
from daicho.tenancy import Actor, uuid7
from daicho.testkit import create_actor
from daicho.testkit.events import EventsWorld


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def told(world: EventsWorld) -> list[audit.Refused]:
    connection = await asyncpg.connect(world.service.relay_url)
    try:
        rows = await connection.fetch("SELECT envelope FROM access_outbox ORDER BY id")
    finally:
        await connection.close()
    return [audit.Refused.FromString(Envelope.FromString(row["envelope"]).payload) for row in rows]


async def ask(refusals: Refusals, actor: Actor, times: int, **members: Any) -> None:
    for _ in range(times):
        given = {"resource": "contact", "method": "GET", "ids": [uuid7()], "status": 404} | members
        await refusals.note(actor, **given)


async def test_an_attempt_is_committed_with_what_was_asked_for_when_note_returns(world: EventsWorld) -> None:
    wanted = uuid7()
    await Refusals(AccessLog(world.database)).note(
        create_actor(), resource="contact", method="PATCH", ids=[wanted], status=404
    )
    assert await told(world) == [
        audit.Refused(resource="contact", method="PATCH", ids=[wanted.bytes], status=404)
    ]


async def test_a_flood_is_a_few_entries_and_a_number_for_each_resource(world: EventsWorld) -> None:
    clock, actor = Clock(), create_actor()
    refusals = Refusals(AccessLog(world.database), most=5, clock=clock)
    await ask(refusals, actor, 300)
    await ask(refusals, actor, 40, resource="company", status=403)
    await refusals.sweep()
    assert len(await told(world)) == 5
    clock.now = 60
    await refusals.sweep()
    assert (await told(world))[5:] == [
        audit.Refused(resource="contact", method="GET", status=404, more=295),
        audit.Refused(resource="company", method="GET", status=403, more=40),
    ]
    await refusals.sweep()
    assert len(await told(world)) == 7


async def test_a_flood_that_goes_on_is_told_with_the_next_minutes_first_attempt(world: EventsWorld) -> None:
    clock, actor = Clock(), create_actor()
    refusals = Refusals(AccessLog(world.database), most=1, clock=clock)
    await ask(refusals, actor, 10)
    clock.now = 61
    await ask(refusals, actor, 1)
    assert [entry.more for entry in await told(world)] == [0, 9, 0]


async def test_one_actors_flood_leaves_the_others_their_entries(world: EventsWorld) -> None:
    refusals = Refusals(AccessLog(world.database), most=2)
    await ask(refusals, create_actor(), 50)
    await ask(refusals, create_actor(), 1)
    assert len(await told(world)) == 3


async def test_what_was_counted_is_entered_when_the_process_ends(world: EventsWorld) -> None:
    refusals = Refusals(AccessLog(world.database), most=1)
    await ask(refusals, create_actor(), 4)
    await refusals.close()
    assert [entry.more for entry in await told(world)] == [0, 3]


async def test_counts_outlast_a_database_that_is_away(world: EventsWorld) -> None:
    clock, full = Clock(), AccessLog(world.database, waiting=0)
    refusals = Refusals(full, most=0, clock=clock)
    await ask(refusals, create_actor(), 3)
    clock.now = 60
    await refusals.sweep()
    assert await told(world) == []
    full._limit = 10
    await refusals.sweep()
    assert [entry.more for entry in await told(world)] == [3]


async def test_an_attempt_that_cannot_be_entered_is_not_answered(world: EventsWorld) -> None:
    refusals = Refusals(AccessLog(world.database, waiting=0))
    with pytest.raises(Unavailable):
        await ask(refusals, create_actor(), 1)
