"""A ledger of made-up contacts on a real server, for the figures of lists and search.

``DAICHO_BENCH_DATA`` names a folder that keeps the cluster between runs, below a name that says what it was made
from: migrations, what seals and indexes, and these generators. One that was made from anything else is removed.
Runs that share the folder wait for each other.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import hashlib
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from daicho.customers.contacts.rows import columns_of
from daicho.customers.contacts.schemas import ContactInput
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.fields import Schema
from daicho.local.servers import PostgresServer, free_port
from daicho.nihongo import fold, phone_digits
from daicho.tenancy import database_url, migrate, provision
from tests.bench.people import PART, part, people
from tests.bench.tenant import REST, ROOT, TEAM_2, TEAM_20, TENANT, company_id, keys_of_tenant

__all__ = ["REST", "ROOT", "TEAM_2", "TEAM_20", "TENANT", "Loaded", "keys_of_tenant", "loaded", "server"]

PASSWORD: Final = "bench"
_BEGAN: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MADE_FROM: Final = (
    "services/customers/migrations/versions/*.py",
    "services/customers/src/daicho/customers/contacts/rows.py",
    "services/customers/src/daicho/customers/contacts/sealing.py",
    "services/customers/src/daicho/customers/terms.py",
    "libs/*/src/daicho/*/schema.py",
    "libs/tenancy/src/daicho/tenancy/migrations.py",
    "libs/keyring/src/daicho/keyring/bl*.py",
    "libs/nihongo/src/daicho/nihongo/folding.py",
    "infra/local/src/daicho/local/demo/names.py",
    "tests/bench/ledger_data.py",
    "tests/bench/people.py",
    "tests/bench/tenant.py",
)
_COLUMNS: Final = (
    *("tenant_id", "id", "version", "created_at", "updated_at", "company_id", "owner_id", "customer_code"),
    *("department", "title", "lifecycle", "prefecture", "first_kana", "has_email", "has_phone", "custom"),
    *("card", "rest", "tokens"),
)
PLAIN: Final = ("company", "name", "kana", "email", "phones")
"""The columns of ``plain_contact``, folded as search folds."""
_PLAIN_TABLE: Final = f"""
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE TABLE plain_contact (tenant_id uuid, id uuid, {", ".join(f"{name} text" for name in PLAIN)});
    ALTER TABLE plain_contact ENABLE ROW LEVEL SECURITY;
    ALTER TABLE plain_contact FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON plain_contact
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    GRANT SELECT ON plain_contact TO customers_app
"""


@contextmanager
def server() -> Iterator[str]:
    """A superuser's address of a PostgreSQL with its durable defaults."""
    if kept := os.environ.get("DAICHO_BENCH_DATA"):
        with _kept(Path(kept)) as folder:
            yield from _served(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="daicho-bench-") as scratch:
            yield from _served(Path(scratch))


@contextmanager
def _kept(place: Path) -> Iterator[Path]:
    """The folder for data of today's making; those of any other are removed."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current = place / made_from()
        for other in place.iterdir():
            if other.is_dir() and other != current:
                shutil.rmtree(other)
        yield current


def made_from() -> str:
    """A digest of everything that decides what the loaded tables hold."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _MADE_FROM for path in ROOT.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _served(folder: Path) -> Iterator[str]:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "postgres", port=free_port(), password=PASSWORD)
    postgres.initialise()
    postgres.start()
    try:
        postgres.wait_until_ready()
        yield postgres.url()
    finally:
        postgres.stop()


@dataclass(frozen=True)
class Loaded:
    """A database with contacts in it."""

    admin_url: str
    app_url: str
    rows: int


@asynccontextmanager
async def loaded(admin_url: str, rows: int, *, plain: bool) -> AsyncIterator[Loaded]:
    """The database of ``rows`` contacts on the server, with ``plain_contact`` when asked; made when not there yet.

    ``plain_contact`` has the searchable texts of the same contacts in plaintext, indexed by pg_trgm.
    """
    name = f"customers_{rows}"
    passwords = {f"customers_{role}": PASSWORD for role in ("app", "relay")}
    await provision(admin_url, "customers", passwords, database=name)
    await migrate(admin_url, "customers", ROOT / "services/customers/migrations", database=name)
    url = database_url(admin_url, name)
    await _once(url, "contact", functools.partial(_load_contacts, url, rows))
    if plain:
        await _once(url, "plain_contact", functools.partial(_load_plain, url, rows))
    yield Loaded(url, database_url(admin_url, name, role="customers_app", password=PASSWORD), rows)


async def _once(url: str, what: str, load: Callable[[asyncpg.Connection[Any]], Awaitable[None]]) -> None:
    """``load``, unless an earlier run came to its end with it; what a broken one left is cleared away by ``load``."""
    admin = await asyncpg.connect(url, command_timeout=1_200)
    try:
        await admin.execute(
            "CREATE SCHEMA IF NOT EXISTS bench; CREATE TABLE IF NOT EXISTS bench.done (what text)"
        )
        if not await admin.fetchval("SELECT true FROM bench.done WHERE what = $1", what):
            await admin.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
            await load(admin)
            await admin.execute(f"VACUUM ANALYZE {what}")
            await admin.execute("INSERT INTO bench.done VALUES ($1)", what)
    finally:
        await admin.close()


async def _load_contacts(url: str, rows: int, admin: asyncpg.Connection[Any]) -> None:
    """COPY by every core, then the indexes, as a bulk load builds them."""
    await admin.execute("TRUNCATE contact, company")
    indexes = await admin.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'contact' AND indexname <> 'pk_contact'"
    )
    for name, _ in indexes:
        await admin.execute(f'DROP INDEX "{name}"')
    companies = [
        (TENANT, company_id(number), company.name, 1, _BEGAN, _BEGAN)
        for number, company in enumerate(people().companies)
    ]
    columns = ("tenant_id", "id", "name", "version", "created_at", "updated_at")
    await admin.copy_records_to_table("company", records=companies, columns=columns)
    await _by_every_core(url, rows, "contact", _COLUMNS, _sealed)
    for _, definition in indexes:
        await admin.execute(definition)


async def _load_plain(url: str, rows: int, admin: asyncpg.Connection[Any]) -> None:
    await admin.execute(f"DROP TABLE IF EXISTS plain_contact; {_PLAIN_TABLE}")
    await _by_every_core(url, rows, "plain_contact", ("tenant_id", "id", *PLAIN), _texts)
    await admin.execute("ALTER TABLE plain_contact ADD PRIMARY KEY (tenant_id, id)")
    for name in PLAIN:
        await admin.execute(f"CREATE INDEX ON plain_contact USING gin ({name} gin_trgm_ops)")


Rows = Iterator[tuple[Any, ...]]


async def _by_every_core(
    url: str, rows: int, table: str, columns: Sequence[str], make: Callable[[int, int], Rows]
) -> None:
    """COPY what ``make`` gives for each part of the numbers up to ``rows``."""
    loop, spawn = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    starts = range(0, rows, PART)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        copy = functools.partial(_copy, url, table, columns, make)
        await asyncio.gather(
            *(loop.run_in_executor(pool, copy, start, min(start + PART, rows)) for start in starts)
        )


def _copy(
    url: str, table: str, columns: Sequence[str], make: Callable[[int, int], Rows], start: int, end: int
) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        # A replica's session: the companies that contacts point to are known to be there.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        await connection.copy_records_to_table(table, records=make(start, end), columns=columns)
        await connection.close()

    asyncio.run(run())


def _sealed(start: int, end: int) -> Rows:
    keys, schema = keys_of_tenant(), ResourceSchema(0, Schema(()))
    for contact_id, number, state in _contacts(start, end):
        at = _BEGAN + timedelta(minutes=3 * number)
        held = columns_of(keys, contact_id, state, schema) | {
            "tenant_id": TENANT,
            "id": contact_id,
            "version": 1,
            "created_at": at,
            "updated_at": at,
            "custom": msgspec.json.encode(state.custom).decode(),
        }
        yield tuple(held[name] for name in _COLUMNS)


def _texts(start: int, end: int) -> Rows:
    for contact_id, _, state in _contacts(start, end):
        yield (
            TENANT,
            contact_id,
            fold(state.company_name or ""),
            fold(state.family_name + (state.given_name or "")),
            fold((state.family_name_kana or "") + (state.given_name_kana or "")),
            " ".join(fold(email.address) for email in state.emails),
            " ".join(phone_digits(phone.number) for phone in state.phones),
        )


def _contacts(start: int, end: int) -> Iterator[tuple[UUID, int, ContactInput]]:
    for dice, number, state in part(start, end):
        moment = 0x0192_0000_0000 + number
        yield UUID(int=moment << 80 | 0x7 << 76 | 0b10 << 62 | dice.getrandbits(62)), number, state
