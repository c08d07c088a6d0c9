"""The key store sealed, standing still or gone: nothing is written, reading goes on, and it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import pytest

from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.imports import repository
from daicho.customers.imports.job_types import CHECK
from daicho.events import dead_letters, open_bus
from daicho.identity.model import RoleRow
from daicho.identity.telling import tell_role
from daicho.jobs import enqueue
from daicho.keyring import provision
from daicho.keyring.keyring import SEEN
from daicho.local.servers import OpenBaoServer, free_port
from daicho.runtime import utc_now
from daicho.tenancy import TenantId
from daicho.testkit.company import PASSWORD
from daicho.testkit.stack import Stack, running_stack
from daicho.testkit.waiting import until

SERVICES: Final = ["identity", "customers", "audit"]
# What goes on without the key store: the record of reads, the heartbeat, and each service's copy of permissions.
_GOES_ON: Final = frozenset(["outbox", "access_outbox", "broadcast", "inbox", "seen_version"])
TOPICS: Final = ("identity.events", "customers.events")

Server = OpenBaoServer


def _start(server: Server) -> None:
    server.start()
    server.wait_until_ready()


WAYS: Final[dict[str, tuple[Callable[[Server], None], Callable[[Server], None]]]] = {
    "sealed": (Server.seal, Server.unseal),
    "slow": (
        lambda it: os.kill(it.pid or 0, signal.SIGSTOP),
        lambda it: os.kill(it.pid or 0, signal.SIGCONT),
    ),
    "gone": (Server.kill, _start),
}


@dataclass
class House:
    """Services on a key store of this test's own, and a company's owner in them."""

    stack: Stack
    key_store: OpenBaoServer
    client: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    owner: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)
    tenant_id: str = ""

    async def away(self) -> bool:
        """Whether a write is refused; one that would change nothing, for its version is long past."""
        path, past = f"/v1/contacts/{self.contact['id']}", {"if-match": '"v0"'}
        answer = await self.client["customers"].patch(path, json={"department": "x"}, headers=past)
        assert answer.status_code in (412, 503), answer.text
        return answer.status_code == 503

    async def here(self) -> bool:
        """The opposite, once whatever was waiting has been given up."""
        return not await self.away()

    async def written(self) -> dict[str, str]:
        """What every table of every service holds, and how much was told."""
        found: dict[str, str] = {}
        for service, made in self.stack.databases.items():
            admin = await asyncpg.connect(made.admin_url)
            for name in await admin.fetch(_TABLES):
                table = f'"{name["table_name"]}"'
                if name["table_name"] not in _GOES_ON:
                    rows = f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t"  # noqa: S608 the catalogue's name
                    text = await admin.fetchval(rows)
                    found[f"{service}.{table}"] = text
            await admin.close()
        bus = await open_bus(self.stack.settings["customers"]["DAICHO_BUS_URL"])
        for topic in TOPICS:
            found[topic] = str(len([record async for record in bus.read(topic)]))
            found[f"{topic} dead"] = str(len([letter async for letter in dead_letters(bus, topic)]))
        await bus.close()
        folder = self.stack.settings["customers"]["DAICHO_FILES_DIR"]
        found["files"] = str([names for _, _, names in os.walk(folder)])
        return found

    async def settled(self) -> dict[str, str]:
        """:meth:`written`, once no service counts the store as seen and what was under way then has ended."""
        await asyncio.sleep(
            SEEN
        )  # each service asks for itself: this is how long an answer of before may count
        held: dict[str, str] = {}

        async def stands() -> bool:
            nonlocal held
            before, held = held, await self.written()
            return before == held

        await until(stands, within=20)
        return held

    async def entries(self, action: str) -> list[dict[str, Any]]:
        """The audit's entries of ``action``."""
        asked = {"action": action, "limit": 200}
        answer = await self.client["audit"].post("/v1/audit/entries/search", json=asked)
        return list(answer.json()["items"]) if answer.status_code == 200 else []


_TABLES: Final = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY table_name
"""


@pytest.fixture(scope="module")
def key_store(tmp_path_factory) -> Any:
    server = OpenBaoServer(tmp_path_factory.mktemp("keys") / "openbao", port=free_port())
    _start(server)
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def house(make_database, key_store, smtp_server) -> AsyncIterator[House]:
    roles = provision(key_store.address, key_store.root_token)
    async with running_stack(SERVICES, make_database, key_store, roles, smtp_server) as stack:
        made = House(stack, key_store)
        await _move_in(made)
        yield made
        for client in made.client.values():
            await client.aclose()


async def _move_in(house: House) -> None:
    async with house.stack.client("identity") as client:
        admin = {"email": "owner@away.example.jp", "display_name": "山田", "password": PASSWORD}
        await client.post("/v1/tenants", json={"code": "away", "company_name": "社", "admin": admin})
        link = await house.stack.mail.link_to(admin["email"], "confirm-email")
        await client.post("/v1/email-confirmations", json={"token": link})
        asked = {"tenant": "away", "email": admin["email"], "password": PASSWORD}
        house.tokens = (await client.post("/v1/sessions", json=asked)).json()
    for service in SERVICES:
        house.client[service] = house.stack.client(service, house.tokens["access_token"])
    me = (await house.client["identity"].get("/v1/me")).json()
    house.owner, house.tenant_id = me["user"], me["tenant"]["id"]
    made = await house.client["customers"].post("/v1/contacts", json={"family_name": "佐藤"})
    assert made.status_code == 201, made.text
    house.contact = made.json()
    await until(lambda: house.entries("contact.created"), within=30)


def writes(house: House) -> list[tuple[str, httpx.Request]]:
    """One of every kind: of records, fields, files, people, rights and sessions, by people known and unknown."""
    contact, me, current = house.contact, house.owner, f'"v{house.contact["version"]}"'
    admin = {"email": "x@example.jp", "display_name": "名", "password": PASSWORD}
    sign_in = {"tenant": "away", "email": house.owner["email"]}
    invitation = {"invitations": [{"email": "new@away.example.jp", "role": "member"}]}

    def of(service: str, method: str, path: str, **sent: Any) -> tuple[str, httpx.Request]:
        return service, house.client[service].build_request(method, path, **sent)

    return [
        of("customers", "POST", "/v1/contacts", json={"family_name": "鈴木"}),
        of(
            "customers",
            "POST",
            "/v1/contacts",
            json={"family_name": "鈴木"},
            headers={"idempotency-key": "one"},
        ),
        of(
            "customers",
            "PATCH",
            f"/v1/contacts/{contact['id']}",
            json={"title": "長"},
            headers={"if-match": current},
        ),
        of("customers", "DELETE", f"/v1/contacts/{contact['id']}", headers={"if-match": current}),
        of("customers", "POST", f"/v1/contacts/{contact['id']}/restore"),
        of("customers", "POST", "/v1/companies", json={"name": "株式会社みどり"}),
        of(
            "customers",
            "POST",
            "/v1/fields",
            json={"resource": "contact", "key": "k", "label": "L", "type": "text"},
        ),
        of(
            "customers",
            "POST",
            "/v1/imports",
            files={"file": ("a.csv", "姓\n鈴木\n")},
            data={"resource": "contact"},
        ),
        of(
            "identity",
            "PATCH",
            f"/v1/users/{me['id']}",
            json={"language": "en"},
            headers={"if-match": '"v1"'},
        ),
        of("identity", "POST", "/v1/invitations", json=invitation),
        of("identity", "POST", "/v1/teams", json={"name": "営業"}),
        of("identity", "PATCH", "/v1/roles/member", json={"permissions": {}}, headers={"if-match": '"v1"'}),
        of("identity", "DELETE", "/v1/sessions/current"),
        of("identity", "POST", "/v1/sessions", json=sign_in | {"password": PASSWORD}),
        of("identity", "POST", "/v1/sessions", json=sign_in | {"password": "wrong wrong wrong"}),
        of("identity", "POST", "/v1/sessions/refresh", json={"refresh_token": house.tokens["refresh_token"]}),
        of("identity", "POST", "/v1/password-resets", json=sign_in),
        of(
            "identity",
            "POST",
            "/v1/tenants",
            json={"code": "elsewhere", "company_name": "社", "admin": admin},
        ),
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_while_it_is_away_every_write_is_503_nothing_is_written_and_reading_goes_on(
    house: House, way: str
) -> None:
    leave, come_back = WAYS[way]
    searches = len(await house.entries("contact.search"))
    leave(house.key_store)
    try:
        await until(house.away, within=20)
        before = await house.settled()
        sent = writes(house)
        answers = await asyncio.gather(*(house.client[service].send(request) for service, request in sent))
        for (_, request), refused in zip(sent, answers, strict=True):
            what = f"{request.method} {request.url.path}: {refused.text}"
            assert (refused.status_code, refused.json()["code"]) == (503, "keys_unavailable"), what
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) > 0
        await _reads_go_on(house)
        assert await house.written() == before
    finally:
        await asyncio.to_thread(come_back, house.key_store) if way != "gone" else come_back(house.key_store)
    await until(house.here, within=30)
    once = {"headers": {"idempotency-key": f"after-{way}"}, "json": {"family_name": f"後{way}"}}
    first, again = [await house.client["customers"].post("/v1/contacts", **once) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())

    async def all_entered() -> bool:
        return len(await house.entries("contact.search")) == searches + 1

    await until(all_entered, within=30)
    found = (await house.entries("contact.search"))[0]
    assert "佐藤" in str(found), "what was searched for meanwhile is sealed in the record, and opens"
    assert {text for name, text in (await house.written()).items() if name.endswith("dead")} == {"0"}


async def _reads_go_on(house: House) -> None:
    place = f"/v1/contacts/{house.contact['id']}"
    for service, method, path, body in (
        ("customers", "GET", "/v1/contacts", None),
        ("customers", "GET", place, None),
        ("customers", "GET", f"{place}/history", None),
        ("customers", "POST", "/v1/contacts/search", {"q": "佐藤"}),
        ("identity", "GET", "/v1/users", None),
        ("identity", "GET", "/v1/me", None),
        ("audit", "POST", "/v1/audit/entries/search", {"action": "contact.created"}),
    ):
        answer = await house.client[service].request(method, path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.text}"


async def test_what_was_taken_from_somebody_a_moment_before_is_taken_in_every_service(house: House) -> None:
    tenant = TenantId(UUID(house.tenant_id))
    identity = await house.stack.databases["identity"].open()
    copies = [await asyncpg.connect(house.stack.databases[name].admin_url) for name in ("customers", "audit")]

    async def copied() -> bool:
        held = [
            await copy.fetchval("SELECT version FROM grant_role WHERE role = 'member'") for copy in copies
        ]
        return held == [99, 99]

    house.key_store.seal()
    try:
        await until(house.away, within=20)
        async with identity.transaction(tenant) as tx:
            role = RoleRow(tenant_id=tenant, name="member", overrides={"contacts:read": 0}, version=99)
            await tx.session.merge(role)
            await tell_role(tx, role)
        await until(copied, within=20)
    finally:
        house.key_store.unseal()
    for connection in (identity, *copies):
        await connection.close()


async def test_an_import_that_was_begun_a_moment_before_waits_and_goes_on(house: House) -> None:
    customers, rows = house.client["customers"], 500
    text = "姓,名\n" + "".join(f"田中,{number}号\n" for number in range(rows))
    given = {"files": {"file": ("a.csv", text)}, "data": {"resource": "contact"}}
    made = UUID((await customers.post("/v1/imports", **given)).json()["id"])
    database = await house.stack.databases["customers"].open()
    admin = await asyncpg.connect(house.stack.databases["customers"].admin_url)

    async def refused() -> bool:
        return bool(await admin.fetchval("SELECT max(attempts) FROM pgqueuer"))

    async def status() -> str:
        return str((await customers.get(f"/v1/imports/{made}")).json()["status"])

    async def checked() -> bool:
        now = await status()
        assert now in ("checking", "checked"), now
        return now == "checked"

    house.key_store.seal()
    try:
        await until(house.away, within=20)
        async with database.transaction(TenantId(UUID(house.tenant_id))) as tx:
            revision = (await Catalogue().current(tx, "contact")).revision
            await repository.begin_check(tx, made, utc_now(), revision)
            await enqueue(tx, CHECK, made)
        await until(refused, within=30)
        assert await status() == "checking"
    finally:
        house.key_store.unseal()
    await until(checked, within=60)
    shown = (await customers.get(f"/v1/imports/{made}")).json()
    assert (shown["rows"], shown["valid"]) == (rows, rows)
    await admin.close()
    await database.close()
