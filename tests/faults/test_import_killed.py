"""Row of the threat table: kill -9 at any step of an import; nothing is lost, nothing is doubled, it resumes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import pytest_asyncio

from daicho.access import copy
from daicho.contracts.customers.events.v1 import events_pb2 as customers_events
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.service import Asking, Imports
from daicho.customers.imports.upload_limits import UploadLimits
from daicho.events import Envelope
from daicho.keyring import FileStore, Keyring, Transit
from daicho.runtime import utc_now
from daicho.runtime.child_pool import ChildPool
from daicho.tenancy import Actor, Grants, Scope, TenantId, UserId, uuid7
from daicho.web import Work

ROWS = 8_000
BAD = 16
SCOPES = {
    f"{resource}:{verb}": Scope.ALL
    for resource in ("contacts", "companies")
    for verb in ("read", "create", "update", "import")
}


def make_file() -> bytes:
    """More than a megabyte, so that the check has child processes; every 500th row is wrong."""
    lines = ["顧客番号,姓,名,会社名,メールアドレス,携帯電話,備考"]
    for number in range(1, ROWS + 1):
        mail = "broken@@mail" if number % (ROWS // BAD) == 0 else f"user{number}@example.co.jp"
        lines.append(
            f"K{number:06d},田中,{number},㈱青空{number % 50},{mail},090-{number % 10_000:04d}-1111,{'覚書' * 30}"
        )
    return "\r\n".join([*lines, ""]).encode("cp932")


@dataclass
class Killing:
    """A database with one import, and workers that die."""

    admin: asyncpg.Connection[Any]
    imports: Imports
    asking: Asking
    arguments: list[str]

    def start(self) -> subprocess.Popen[bytes]:
        script = Path(__file__).parent / "import_worker.py"
        return subprocess.Popen(
            [sys.executable, str(script), *self.arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def value(self, statement: str, *values: object) -> Any:
        return await self.admin.fetchval(statement, *values)

    async def until(self, import_id: UUID, condition: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not await self.value(f'SELECT {condition} FROM "import" WHERE id = $1', import_id):  # noqa: S608
            assert time.monotonic() < end, await self.admin.fetchrow(
                'SELECT * FROM "import" WHERE id = $1', import_id
            )
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def killed(self, import_id: UUID, condition: str) -> AsyncIterator[None]:
        """A worker at work that is killed as soon as ``condition`` holds."""
        worker = self.start()
        try:
            await self.until(import_id, condition)
        finally:
            children = psutil.Process(worker.pid).children(recursive=True)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        _gone, alive = psutil.wait_procs(children, timeout=5)
        assert not alive, "a child that outlives its worker keeps keys in memory"
        yield

    async def through(self, import_id: UUID, status: str) -> None:
        worker = self.start()
        try:
            await self.until(import_id, f"status = '{status}'")
        finally:
            worker.kill()
            worker.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def killing(make_database, openbao_server, openbao_roles, tmp_path) -> AsyncIterator[Killing]:
    made = await make_database("customers")
    database = await made.open()
    login = openbao_roles["customers"]
    transit = Transit(openbao_server.address, *login, service="customers")
    identity = Transit(openbao_server.address, *openbao_roles["identity"], service="identity")
    actor = Actor(tenant_id=TenantId(uuid7()), kind="user", user_id=UserId(uuid7()))
    await identity.create_tenant_key(actor.tenant_id)
    async with database.transaction(actor.tenant_id) as tx:
        user = events_pb2.UserChanged(user_id=actor.user_id.bytes, role="owner")
        await copy.write_user(tx, user, 1)
        permissions = [events_pb2.Permission(action=name, scope=3) for name in SCOPES]
        await copy._write_role(tx, "owner", permissions, 1)
    keys = await Keyring(transit, database).open(actor.tenant_id)
    grants = Grants(scopes=SCOPES, role="owner", user_id=actor.user_id)
    admin = await asyncpg.connect(made.admin_url)
    folder = str(tmp_path / "files")
    yield Killing(
        admin,
        Imports(
            database,
            FileStore(folder),
            FileReader(ChildPool()),
            UploadLimits(database, FileStore(folder)),
            Catalogue(),
            utc_now,
        ),
        Asking(actor, grants, keys),
        [made.app_url, openbao_server.address, *login, folder],
    )
    await admin.close()
    await database.close()
    transit.close()
    identity.close()


async def pieces() -> AsyncIterator[bytes]:
    yield make_file()


async def test_an_import_survives_a_worker_killed_in_mid_check_and_in_mid_run(killing) -> None:
    async def within(work: Work) -> Any:
        async with killing.imports.database.transaction(killing.asking.actor) as tx:
            return (await work(tx)).body

    view = await killing.imports.upload(killing.asking, pieces(), lambda: ("contact", "k.csv"), within)
    await killing.imports.begin_check(killing.asking, view.id)
    async with killing.killed(view.id, f"read > 0 AND read < {ROWS}"):
        assert await killing.value("SELECT count(*) FROM contact") == 0
    await killing.through(view.id, "checked")
    checked = await killing.imports.read(killing.asking, view.id)
    assert (checked.rows, checked.valid, checked.rejected) == (ROWS, ROWS - BAD, BAD)
    assert await killing.value("SELECT count(*) FROM import_row") == ROWS - BAD
    assert await killing.value("SELECT count(*) FROM contact") == 0, "nothing enters before the run"

    await killing.imports.begin_run(killing.asking, view.id)
    async with killing.killed(view.id, f"created > 0 AND created < {ROWS - BAD}"):
        before = await killing.value("SELECT count(*) FROM contact")
        assert before == await killing.value('SELECT created FROM "import"')
    await killing.through(view.id, "done")
    done = await killing.imports.read(killing.asking, view.id)
    assert (done.created, done.updated, done.rejected) == (ROWS - BAD, 0, BAD)
    for count, what in (
        (ROWS - BAD, "count(*) FROM contact"),
        (ROWS - BAD, "count(DISTINCT customer_code) FROM contact"),
        (ROWS - BAD, "count(*) FROM contact WHERE company_id IS NOT NULL"),
        (50, "count(*) FROM company"),
        (2 * (ROWS - BAD), "count(*) FROM record_key"),
        (ROWS - BAD, "count(*) FROM change WHERE resource = 'contact'"),
        (0, "count(*) FROM import_row"),
        (BAD, "count(*) FROM import_rejected"),
    ):
        assert await killing.value(f"SELECT {what}") == count, what
    await assert_each_record_is_told_once(killing)


async def assert_each_record_is_told_once(killing: Killing) -> None:
    told: list[bytes] = []
    for row in await killing.admin.fetch("SELECT envelope FROM outbox"):
        envelope = Envelope.FromString(row["envelope"])
        if envelope.type.endswith("RecordsChanged"):
            message = customers_events.RecordsChanged.FromString(envelope.payload)
            assert len(message.ids) <= 500
            assert len(message.ids) == len(message.digests)
            if message.resource == "contact":
                told += message.ids
    assert len(told) == len(set(told)) == ROWS - BAD
