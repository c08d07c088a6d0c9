"""``daicho keys``: what operators do with a tenant's keys, service by service.

::

    daicho keys rotate --service customers --tenant ID    a new data key; every data key wrapped anew
    daicho keys reseal --service customers --tenant ID    what older data keys sealed, sealed anew
    daicho keys rewrap --service audit --tenant ID        every stored key wrapped anew, no new data key
    daicho keys rotate-signing                            a new key for access tokens, with identity's settings
    daicho keys rotate-bus --service customers            a new key that certifies the service's events

The first two run with the settings of the service that ``--service`` names. Begin a rotation at identity: there it gives
the tenant's key in the store a new version first. They may be stopped and repeated at any time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TextIO
from uuid import UUID

from daicho.faults import Unavailable
from daicho.keyring.faults import KeyRefused, KeysUnavailable
from daicho.keyring.keyring import SETTLE, TTL, Keyring
from daicho.keyring.provision import ACCESS_KEY, KEY_OWNER
from daicho.keyring.resealing import SealedColumn, reseal
from daicho.keyring.rewrapping import StoredKeys, rewrap_stored
from daicho.keyring.transit import Transit, bus_key
from daicho.tenancy import Database, TenantId

_SETTINGS: Final = (
    "DAICHO_DATABASE_URL",
    "DAICHO_VAULT_ADDR",
    "DAICHO_VAULT_ROLE_ID",
    "DAICHO_VAULT_SECRET_ID",
)

Held = Sequence[SealedColumn | StoredKeys]
Columns = Mapping[str, Held]
"""What each service has sealed and may seal anew, and which keys of others it has stored."""
Rewrite = Callable[[Database, Keyring, TenantId], Awaitable[int]]
Rewrites = Mapping[str, Rewrite]
"""How each service that has a blind index writes the tokens of every record; answers how many changed."""
_LATER: Final = f"in {(SETTLE + TTL) / 60:.0f} minutes"


def configure(parser: argparse.ArgumentParser, columns: Columns, rewrites: Rewrites) -> None:
    """Add the commands and their options to ``daicho keys``."""
    commands = parser.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    for name, services, says in (
        ("rotate", columns, "make a new data key and wrap all by the newest version of the tenant's key"),
        ("reseal", columns, "seal anew what older data keys sealed"),
        ("rewrap", columns, "wrap every stored key by the newest version of the tenant's key"),
        ("rotate-index", rewrites, "make a new index key, which is written beside the old one"),
        (
            "reindex",
            rewrites,
            "write every record's tokens by the index keys of use, and search by the newest",
        ),
    ):
        command = commands.add_parser(name, help=says)
        command.add_argument("--service", required=True, choices=sorted(services))
        command.add_argument("--tenant", required=True, type=UUID)
    signing = commands.add_parser(
        "rotate-signing", help="sign access tokens with a new key; old ones stay good"
    )
    signing.set_defaults(service=KEY_OWNER)
    bus = commands.add_parser(
        "rotate-bus", help="certify a service's events with a new key; old ones stay good"
    )
    bus.add_argument("--service", required=True, choices=sorted(columns))


def run(
    arguments: argparse.Namespace,
    environ: Mapping[str, str],
    columns: Columns,
    rewrites: Rewrites,
    *,
    out: TextIO = sys.stdout,
) -> int:
    """Run the command with the service's settings; answers the exit status."""
    missing = [name for name in _SETTINGS if not environ.get(name)]
    if missing:
        out.write(f"{', '.join(missing)} not set: run it with the settings of {arguments.service}.\n")
        return 2
    try:
        return asyncio.run(_run(arguments, [environ[name] for name in _SETTINGS], columns, rewrites, out))
    except (KeysUnavailable, KeyRefused):
        out.write("The key store is away, or refuses this tenant and service.\n")
    except Unavailable:
        out.write("The database cannot be reached.\n")
    return 1


async def _run(
    arguments: argparse.Namespace,
    settings: Sequence[str],
    columns: Columns,
    rewrites: Rewrites,
    out: TextIO,
) -> int:
    url, *store = settings
    service = arguments.service
    transit = Transit(store[0], store[1], store[2], service=service)
    if arguments.keys_command == "rotate-signing":
        return await _rotate_signing(transit, out)
    if arguments.keys_command == "rotate-bus":
        return await _rotate_bus(transit, out)
    tenant_id = TenantId(arguments.tenant)
    database = await Database.open(url, pool=2, application=f"{service}.keys")
    try:
        # Here a key counts as settled when no process holds keys from before it sealed.
        keyring = Keyring(transit, database, settle=SETTLE + TTL)
        guarded = database.guarded(keyring.require_store)
        match arguments.keys_command:
            case "rotate":
                await _rotate(transit, keyring, tenant_id, out)
                return await _rewrap(database, keyring, tenant_id, columns[service], out)
            case "rewrap":
                return await _rewrap(database, keyring, tenant_id, columns[service], out)
            case "reseal":
                return await _reseal(guarded, keyring, tenant_id, columns[service], out)
            case "rotate-index":
                return await _rotate_index(transit.service, keyring, tenant_id, out)
            case _:
                return await _reindex(guarded, keyring, tenant_id, rewrites[service], out)
    finally:
        await database.close()
        transit.close()


async def _rotate_signing(transit: Transit, out: TextIO) -> int:
    try:
        await transit.rotate_signing_key(ACCESS_KEY)
        version = max(await transit.public_keys(ACCESS_KEY))
    finally:
        transit.close()
    out.write(
        f"Version {version} of the key of access tokens is published; it signs once every service knows it.\n"
    )
    return 0


async def _rotate_bus(transit: Transit, out: TextIO) -> int:
    name = bus_key(transit.service)
    try:
        await transit.rotate_signing_key(name)
        version = max(await transit.public_keys(name))
    finally:
        transit.close()
    out.write(
        f"{transit.service}: version {version} of {name} certifies events from the next certificate on, within 12 hours;"
        " a restart of the service takes it now.\nOlder versions verify for as long as the key store lists them.\n"
    )
    return 0


async def _rotate(transit: Transit, keyring: Keyring, tenant_id: TenantId, out: TextIO) -> None:
    if transit.service == KEY_OWNER:
        await transit.rotate_tenant_key(tenant_id)
    version = await keyring.rotate(tenant_id)
    out.write(
        f"{transit.service}: data key {version} seals in {SETTLE / 60:.0f} minutes.\n"
        f"Run daicho keys reseal {_LATER}.\n"
    )


async def _rewrap(database: Database, keyring: Keyring, tenant_id: TenantId, held: Held, out: TextIO) -> int:
    out.write(f"{await keyring.rewrap(tenant_id)} data keys wrapped anew.\n")
    for stored in held:
        if isinstance(stored, StoredKeys):
            count = await rewrap_stored(database, keyring, tenant_id, stored)
            out.write(f"{stored.table}: {count} keys of other services wrapped anew.\n")
    return 0


async def _rotate_index(service: str, keyring: Keyring, tenant_id: TenantId, out: TextIO) -> int:
    version = await keyring.begin_index_rotation(tenant_id)
    out.write(
        f"{service}: index key {version} is written beside the old one.\nRun daicho keys reindex {_LATER}.\n"
    )
    return 0


async def _reindex(
    database: Database, keyring: Keyring, tenant_id: TenantId, rewrite: Rewrite, out: TextIO
) -> int:
    if not await keyring.index_is_settled(tenant_id):
        out.write("Too early: a process may still write tokens by older index keys. Try again in a while.\n")
        return 1
    out.write(f"{await rewrite(database, keyring, tenant_id)} records have new tokens.\n")
    if await keyring.finish_index_rotation(tenant_id):
        out.write(
            f"Searches go by the new index key. Run daicho keys reindex again {_LATER}: the old tokens go then.\n"
        )
    else:
        out.write("Every record has the tokens of one index key alone.\n")
    return 0


async def _reseal(database: Database, keyring: Keyring, tenant_id: TenantId, held: Held, out: TextIO) -> int:
    keys = await keyring.open(tenant_id)
    if keys.version != max(keys.material.records):
        out.write(f"Too early: a process may still seal by data key {keys.version}. Try again in a while.\n")
        return 1
    for column in held:
        if isinstance(column, StoredKeys):
            continue
        count = await reseal(database, keyring, tenant_id, column)
        out.write(f"{column.table}.{column.column}: {count} sealed anew by data key {keys.version}\n")
    return 0
