"""``daicho``: what operators and auditors do from a terminal.

::

    daicho audit verify FILE [--key KEY] [--checkpoint NOTE]    offline: no network, no setting
    daicho audit lookup --tenant ID                              with the audit's settings
    daicho events lag|replay|dead …                              of the bus at DAICHO_BUS_URL
    daicho keys rotate|reseal|rewrap|rotate-index|reindex --service NAME --tenant ID    with that service's settings
    daicho keys rotate-signing                                   with identity's settings
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from daicho.audit import lookup_command, verify_command
from daicho.audit.sealed import SEALED as AUDIT
from daicho.customers.reindexing import rewrite_tokens
from daicho.customers.sealed import SEALED as CUSTOMERS
from daicho.events import cli as events
from daicho.identity.sealed import SEALED as IDENTITY
from daicho.keyring import cli as keys

_COLUMNS: keys.Columns = {"identity": IDENTITY, "customers": CUSTOMERS, "audit": AUDIT}
_REWRITES = {"customers": rewrite_tokens}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; its exit status."""
    match list(arguments[:2]):
        case ["audit", "verify"]:
            return verify_command.run(arguments[2:])
        case ["audit", "lookup"]:
            return lookup_command.run(arguments[2:], environ)
    parser = argparse.ArgumentParser(prog="daicho", description="Daicho from a terminal.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    audit = commands.add_parser("audit", help="verify FILE offline; compare the look-up by record")
    audit.add_argument("audit_command", choices=["verify", "lookup"])
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
