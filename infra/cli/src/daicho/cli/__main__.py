"""``daicho``: what operators and auditors do from a terminal.

::

    daicho audit verify FILE [--key KEY] [--checkpoint NOTE] [--witness KEY]    offline: no network, no setting
    daicho audit anchor --tenant ID [--note FILE]                with the audit's settings
    daicho audit re-anchor --tenant ID --reason TEXT             with the audit's settings, after a restore
    daicho audit lookup --tenant ID                              with the audit's settings
    daicho audit erase-again [--since TIME]                      with the audit's settings, after a restore
    daicho events lag|replay|dead …                              of the bus at DAICHO_BUS_URL
    daicho keys rotate|reseal|rewrap|rotate-index|reindex --service NAME --tenant ID    with that service's settings
    daicho keys rotate-signing                                   with identity's settings

``daicho --data FOLDER …`` takes the settings from the folder of a ``make run`` that runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from daicho.audit import anchor_command, erase_again_command, lookup_command, verify_command
from daicho.audit.sealed import SEALED as AUDIT
from daicho.customers.reindexing import rewrite_tokens
from daicho.customers.sealed import SEALED as CUSTOMERS
from daicho.events import cli as events
from daicho.events.topics import service_of
from daicho.identity.sealed import SEALED as IDENTITY
from daicho.keyring import cli as keys
from daicho.keyring.provision import KEY_OWNER
from daicho.local.folder import OPERATOR, SETTINGS

_COLUMNS: keys.Columns = {"identity": IDENTITY, "customers": CUSTOMERS, "audit": AUDIT}
_REWRITES = {"customers": rewrite_tokens}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; its exit status."""
    if arguments[:1] == ["--data"]:
        return _beside_a_run(arguments[1:], environ)
    match list(arguments[:2]):
        case ["audit", "verify"]:
            return verify_command.run(arguments[2:])
        case ["audit", "anchor" | "re-anchor" as command]:
            return anchor_command.run(command, arguments[2:], environ)
        case ["audit", "lookup"]:
            return lookup_command.run(arguments[2:], environ)
        case ["audit", "erase-again"]:
            return erase_again_command.run(arguments[2:], environ)
    parser = argparse.ArgumentParser(
        prog="daicho",
        description="Daicho from a terminal.",
        epilog="daicho --data FOLDER COMMAND takes the settings from the data folder of a make run that runs.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    audit = commands.add_parser(
        "audit",
        help="verify FILE offline; compare a log with its anchor, the look-up by record; after a restore",
    )
    audit.add_argument("audit_command", choices=["verify", "anchor", "re-anchor", "lookup", "erase-again"])
    events.configure(
        commands.add_parser("events", help="what consumers have yet to hear, dead letters, replay")
    )
    keys.configure(commands.add_parser("keys", help="rotate a tenant's keys, seal anew"), _COLUMNS, _REWRITES)
    parsed = parser.parse_args(arguments)
    if parsed.command == "keys":
        return keys.run(parsed, environ, _COLUMNS, _REWRITES)
    return events.run(parsed, environ)


def _beside_a_run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command with what ``make run`` told the service that it is about."""
    if not arguments:
        sys.stderr.write("daicho --data FOLDER COMMAND: which folder?\n")
        return 2
    file, rest = Path(arguments[0]) / SETTINGS, arguments[1:]
    try:
        told = msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]])
    except (OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"{file} cannot be read ({error}): name the DATA folder of a make run.\n")
        return 2
    settings = {**environ, **told.get(_service_of(rest), {})}
    if rest[:1] != ["events"]:
        return main(rest, settings)
    operator = told.pop(OPERATOR, {})
    if rest[1:3] == ["dead", "replay"] and not {"--consumer", "--service"} & set(rest):
        return max(main([*rest, "--service", each], {**environ, **told[each], **operator}) for each in told)
    return main(rest, {**settings, **operator})


def _service_of(arguments: Sequence[str]) -> str:
    """The service whose settings a command takes: the one it names, that of its consumer, or audit."""
    chosen = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    chosen.add_argument("--service", default=KEY_OWNER if "rotate-signing" in arguments else None)
    chosen.add_argument("--consumer")
    found = chosen.parse_known_args(arguments)[0]
    return str(found.service or service_of(found.consumer or "") or "audit")


def run() -> None:
    """The installed command."""
    sys.exit(main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
