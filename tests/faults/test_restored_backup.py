"""A backup of the databases is restored as the operators' guide says it, and nothing that the bus knows stays lost.

The dumps are taken and restored by PostgreSQL's own programs, between a stop and a start of the services.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from daicho.audit import erase_again_command
from daicho.audit.notes import Verifier
from daicho.audit.verify import Report, verify
from daicho.cli.__main__ import main
from daicho.contracts.audit.events.v1.events_pb2 import Erased
from daicho.events import Envelope, open_bus
from daicho.local.servers.postgres import programs
from daicho.testkit.company import PASSWORD
from daicho.testkit.stack import Stack, running_stack
from daicho.testkit.waiting import until

RESTORED = ("customers", "audit")
TOPICS = ("identity.events", "customers.events", "access.events")


@dataclass
class House:
    """A company in a running stack, and its owner's token."""

    stack: Stack
    token: str
    tenant_id: str
    dumps: Path

    async def ask(self, service: str, method: str, path: str, body: Any = None) -> Any:
        async with self.stack.client(service, self.token) as client:
            return await client.request(method, path, json=body)

    async def make_contact(self, name: str) -> str:
        answer = await self.ask("customers", "POST", "/v1/contacts", {"family_name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def entries(self, record: str, action: str) -> list[dict[str, Any]]:
        asked = {"record_id": record, "action": action}
        answer = await self.ask("audit", "POST", "/v1/audit/entries/search", asked)
        return list(answer.json()["items"])

    async def logged(self, record: str) -> dict[str, Any]:
        """The entry of the record's creation, once it can be read."""

        async def there() -> bool:
            return bool(await self.entries(record, "contact.created"))

        await until(there, within=30)
        (entry,) = await self.entries(record, "contact.created")
        return entry

    async def verified(self, key: str) -> Report:
        export = await self.ask("audit", "GET", "/v1/audit/export")
        return verify(export.content.splitlines(keepends=True), key=Verifier.parse(key))

    async def dump(self) -> None:
        for name in RESTORED:
            made = self.stack.databases[name]
            await _program("pg_dump", "--format=custom", f"--file={self._file(name)}", made.admin_url)

    async def restore(self) -> None:
        for name in RESTORED:
            made = self.stack.databases[name]
            await _program(
                *("pg_restore", "--clean", "--create", "--if-exists", "--exit-on-error"),
                *(f"--dbname={_database(made.admin_url, 'postgres')}", str(self._file(name))),
            )

    async def erase_again(self, since: datetime) -> str:
        """What ``daicho audit erase-again`` says."""
        out, arguments = io.StringIO(), ["--since", since.isoformat()]
        ended = await asyncio.to_thread(erase_again_command.run, arguments, self.stack.settings["audit"], out)
        assert ended == 0, out.getvalue()
        return out.getvalue()

    async def erasure_is_on_the_bus(self) -> bool:
        bus = await open_bus(self.stack.settings["audit"]["DAICHO_BUS_URL"])
        try:
            told = [Envelope.FromString(record.value).type async for record in bus.read("audit.events")]
        finally:
            await bus.close()
        return Erased.DESCRIPTOR.full_name in told

    def _file(self, name: str) -> Path:
        return self.dumps / f"{name}.dump"

    async def command(self, *arguments: str) -> int:
        """``daicho …`` with the audit's settings."""
        return await asyncio.to_thread(main, arguments, self.stack.settings["audit"])


def _database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _program(name: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        programs(None) / name,
        *arguments,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
    )
    async with asyncio.timeout(120):
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.fixture
async def house(
    make_database: Any, openbao_server: Any, openbao_roles: Any, smtp_server: Any, tmp_path: Path
) -> AsyncIterator[House]:
    services: Sequence[str] = ["identity", "customers", "audit"]
    async with running_stack(services, make_database, openbao_server, openbao_roles, smtp_server) as stack:
        async with stack.client("identity") as client:
            admin = {"email": "owner@restored.example.jp", "display_name": "山田", "password": PASSWORD}
            body = {"code": "restored", "company_name": "株式会社復元", "admin": admin}
            made = (await client.post("/v1/tenants", json=body)).json()
            asked = {"tenant": "restored", "email": admin["email"], "password": PASSWORD}
            token = (await client.post("/v1/sessions", json=asked)).json()["access_token"]
        yield House(stack, token, made["id"], tmp_path)


async def test_a_restored_backup_opens_verifies_hears_again_what_it_missed_and_erases_again(
    house: House,
) -> None:
    kept, person = await house.make_contact("田中"), await house.make_contact("消去")
    await house.logged(kept)
    assert (await house.logged(person))["payload"] is not None
    key = (await house.ask("audit", "GET", "/v1/audit/key")).json()["key"]
    began = datetime.now(UTC)
    await house.dump()

    later = await house.make_contact("鈴木")
    await house.logged(later)
    erased = await house.ask(
        "audit", "POST", "/v1/audit/erasures", {"record_id": person, "reason": "privacy_request"}
    )
    assert erased.json()["erased"] >= 1

    await until(house.erasure_is_on_the_bus, within=30)  # what the relay has not taken goes with the database
    assert (await house.logged(person))["payload"] is None

    for name in RESTORED:
        await house.stack.stop(name)
    await house.restore()
    for topic in TOPICS:
        since = ("--since", began.isoformat())
        assert await house.command("events", "replay", "--group", "audit", "--topic", topic, *since) == 0

    async with AsyncExitStack() as stack:
        for name in RESTORED:
            serve = import_module(f"daicho.{name}.app").serve
            await stack.enter_async_context(serve(house.stack.settings[name]))
        await house.stack.ready()

        opened = await house.ask("customers", "GET", f"/v1/contacts/{kept}")
        assert opened.json()["family_name"] == "田中", "sealed before the backup, open after it"
        assert (await house.ask("customers", "GET", f"/v1/contacts/{later}")).status_code == 404
        await house.logged(later)  # the ledger lost it; that it was there comes back from the bus
        words = ("--tenant", house.tenant_id)
        assert await house.command("audit", "anchor", *words) == 1, (
            "the restored log is shorter than its anchor"
        )
        assert await house.command("audit", "re-anchor", *words, "--reason", "restored a dump") == 0
        assert await house.command("audit", "anchor", *words) == 0
        report = await house.verified(key)
        assert report.stands, report.finding

        assert (await house.logged(person))["payload"] is not None, "the backup forgot the erasure"
        assert "1 erasures were not in the register; 1 payloads went again" in await house.erase_again(began)
        assert (await house.logged(person))["payload"] is None
        assert (await house.logged(kept))["payload"] is not None
        assert (await house.verified(key)).stands
        assert await house.command("audit", "lookup", "--tenant", house.tenant_id) == 0
        assert " 0 payloads went again" in await house.erase_again(began)
        assert await house.command("audit", "erase-again") == 0, "the command itself"
