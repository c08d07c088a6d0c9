"""``daicho``: what operators and auditors do from a terminal.

::

    daicho audit verify FILE [--key KEY] [--checkpoint NOTE]    offline: no network, no setting
    daicho events lag|replay|dead …                              of the bus at DAICHO_BUS_URL
    daicho keys rotate|reseal|rotate-index|reindex --service NAME --tenant ID    with that service's settings
    daicho keys rotate-signing                                   with identity's settings
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from daicho.audit import verify_command
from daicho.customers.reindexing import rewrite_tokens
from daicho.customers.sealed import SEALED as CUSTOMERS
from daicho.events import cli as events
from daicho.identity.sealed import SEALED as IDENTITY
from daicho.keyring import cli as keys

# Audit has sealed what may never change: its payloads keep the key of their day, wrapped anew.
_COLUMNS = {"identity": IDENTITY, "customers": CUSTOMERS, "audit": ()}
_REWRITES = {"customers": rewrite_tokens}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; its exit status."""
    if list(arguments[:2]) == ["audit", "verify"]:
        return verify_command.run(arguments[2:])
    parser = argparse.ArgumentParser(prog="daicho", description="Daicho from a terminal.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    audit = commands.add_parser("audit", help="verify an audit log offline: daicho audit verify FILE")
    audit.add_argument("verify", choices=["verify"])
    events.configure(
        commands.add_parser("events", help="what consumers have yet to hear, dead letters, replay")
    )
    keys.configure(commands.add_parser("keys", help="rotate a tenant's keys, seal anew"), _COLUMNS, _REWRITES)
    parsed = parser.parse_args(arguments)
    if parsed.command == "keys":
        return keys.run(parsed, environ, _COLUMNS, _REWRITES)
    return events.run(parsed, environ)


def run() -> None:
    """The installed command."""
    sys.exit(main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
