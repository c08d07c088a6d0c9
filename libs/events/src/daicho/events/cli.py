"""``daicho events``: what operators do with topics.

::

    daicho events lag    --group customers --topic identity.events
    daicho events resume --group audit     --topic identity.events
    daicho events replay --group customers --topic identity.events --since 2026-01-31T09:00:00+09:00
    daicho events dead list   --topic identity.events [--consumer customers]
    daicho events dead replay --topic identity.events [--consumer customers] [--event ID]

``dead replay`` verifies each letter, and signs it anew for its consumer: it needs the settings of the consumer's
service (``DAICHO_VAULT_…``), and leaves letters of other services alone.

``replay`` wants the group stopped. What already had its effect is in the inbox and is ignored; what a restored
database has lost, inbox entry and effect alike, is done again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final, TextIO
from uuid import UUID

from daicho.events.bus import Bus, GroupIsRunning, open_bus
from daicho.events.dead import DeadLetter, dead_letters, revive
from daicho.events.envelope import Envelope
from daicho.events.topics import service_of
from daicho.events.verification import EventVerifier, Forged
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Transit

_KEY_STORE: Final = ("DAICHO_VAULT_ADDR", "DAICHO_VAULT_ROLE_ID", "DAICHO_VAULT_SECRET_ID")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands and their options to ``daicho events``."""
    commands = parser.add_subparsers(dest="events_command", required=True, metavar="COMMAND")
    lag = commands.add_parser("lag", help="how many events a group has yet to hear")
    replay = commands.add_parser("replay", help="let a stopped group hear a topic again")
    replay.add_argument("--since", required=True, type=_time, help="an ISO 8601 time with its offset")
    resume = commands.add_parser(
        "resume", help="let a group that missed events go on at the oldest ones kept"
    )
    for command in (lag, replay, resume):
        command.add_argument("--group", required=True)
        command.add_argument("--topic", required=True)
    dead = commands.add_parser("dead", help="events that a consumer could not deal with")
    dead.add_argument("what", choices=("list", "replay"))
    dead.add_argument("--topic", required=True, help="the topic itself, without .dead")
    dead.add_argument(
        "--consumer", help="of this consumer alone; replay: else of every consumer of --service"
    )
    dead.add_argument("--service", help="the service whose settings these are; unset: that of --consumer")
    dead.add_argument("--event", type=UUID, help="this event alone")


def run(arguments: argparse.Namespace, environ: Mapping[str, str], *, out: TextIO = sys.stdout) -> int:
    """Run the command against ``DAICHO_BUS_URL``; answers the exit status."""
    url = environ.get("DAICHO_BUS_URL")
    if not url:
        out.write("DAICHO_BUS_URL is not set: say where the bus is, as postgresql://… or kafka://…\n")
        return 2
    try:
        return asyncio.run(_run(arguments, url, environ, out))
    except GroupIsRunning:
        out.write(f"{arguments.group} is running. Stop its workers first, then replay.\n")
        return 1
    except Unavailable:
        out.write("The bus cannot be reached, or the key store. Is DAICHO_BUS_URL right, and are both up?\n")
        return 1
    except KeyRefused:
        out.write(
            "The key store refuses to sign for this service. Are these the settings of the consumer's?\n"
        )
        return 1


async def _run(arguments: argparse.Namespace, url: str, environ: Mapping[str, str], out: TextIO) -> int:
    bus = await open_bus(url)
    try:
        if arguments.events_command == "lag":
            out.write(f"{await bus.backlog(arguments.group, arguments.topic)}\n")
        elif arguments.events_command == "replay":
            await bus.rewind(arguments.group, arguments.topic, arguments.since)
            left = await bus.backlog(arguments.group, arguments.topic)
            out.write(f"{arguments.group} will hear {left} events of {arguments.topic} when it starts.\n")
        elif arguments.events_command == "resume":
            await _resume(bus, arguments, out)
        elif arguments.what == "list":
            await _list(bus, arguments, out)
        else:
            return await _replay(bus, arguments, environ, out)
    finally:
        await bus.close()
    return 0


async def _resume(bus: Bus, arguments: argparse.Namespace, out: TextIO) -> None:
    gaps = await bus.resume(arguments.group, arguments.topic)
    if not gaps:
        out.write(f"{arguments.group} has missed nothing of {arguments.topic}.\n")
        return
    left = await bus.backlog(arguments.group, arguments.topic)
    out.write(
        f"{arguments.group} goes on in {len(gaps)} partitions of {arguments.topic}, with {left} events that are kept.\n"
        "What it missed comes from a snapshot alone: see docs/guide/operators.md.\n"
    )


async def _letters(bus: Bus, arguments: argparse.Namespace) -> AsyncIterator[DeadLetter]:
    async for letter in dead_letters(bus, arguments.topic, consumer=arguments.consumer):
        if not arguments.event or letter.event_id == arguments.event:
            yield letter


async def _list(bus: Bus, arguments: argparse.Namespace, out: TextIO) -> None:
    count = 0
    async for letter in _letters(bus, arguments):
        count += 1
        told = letter.record.time.isoformat(timespec="seconds")
        out.write(
            f"{told}  {letter.event_id}  {letter.consumer}  {_type_of(letter.record.value)}  {letter.reason}\n"
        )
    out.write(f"{count} dead letters\n")


async def _replay(bus: Bus, arguments: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> int:
    service = arguments.service or service_of(arguments.consumer or "")
    missing = [name for name in _KEY_STORE if not environ.get(name)]
    if missing or not service:
        out.write("Name the --consumer or the --service, and set what that service itself is told:\n")
        out.write(f"{', '.join(_KEY_STORE)}.\n")
        return 2
    transit = Transit(*(environ[name] for name in _KEY_STORE), service=service)
    counts: Counter[str] = Counter()
    try:
        verifier = EventVerifier(transit)
        async for letter in _letters(bus, arguments):
            counts[await _replay_one(bus, verifier, transit, letter)] += 1
    finally:
        transit.close()
    out.write(f"{counts['replayed']} replayed\n")
    if counts["forged"]:
        out.write(f"{counts['forged']} left where they are: their signatures do not verify\n")
    if counts["other"]:
        out.write(f"{counts['other']} belong to consumers of other services\n")
    return 1 if counts["forged"] else 0


async def _replay_one(bus: Bus, verifier: EventVerifier, transit: Transit, letter: DeadLetter) -> str:
    if service_of(letter.consumer) != transit.service:
        return "other"
    try:
        await verifier.check(letter.record, topic=letter.topic)
    except Forged:
        return "forged"
    await revive(bus, letter, transit)
    return "replayed"


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
