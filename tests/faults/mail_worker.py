"""A worker for mail as a process of its own, so that it can be killed: arguments are its settings."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from daicho.identity.mail.outbox import JOB
from daicho.identity.mail.sending import Postman
from daicho.jobs import JobType, Worker
from daicho.keyring import Keyring, Transit
from daicho.runtime import utc_now
from daicho.tenancy import Database


async def main(database_url: str, vault: str, role_id: str, secret_id: str, smtp_url: str) -> None:
    database = await Database.open(database_url)
    keyring = Keyring(Transit(vault, role_id, secret_id, service="identity"), database)
    sender, in_hand = "Daicho <no-reply@ledger.test>", timedelta(seconds=2)
    postman = Postman(database, keyring, utc_now, smtp_url, sender, in_hand)
    async with Worker(database_url, {JOB: JobType(postman.deliver)}).running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
