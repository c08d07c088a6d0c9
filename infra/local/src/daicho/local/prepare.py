"""``python -m daicho.local.prepare``: roles, databases, tables and keys, made or mended; then it ends.

A process of its own, so that what may do everything (the superuser, Vault's root token) is in no process that
serves. Reads one JSON object from its standard input (:class:`Job`), writes ``result``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from daicho import keyring
from daicho.events import provision_bus
from daicho.local.folder import write_private
from daicho.local.plan import ROOT
from daicho.tenancy import migrate, provision


class Job(msgspec.Struct, frozen=True):
    """What to prepare, and with whose rights."""

    admin_url: str
    vault_addr: str
    vault_token: str
    services: list[str]
    passwords: dict[str, str]
    own_bus: bool
    result: str


async def prepare(job: Job) -> None:
    """Prepare everything; safe to repeat. The result: each service's AppRole, by name."""
    keys = asyncio.create_task(_keys(job))
    # One after the other: alembic's ``op`` is one for the whole process.
    for service in job.services:
        await _database(job, service)
    if job.own_bus:
        await provision_bus(job.admin_url, job.services, job.passwords)
    write_private(Path(job.result), await keys)


async def _database(job: Job, service: str) -> None:
    await provision(job.admin_url, service, job.passwords)
    await migrate(job.admin_url, service, ROOT / "services" / service / "migrations")


async def _keys(job: Job) -> dict[str, dict[str, str]]:
    made = await asyncio.to_thread(keyring.provision, job.vault_addr, job.vault_token)
    return {name: {"role_id": role, "secret_id": secret} for name, (role, secret) in made.items()}


if __name__ == "__main__":
    asyncio.run(prepare(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
