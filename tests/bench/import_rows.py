"""How long 100,000 rows of CP932 take into the ledger: `python tests/bench/import_rows.py [rows] [--again]`.

Prints check and run of a file like `contacts-small.csv` (22 columns, four of them custom fields), how much the
worker and its children grew, and beside it a bare COPY of the same cells into a table of text without index,
seal, history or event. Bars: 30 s together, 200 MiB a process. Servers are this machine's own, durable. With
``--again`` the same people then come once more, each with another first name, and change what is there.
"""

from __future__ import annotations

import csv
import io
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import uvloop

from daicho.access import copy
from daicho.contracts.identity.events.v1.events_pb2 import Permission, UserChanged
from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.definitions.schemas import FieldInput
from daicho.customers.definitions.service import Fields
from daicho.customers.imports.callers import Asker
from daicho.customers.imports.checking import Checking
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.naming import People
from daicho.customers.imports.running import Running
from daicho.customers.imports.schemas import ImportPatch
from daicho.customers.imports.service import Asking, Imports
from daicho.customers.imports.upload_limits import UploadLimits
from daicho.customers.model import Resource
from daicho.fields import FieldType, Option
from daicho.keyring import FileStore, Keyring, Transit, provision
from daicho.local.servers import OpenBaoServer, PostgresServer, free_port
from daicho.runtime import utc_now
from daicho.runtime.child_pool import ChildPool
from daicho.tenancy import Actor, Grants, Scope, TenantId, UserId, uuid7
from daicho.testkit import Databases
from daicho.web import Work

SETTLED = 2.0
RUNS = 3
BAR_SECONDS, BAR_GROWTH = 30.0, 200 * 2**20
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "contacts-small.csv"
SCOPES = {
    f"{resource}:{verb}": Scope.ALL
    for resource in ("contacts", "companies")
    for verb in ("read", "create", "update", "import")
}


def make_rows(count: int) -> tuple[list[str], list[list[str]]]:
    """The header, and ``count`` rows that mix the sample's names, companies, addresses and dates, each its own person."""
    with SAMPLE.open(encoding="cp932", newline="") as file:
        header, *rows = csv.reader(file)
    good = [row for row in rows if len(row) == len(header) and row[0] and row[4]]
    random.seed(7)
    made = []
    for number in range(count):
        row, other = random.choice(good), random.choice(good)
        row = [*row]
        row[0] = f"{number:08d}"
        row[5], row[7] = other[5], other[7]
        row[8] = f"user{number}@{random.choice(good)[8].rpartition('@')[2] or 'example.co.jp'}"
        row[9] = f"03-{number % 10_000:04d}-{(number * 7) % 10_000:04d}"
        row[10] = f"090-{(number * 3) % 10_000:04d}-{number % 10_000:04d}" if number % 3 else ""
        row[1] = f"{row[1]}{number % 20}" if row[1] else ""
        made.append(row)
    return header, made


def encode(header: list[str], rows: list[list[str]]) -> bytes:
    """The file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode("cp932", "replace")


class Growth(threading.Thread):
    """The most that this process and each of its children grew."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._me = psutil.Process()
        self._base = self._me.memory_info().rss
        self._done = threading.Event()
        self.most, self.child = 0, 0
        self._seconds: dict[tuple[str, int], float] = {}
        self._before: dict[tuple[str, int], float] = {}

    def run(self) -> None:
        """Look twice a second."""
        self._look()
        self._before = dict(self._seconds)
        bases: dict[int, int] = {}
        while not self._done.wait(0.5):
            self._look()
            self.most = max(self.most, self._me.memory_info().rss - self._base)
            for child in self._me.children():
                try:
                    if child.name().startswith("python"):
                        rss = child.memory_info().rss
                        # A child is itself once its modules are in: what it grows by from there is the import's.
                        if child.cpu_times().user > SETTLED:
                            self.child = max(self.child, rss - bases.setdefault(child.pid, rss))
                except psutil.Error:
                    continue

    def _look(self) -> None:
        for process in (self._me, *self._me.children(recursive=True)):
            try:
                name = "worker" if process.pid == self._me.pid else process.name()
                times = process.cpu_times()
            except psutil.Error:
                continue
            self._seconds[name, process.pid] = times.user + times.system

    def processor(self) -> dict[str, float]:
        """Seconds of processor by kind of process."""
        found: dict[str, float] = {}
        for (name, pid), seconds in self._seconds.items():
            found[name] = found.get(name, 0.0) + seconds - self._before.get((name, pid), 0.0)
        return found

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self.join()


@contextmanager
def servers() -> Iterator[tuple[str, OpenBaoServer]]:
    """PostgreSQL with its durable defaults, and a key store."""
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres = PostgresServer(Path(folder) / "postgres", port=free_port(), password="bench")
        postgres.initialise()
        postgres.start()
        openbao = OpenBaoServer(Path(folder) / "openbao", port=free_port())
        openbao.start()
        try:
            postgres.wait_until_ready()
            openbao.wait_until_ready()
            yield postgres.url(), openbao
        finally:
            openbao.stop()
            postgres.stop()


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


class Nobody:
    """A channel that is not used: the file has no column of users."""

    def stub(self, _kind: Any) -> None:
        return None


async def copy_plainly(url: str, rows: list[list[str]]) -> float:
    """Seconds that a bare COPY of the cells takes."""
    connection = await asyncpg.connect(url)
    columns = ", ".join(f"c{n} text" for n in range(22))
    await connection.execute(f"CREATE TABLE bare ({columns})")
    began = time.perf_counter()
    await connection.copy_records_to_table("bare", records=rows)
    seconds = time.perf_counter() - began
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return seconds


async def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def main(count: int, *, again: bool) -> float:
    """Print one import's figures, on servers of its own; answers the seconds of check and run together."""
    header, rows = make_rows(count)
    data = encode(header, rows)
    with servers() as (admin_url, openbao), tempfile.TemporaryDirectory() as folder:
        logins = provision(openbao.address, openbao.root_token)
        made = await Databases(admin_url).make("customers")
        bare = await copy_plainly(made.admin_url, [row[:22] for row in rows])
        changed = encode(header, [[*row[:5], f"{row[5]}改", *row[6:]] for row in rows]) if again else b""
        del rows
        database = await made.open()
        transit = Transit(openbao.address, *logins["customers"], service="customers")
        identity = Transit(openbao.address, *logins["identity"], service="identity")
        tenant_id, user_id = TenantId(uuid7()), UserId(uuid7())
        await identity.create_tenant_key(tenant_id)
        keyring = Keyring(transit, database)
        keys = await keyring.open(tenant_id)
        actor = Actor(tenant_id=tenant_id, kind="user", user_id=user_id)
        grants = Grants(scopes=SCOPES, role="owner", user_id=user_id)
        asking, asker = Asking(actor, grants, keys), Asker(database, keyring, actor, "contact")
        async with database.transaction(actor) as tx:
            await copy.write_user(tx, UserChanged(user_id=user_id.bytes, role="owner"), 1)
            permissions = [Permission(action=action, scope=int(scope)) for action, scope in SCOPES.items()]
            await copy._write_role(tx, "owner", permissions, 1)
            for key, kind, label, options in (
                ("registered_on", FieldType.DATE, "登録日", ()),
                ("total_spent", FieldType.MONEY, "累計購入額", ()),
                ("rank", FieldType.SELECT, "ランク", tuple(map(Option, "SABC"))),
                ("consent", FieldType.BOOLEAN, "メール配信同意", ()),
            ):
                await Fields(utc_now).create_field(
                    tx, FieldInput(resource="contact", key=key, type=kind, label=label, options=options)
                )
        store, catalogue = FileStore(folder), Catalogue()
        files, uploads = FileReader(ChildPool()), UploadLimits(database, store)
        imports = Imports(database, store, files, uploads, catalogue, utc_now)

        async def within(work: Work) -> Any:
            async with database.transaction(actor) as tx:
                return (await work(tx)).body

        def named() -> tuple[Resource, str]:
            return "contact", "contacts.csv"

        view = await imports.upload(asking, in_pieces(data), named, within)
        size = len(data)
        del data
        checking = Checking(database, store, files, catalogue, People(Nobody()), utc_now)  # type: ignore[arg-type]
        running = Running(database, store, files, catalogue, Companies(catalogue, utc_now), utc_now)

        async def phase(view: Any, begin: Any, work: Any) -> float:
            await begin(asking, view.id)

            async def whole() -> None:
                async with database.reading(actor) as tx:
                    found = await imports.find(tx, asking, view.id)
                await work(asker, found)

            return await timed(whole)

        growth = Growth()
        growth.start()
        check = await phase(view, imports.begin_check, checking.check)
        run = await phase(view, imports.begin_run, running.run)
        growth.stop()
        done = await imports.read(asking, view.id)
        print(f"{count:,} rows × {len(header)} columns, CP932, {size / 1e6:.1f} MB, {os.cpu_count()} cores")
        print(f"created {done.created:,}  rejected {done.rejected:,}  status {done.status}")
        total = check + run
        print(
            f"check {check:6.1f} s   run {run:6.1f} s   together {total:6.1f} s   {count / total:,.0f} rows/s"
        )
        print(
            f"bar   {BAR_SECONDS * count / 100_000:.1f} s together: {'met' if total <= BAR_SECONDS * count / 100_000 else 'MISSED'}"
        )
        print(f"bare COPY of the same cells {bare:.2f} s: the import takes {total / bare:.0f} times as long")
        print(
            f"worker grew by {growth.most / 2**20:.0f} MiB, a child by {growth.child / 2**20:.0f} MiB; "
            f"bar {BAR_GROWTH / 2**20:.0f} MiB: {'met' if max(growth.most, growth.child) <= BAR_GROWTH else 'MISSED'}"
        )
        print(
            "processor seconds: "
            + "  ".join(f"{name} {s:.1f}" for name, s in growth.processor().items() if s > 0.5)
        )
        if again:
            view = await imports.upload(asking, in_pieces(changed), named, within)
            await imports.correct(asking, view.id, ImportPatch(match_on="customer_code", on_match="update"))
            check = await phase(view, imports.begin_check, checking.check)
            run = await phase(view, imports.begin_run, running.run)
            done = await imports.read(asking, view.id)
            print(f"once more: check {check:.1f} s   run {run:.1f} s   updated {done.updated:,}")
        await database.close()
        return total


if __name__ == "__main__":
    counts = [int(each) for each in sys.argv[1:] if each.isdecimal()]
    runs = [uvloop.run(main(*counts or (100_000,), again="--again" in sys.argv)) for _ in range(RUNS)]
    print(f"check and run together, median of {RUNS}: {statistics.median(runs):.1f} s")
