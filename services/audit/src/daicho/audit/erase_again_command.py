"""The command line: ``daicho audit erase-again [--since TIME]``, with the audit's settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TextIO

from daicho.audit.erasing_again import erase_again
from daicho.events import open_bus
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Keyring, Transit
from daicho.tenancy import Database

DONE, UNUSABLE = 0, 2
_SETTINGS: Final = (
    "DAICHO_DATABASE_URL",
    "DAICHO_VAULT_ADDR",
    "DAICHO_VAULT_ROLE_ID",
    "DAICHO_VAULT_SECRET_ID",
    "DAICHO_BUS_URL",
)


def run(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO = sys.stdout) -> int:
    """Erase again as ``arguments`` say; 0 when all is erased, 2 when that could not be done, or not all of it."""
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
        asyncio.run(_erase(since, [environ[name] for name in _SETTINGS], out))
    except (KeyRefused, Unavailable) as error:
        out.write(f"The database, the key store or the bus is away, or refuses: {error}. Run it again.\n")
        return UNUSABLE
    return DONE


async def _erase(since: datetime | None, settings: Sequence[str], out: TextIO) -> None:
    url, address, role_id, secret_id, bus_url = settings
    transit = Transit(address, role_id, secret_id, service="audit")
    database = await Database.open(url, pool=2, application="audit.erase-again")
    bus = await open_bus(bus_url)
    erasures = payloads = 0
    try:
        async for again in erase_again(bus, database, Keyring(transit, database), since=since):
            told = again.told
            out.write(
                f"{told.at.isoformat(timespec='seconds')}  tenant {told.tenant_id}  record {told.request.record_id}"
                f"  {again.erased} payloads\n"
            )
            erasures, payloads = erasures + 1, payloads + again.erased
    finally:
        await bus.close()
        await database.close()
        transit.close()
    out.write(f"{erasures} erasures were not in the register; {payloads} payloads went again.\n")


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("say the offset from UTC as well, as in 2026-01-31T09:00:00+09:00")
    return time
