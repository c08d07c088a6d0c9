"""A worker for imports as a process of its own, so that it can be killed: arguments are its settings."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports.checking import Checking
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.jobs import ImportJobs
from daicho.customers.imports.naming import People
from daicho.customers.imports.running import Running
from daicho.customers.imports.sweeping import Sweeping
from daicho.jobs import Worker
from daicho.keyring import FileStore, Keyring, Transit
from daicho.runtime import utc_now
from daicho.runtime.child_pool import ChildPool
from daicho.tenancy import Database


class Nobody:
    """A channel that is not used: the file has no column of users."""

    def stub(self, _kind: Any) -> None:
        return None


async def main(database_url: str, vault: str, role_id: str, secret_id: str, folder: str) -> None:
    database = await Database.open(database_url)
    transit = Transit(vault, role_id, secret_id, service="customers")
    store, catalogue = FileStore(folder), Catalogue()
    files = FileReader(ChildPool())
    checking = Checking(database, store, files, catalogue, People(Nobody()), utc_now)  # type: ignore[arg-type]
    running = Running(database, store, files, catalogue, Companies(catalogue, utc_now), utc_now)
    sweeping = Sweeping(database, store, utc_now)
    jobs = ImportJobs(database, Keyring(transit, database), checking, running, sweeping)
    async with Worker(database_url, jobs.types()).running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
