"""The import's part of the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daicho.chassis import Rails
from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports.checking import Checking
from daicho.customers.imports.file_reader import PATIENCE, FileReader
from daicho.customers.imports.jobs import ImportJobs
from daicho.customers.imports.naming import People
from daicho.customers.imports.running import Running
from daicho.customers.imports.service import Imports
from daicho.customers.imports.sweeping import Sweeping
from daicho.customers.imports.upload_limits import UploadLimits
from daicho.jobs import JobType
from daicho.keyring import FileStore
from daicho.runtime.child_pool import ChildPool, at_once
from daicho.runtime.concurrency_limit import Bounds, ConcurrencyLimit

_LOOKING: Final = Bounds(places=6, per_tenant=3, per_user=1, waiting=200, deadline=PATIENCE)
"""Children that look at files for people who wait."""
_WORKING: Final = 24
"""Children of jobs, which have limits of their own: three for each check under way, one for each run."""


def store_of(rails: Rails) -> FileStore:
    """The folder of sealed files."""
    return FileStore(rails.settings.files_dir, rails.keyring.require_store)


def imports_of(rails: Rails, catalogue: Catalogue) -> Imports:
    """The use cases behind the routes."""
    store, children = store_of(rails), ChildPool(ConcurrencyLimit(_LOOKING))
    return Imports(
        rails.database,
        store,
        FileReader(children),
        UploadLimits(rails.database, store),
        catalogue,
        rails.clock,
    )


def import_jobs(rails: Rails, catalogue: Catalogue, companies: Companies) -> Mapping[str, JobType]:
    """What a worker does."""
    store, people = store_of(rails), People(rails.channel("identity"))
    files = FileReader(ChildPool(ConcurrencyLimit(at_once(_WORKING))))
    checking = Checking(rails.database, store, files, catalogue, people, rails.clock)
    running = Running(rails.database, store, files, catalogue, companies, rails.clock)
    sweeping = Sweeping(rails.database, store, rails.clock)
    return ImportJobs(rails.database, rails.keyring, checking, running, sweeping).types()
