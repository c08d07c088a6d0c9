"""Members of a group in several processes, one of them killed. Against each driver."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from daicho.events import Message, bus_schema, open_bus
from daicho.testkit.plugin import MakeDatabase

PATIENCE = 60


@pytest_asyncio.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bus_url(request: pytest.FixtureRequest, make_database: MakeDatabase) -> str:
    """The address of each driver's server."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka_bootstrap')}"
    return (await make_database("bus", create=bus_schema.create)).app_url


@asynccontextmanager
async def member(url: str, topic: str, *options: str) -> AsyncIterator[Process]:
    script = str(Path(__file__).with_name("bus_member.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, url, f"members-of-{topic}", topic, *options, stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def heard(process: Process, what: str, enough: int, values: list[int]) -> None:
    """Read what ``process`` says until ``values`` holds ``enough`` different ones."""
    assert process.stdout is not None
    while len(set(values)) < enough:
        line = (await process.stdout.readline()).decode().split()
        assert line, "the member ended"
        if line[0] == what:
            values += map(int, line[1:])


async def test_what_a_killed_member_had_in_hand_goes_to_another(bus_url: str) -> None:
    topic = f"test.{uuid4().hex}"
    bus = await open_bus(bus_url)
    await bus.publish([Message(topic, f"key-{n % 40}".encode(), str(n).encode()) for n in range(200)])
    async with asyncio.timeout(PATIENCE):
        async with member(bus_url, topic, "hold") as victim:
            taken: list[int] = []
            await heard(victim, "handed", 1, taken)
            victim.kill()
        async with member(bus_url, topic) as heir:
            done: list[int] = []
            await heard(heir, "committed", 200, done)
    assert set(taken) <= set(done)
    assert sorted(done) == list(range(200))  # each committed once
    await bus.close()


async def test_two_processes_do_the_work_together_and_one_goes_on_alone(bus_url: str) -> None:
    topic = f"test.{uuid4().hex}"
    bus = await open_bus(bus_url)
    await bus.publish([Message(topic, b"first", b"0")])
    async with asyncio.timeout(PATIENCE), member(bus_url, topic) as stays, member(bus_url, topic) as leaves:
        done: list[int] = []
        other: list[int] = []
        readers = [
            asyncio.ensure_future(heard(stays, "committed", 10_000, done)),
            asyncio.ensure_future(heard(leaves, "committed", 10_000, other)),
        ]
        sent = 1
        while not (done and other):  # until both have a share
            await bus.publish(
                [Message(topic, f"key-{n}".encode(), str(n).encode()) for n in range(sent, sent + 40)]
            )
            sent += 40
            await asyncio.sleep(0.2)
        readers[1].cancel()
        leaves.kill()
        await leaves.wait()
        await bus.publish(
            [Message(topic, f"key-{n}".encode(), str(n).encode()) for n in range(sent, sent + 40)]
        )
        sent += 40
        while not set(range(sent - 40, sent)) <= set(done):  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.05)
        readers[0].cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert not set(done) & set(other)
    await bus.close()
