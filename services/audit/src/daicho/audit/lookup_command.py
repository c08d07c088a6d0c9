"""The command line of the look-up's comparison: ``daicho audit lookup --tenant ID``, with the audit's settings."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO
from uuid import UUID

from daicho.audit.lookup import Compared, compare
from daicho.faults import Unavailable
from daicho.keyring import KeyRefused, Keyring, Transit
from daicho.tenancy import Database, TenantId

STANDS, BAD, UNUSABLE = 0, 1, 2
_SETTINGS: Final = (
    "DAICHO_DATABASE_URL",
    "DAICHO_VAULT_ADDR",
    "DAICHO_VAULT_ROLE_ID",
    "DAICHO_VAULT_SECRET_ID",
)


def run(arguments: Sequence[str], environ: Mapping[str, str], out: TextIO = sys.stdout) -> int:
    """Compare as ``arguments`` say; 0 when the look-up stands, 1 when not, 2 when it could not be looked at."""
    parser = argparse.ArgumentParser(
        prog="daicho audit lookup", description="Compare the look-up by record with the entries' payloads."
    )
    parser.add_argument("--tenant", required=True, type=UUID)
    tenant_id = TenantId(parser.parse_args(arguments).tenant)
    missing = [name for name in _SETTINGS if not environ.get(name)]
    if missing:
        out.write(f"{', '.join(missing)} not set: run it with the settings of audit.\n")
        return UNUSABLE
    try:
        found = asyncio.run(_compare(tenant_id, *(environ[name] for name in _SETTINGS)))
    except (KeyRefused, Unavailable) as error:
        out.write(f"The database or the key store is away, or refuses this tenant: {error}\n")
        return UNUSABLE
    if found.first_bad is not None:
        out.write(f"BAD: entry {found.first_bad}: {found.why}\n")
        return BAD
    out.write(
        f"stands: {found.entries} entries, {found.underivable} of them without a payload to compare with\n"
    )
    return STANDS


async def _compare(tenant_id: TenantId, url: str, address: str, role_id: str, secret_id: str) -> Compared:
    transit = Transit(address, role_id, secret_id, service="audit")
    database = await Database.open(url, pool=2, application="audit.lookup")
    try:
        return await compare(database, Keyring(transit, database), tenant_id)
    finally:
        await database.close()
        transit.close()
