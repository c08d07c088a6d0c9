"""``daicho events``: what operators do with topics.

::

    daicho events lag    --group customers --topic identity.events
    daicho events replay --group customers --topic identity.events --since 2026-01-31T09:00:00+09:00
    daicho events dead list   --topic identity.events [--consumer customers]
    daicho events dead replay --topic identity.events [--consumer customers] [--event ID]

``replay`` wants the group stopped. What already had its effect is in the inbox and is ignored; what a restored
database has lost, inbox entry and effect alike, is done again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO
from uuid import UUID

from daicho.events.bus import Bus, GroupIsRunning, open_bus
from daicho.events.dead import dead_letters, revive
from daicho.events.envelope import Envelope
from daicho.faults import Unavailable


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands and their options to ``daicho events``."""
    commands = parser.add_subparsers(dest="events_command", required=True, metavar="COMMAND")
    lag = commands.add_parser("lag", help="how many events a group has yet to hear")
    replay = commands.add_parser("replay", help="let a stopped group hear a topic again")
    replay.add_argument("--since", required=True, type=_time, help="an ISO 8601 time with its offset")
    for command in (lag, replay):
        command.add_argument("--group", required=True)
        command.add_argument("--topic", required=True)
    dead = commands.add_parser("dead", help="events that a consumer could not deal with")
    dead.add_argument("what", choices=("list", "replay"))
    dead.add_argument("--topic", required=True, help="the topic itself, without .dead")
    dead.add_argument("--consumer")
    dead.add_argument("--event", type=UUID, help="this event alone")


def run(arguments: argparse.Namespace, environ: Mapping[str, str], *, out: TextIO = sys.stdout) -> int:
    """Run the command against ``DAICHO_BUS_URL``; answers the exit status."""
    url = environ.get("DAICHO_BUS_URL")
    if not url:
        out.write("DAICHO_BUS_URL is not set: say where the bus is, as postgresql://… or kafka://…\n")
        return 2
    try:
        asyncio.run(_run(arguments, url, out))
    except GroupIsRunning:
        out.write(f"{arguments.group} is running. Stop its workers first, then replay.\n")
        return 1
    except Unavailable:
        out.write("The bus cannot be reached. Is DAICHO_BUS_URL right, and the bus up?\n")
        return 1
    return 0


async def _run(arguments: argparse.Namespace, url: str, out: TextIO) -> None:
    bus = await open_bus(url)
    try:
        if arguments.events_command == "lag":
            out.write(f"{await bus.backlog(arguments.group, arguments.topic)}\n")
        elif arguments.events_command == "replay":
            await bus.rewind(arguments.group, arguments.topic, arguments.since)
            left = await bus.backlog(arguments.group, arguments.topic)
            out.write(f"{arguments.group} will hear {left} events of {arguments.topic} when it starts.\n")
        else:
            await _dead(bus, arguments, out)
    finally:
        await bus.close()


async def _dead(bus: Bus, arguments: argparse.Namespace, out: TextIO) -> None:
    count = 0
    async for letter in dead_letters(bus, arguments.topic, consumer=arguments.consumer):
        if arguments.event and letter.event_id != arguments.event:
            continue
        count += 1
        if arguments.what == "replay":
            await revive(bus, letter)
            continue
        told = letter.record.time.isoformat(timespec="seconds")
        out.write(
            f"{told}  {letter.event_id}  {letter.consumer}  {_type_of(letter.record.value)}  {letter.reason}\n"
        )
    out.write(f"{count} replayed\n" if arguments.what == "replay" else f"{count} dead letters\n")


def _type_of(value: bytes) -> str:
    try:
        return Envelope.FromString(value).type or "?"
    except ValueError:  # protobuf's DecodeError among them
        return "?"


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset; write for example {text}+09:00")
    return time
