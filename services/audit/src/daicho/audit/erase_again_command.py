"""The command line: ``daicho audit erase-again [--since TIME]``, with the audit's settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TextIO

from daicho.audit.erasing_again import Again, Unread, erase_again
from daicho.events import EventVerifier, open_bus
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Keyring, Transit
from daicho.tenancy import Database

DONE, INCOMPLETE, UNUSABLE = 0, 1, 2
_SETTINGS: Final = (
    "DAICHO_DATABASE_URL",
    "DAICHO_VAULT_ADDR",
    "DAICHO_VAULT_ROLE_ID",
    "DAICHO_VAULT_SECRET_ID",
    "DAICHO_BUS_URL",
)


def run(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO = sys.stdout) -> int:
    """Erase again as ``arguments`` say.

    Answers 0 when all is erased, 1 when some erasures could not be repeated (``out`` names each with its tenant), 2
    when a server was away: what was done until then is done, and another run does the rest.
    """
    parser = argparse.ArgumentParser(
        prog="daicho audit erase-again",
        description="After a backup was restored: erase again what the bus says was erased and the backup forgot.",
    )
    parser.add_argument(
        "--since", type=_time, help="an ISO 8601 time with its offset; all that the bus keeps without"
    )
    since = parser.parse_args(arguments).since
    missing = [name for name in _SETTINGS if not environ.get(name)]
    if missing:
        out.write(f"{', '.join(missing)} not set: run it with the settings of audit.\n")
        return UNUSABLE
    try:
        return asyncio.run(_erase(since, [environ[name] for name in _SETTINGS], out))
    except (KeyRefused, Unavailable) as error:
        out.write(f"The database, the key store or the bus is away, or refuses: {error}. Run it again.\n")
        return UNUSABLE


async def _erase(since: datetime | None, settings: Sequence[str], out: TextIO) -> int:
    url, address, role_id, secret_id, bus_url = settings
    transit = Transit(address, role_id, secret_id, service="audit")
    database = await Database.open(url, pool=2, application="audit.erase-again")
    bus = await open_bus(bus_url)
    outcomes: list[Again | Unread] = []
    try:
        verifier, keyring = EventVerifier(transit), Keyring(transit, database)
        async for outcome in erase_again(bus, verifier, database, keyring, since=since):
            out.write(_line(outcome))
            outcomes.append(outcome)
    finally:
        await bus.close()
        await database.close()
        transit.close()
    repeated = [each for each in outcomes if isinstance(each, Again)]
    payloads = sum(each.erased for each in repeated)
    out.write(f"{len(repeated)} erasures were not in the register; {payloads} payloads went again.\n")
    return _summarise(outcomes, out)


def _summarise(outcomes: Sequence[Again | Unread], out: TextIO) -> int:
    """Name each tenant with erasures that failed; the exit status."""
    failed = Counter(each.told.tenant_id for each in outcomes if isinstance(each, Again) and each.failure)
    out.writelines(
        f"NOT DONE: tenant {tenant_id}: {count} erasures.\n" for tenant_id, count in failed.items()
    )
    unread = sum(isinstance(each, Unread) for each in outcomes)
    if unread:
        out.write(f"NOT DONE: {unread} records of the topic do not read.\n")
    return INCOMPLETE if failed or unread else DONE


def _line(outcome: Again | Unread) -> str:
    if isinstance(outcome, Unread):
        return f"partition {outcome.partition}, position {outcome.position}: the record does not read\n"
    told = outcome.told
    failure = f"  NOT DONE: {outcome.failure}" if outcome.failure else ""
    return (
        f"{told.at.isoformat(timespec='seconds')}  tenant {told.tenant_id}  record {told.request.record_id}"
        f"  {outcome.erased} payloads{failure}\n"
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("say the offset from UTC as well, as in 2026-01-31T09:00:00+09:00")
    return time
