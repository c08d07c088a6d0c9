"""The import's part of the service."""

from __future__ import annotations

from collections.abc import Mapping

from daicho.chassis import Rails
from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports.checking import Checking
from daicho.customers.imports.jobs import ImportJobs
from daicho.customers.imports.naming import People
from daicho.customers.imports.running import Running
from daicho.customers.imports.service import Imports
from daicho.customers.imports.sweeping import Sweeping
from daicho.jobs import JobType
from daicho.keyring import FileStore


def store_of(rails: Rails) -> FileStore:
    """The folder of sealed files."""
    return FileStore(rails.settings.files_dir, rails.keyring.require_store)


def imports_of(rails: Rails, catalogue: Catalogue) -> Imports:
    """The use cases behind the routes."""
    return Imports(rails.database, store_of(rails), catalogue, rails.clock)


def import_jobs(rails: Rails, catalogue: Catalogue, companies: Companies) -> Mapping[str, JobType]:
    """What a worker does."""
    store, people = store_of(rails), People(rails.channel("identity"))
    checking = Checking(rails.database, store, catalogue, people, rails.clock)
    running = Running(rails.database, store, catalogue, companies, rails.clock)
    sweeping = Sweeping(rails.database, store, rails.clock)
    return ImportJobs(rails.database, rails.keyring, checking, running, sweeping).types()
