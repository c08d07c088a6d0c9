"""What operators do with topics."""

from __future__ import annotations

import argparse
import asyncio
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from daicho.events import Message, Rejected, cli
from daicho.events.bus import Record
from daicho.events.dead import is_for, letter_for
from daicho.events.envelope import Envelope
from daicho.tenancy import uuid7
from daicho.testkit.events import EventsWorld

TOPIC = "customers.events"


async def daicho_events(world: EventsWorld | None, *words: str, service: str = "audit") -> tuple[int, str]:
    """The command with the settings of ``service``."""
    parser = argparse.ArgumentParser()
    cli.configure(parser)
    out, environ = io.StringIO(), {}
    if world is not None:
        role_id, secret_id = world.signers.roles[service]
        environ = {
            "DAICHO_BUS_URL": world.bus_url,
            "DAICHO_VAULT_ADDR": world.signers.address,
            "DAICHO_VAULT_ROLE_ID": role_id,
            "DAICHO_VAULT_SECRET_ID": secret_id,
        }
    status = await asyncio.to_thread(cli.run, parser.parse_args(words), environ, out=out)
    return status, out.getvalue()


def dead(event_id: UUID, reason: str, consumer: str) -> Message:
    value = Envelope(id=event_id.bytes, type="daicho.customers.events.v1.ContactChanged").SerializeToString()
    record = Record(TOPIC, 3, 14, datetime.now(UTC), b"key", value, (("id", event_id.bytes),))
    return letter_for(record, consumer=consumer, error=Rejected(reason), attempts=5)


async def test_dead_letters_are_listed_with_their_reason(world: EventsWorld) -> None:
    one, other = uuid7(), uuid7()
    await world.bus.publish([dead(one, "no such owner", "audit"), dead(other, "too old", "sales")])
    status, said = await daicho_events(world, "dead", "list", "--topic", TOPIC, "--consumer", "audit")
    assert status == 0
    assert f"{one}  audit  daicho.customers.events.v1.ContactChanged  no such owner" in said
    assert str(other) not in said
    assert said.endswith("1 dead letters\n")


async def test_a_dead_letter_is_played_again_for_its_consumer_alone(world: EventsWorld) -> None:
    one, other, anothers = uuid7(), uuid7(), uuid7()
    letters = [
        dead(one, "no such owner", "audit"),
        dead(other, "too old", "audit"),
        dead(anothers, "x", "sales"),
    ]
    for letter in letters:
        await world.bus.publish([await proven(world, letter)])
    words = ("dead", "replay", "--topic", TOPIC, "--service", "audit", "--event")
    assert await daicho_events(world, *words, str(one)) == (0, "1 replayed\n")
    (record,) = await world.arrived(TOPIC, 1)
    await world.signers.verifier("audit").check(record)
    assert is_for(record, "audit")
    assert not is_for(record, "sales")
    said = "0 replayed\n1 belong to consumers of other services\n"
    assert await daicho_events(world, *words, str(anothers)) == (0, said)


async def test_dead_letter_whose_signature_does_not_verify_is_not_played_again(world: EventsWorld) -> None:
    unsigned = dead(uuid7(), "unsigned", "audit")
    moved = await proven(world, dead(uuid7(), "no reason", "audit"), topic="identity.events")
    await world.bus.publish([unsigned, moved])
    status, said = await daicho_events(world, "dead", "replay", "--topic", TOPIC, "--consumer", "audit")
    assert (status, said) == (1, "0 replayed\n2 left where they are: their signatures do not verify\n")
    assert [record async for record in world.bus.read(TOPIC)] == []


async def proven(world: EventsWorld, letter: Message, *, topic: str = TOPIC) -> Message:
    """``letter`` with the proof that its event had on ``topic``."""
    (signed,) = await world.signers.sign([letter._replace(topic=topic)])
    return signed._replace(topic=letter.topic)


async def test_a_stopped_group_hears_again_what_came_since(world: EventsWorld) -> None:
    await world.bus.publish([Message(TOPIC, b"key", b"value")] * 3)
    async with world.bus.subscribe("audit", [TOPIC]) as subscription:
        await subscription.commit(*await subscription.next())
        since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        words = ("replay", "--group", "audit", "--topic", TOPIC, "--since", since)
        status, said = await daicho_events(world, *words)
        assert (status, said) == (1, "audit is running. Stop its workers first, then replay.\n")
    assert await daicho_events(world, "lag", "--group", "audit", "--topic", TOPIC) == (0, "0\n")
    status, said = await daicho_events(world, *words)
    assert (status, said) == (0, "audit will hear 3 events of customers.events when it starts.\n")
    assert await daicho_events(world, "lag", "--group", "audit", "--topic", TOPIC) == (0, "3\n")


async def test_a_bus_that_is_not_named_or_not_there_is_said_in_one_line(world: EventsWorld) -> None:
    assert (await daicho_events(None, "lag", "--group", "a", "--topic", "t"))[0] == 2
    parser = argparse.ArgumentParser()
    cli.configure(parser)
    out = io.StringIO()
    words = parser.parse_args(["lag", "--group", "a", "--topic", "t"])
    environ = {"DAICHO_BUS_URL": "postgresql://nobody@127.0.0.1:1/bus"}
    assert await asyncio.to_thread(cli.run, words, environ, out=out) == 1
    assert out.getvalue().count("\n") == 1


def test_a_time_without_an_offset_is_refused() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    cli.configure(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["replay", "--group", "a", "--topic", "t", "--since", "2026-01-31T09:00:00"])
