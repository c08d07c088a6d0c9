"""The services when what they stand on goes and comes back: 503 and no half-written state, then on as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from daicho.events import Message, dead_letters, open_bus
from daicho.local.servers import PostgresServer
from daicho.testkit.company import PASSWORD
from daicho.testkit.databases import Databases
from daicho.testkit.postgres import frozen, running_postgres
from daicho.testkit.stack import Stack, running_stack
from daicho.testkit.waiting import until

SERVICES = ["identity", "customers", "audit"]


@dataclass
class House:
    """Services on a PostgreSQL of this test's own, and a company's owner in them."""

    stack: Stack
    token: str
    restart_postgres: Callable[[], Awaitable[None]]
    postgres: PostgresServer

    def client(self, service: str) -> httpx.AsyncClient:
        return self.stack.client(service, self.token)


@pytest.fixture
async def house(openbao_server, openbao_roles, smtp_server) -> AsyncIterator[House]:
    with running_postgres() as address:
        if address.server is None:
            pytest.fail("LACKING: a PostgreSQL that may be restarted; run without POSTGRES_URL")
        databases = Databases(address.admin_url)
        async with running_stack(
            SERVICES, databases.make, openbao_server, openbao_roles, smtp_server
        ) as stack:
            server = address.server

            async def restart() -> None:
                await asyncio.to_thread(server.stop)
                server.start()  # a child belongs to the thread that starts it
                await asyncio.to_thread(server.wait_until_ready)

            yield House(stack, await _sign_up(stack), restart, server)


async def _sign_up(stack: Stack) -> str:
    async with stack.client("identity") as client:
        admin = {"email": "owner@trouble.example.jp", "display_name": "山田", "password": PASSWORD}
        await client.post("/v1/tenants", json={"code": "trouble", "company_name": "社", "admin": admin})
        asked = {"tenant": "trouble", "email": admin["email"], "password": PASSWORD}
        return str((await client.post("/v1/sessions", json=asked)).json()["access_token"])


async def test_postgresql_restarted_in_mid_request_loses_nothing_and_a_retry_is_safe(house: House) -> None:
    acknowledged: dict[str, str] = {}
    refused: list[int] = []
    enough, turns = asyncio.Event(), asyncio.Semaphore(8)

    async def write(client: httpx.AsyncClient, key: str) -> None:
        """As a careful client does: the same request under the same key until it is answered for good."""
        async with asyncio.timeout(90):
            while True:
                sent = {"idempotency-key": key}
                async with turns:
                    answer = await client.post("/v1/contacts", json={"family_name": key}, headers=sent)
                if answer.status_code == 201:
                    acknowledged[key] = answer.json()["id"]
                    if len(acknowledged) == 10:
                        enough.set()
                    return
                assert answer.status_code in (503, 409), answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                refused.append(answer.status_code)
                await asyncio.sleep(0.1)

    async with house.client("customers") as client:
        keys = [f"key-{number}" for number in range(120)]
        writing = asyncio.gather(*(write(client, key) for key in keys))
        await asyncio.wait_for(enough.wait(), 60)
        early = dict(acknowledged)
        refused.clear()
        await house.restart_postgres()
        await writing
        assert 503 in refused, "the restart came too late to be felt"
        held = {
            it["id"]: it["family_name"] for it in (await client.get("/v1/contacts?limit=200")).json()["items"]
        }
        assert sorted(held.values()) == sorted(keys), "each once, none lost, none doubled"
        assert early.items() <= {name: each for each, name in held.items()}.items()
        again = await client.post(
            "/v1/contacts", json={"family_name": keys[0]}, headers={"idempotency-key": keys[0]}
        )
        assert again.json()["id"] == acknowledged[keys[0]]

    async def all_audited() -> bool:
        async with house.client("audit") as client:
            asked = {"action": "contact.created", "limit": 200}
            answer = await client.post("/v1/audit/entries/search", json=asked)
            return answer.status_code == 200 and len(answer.json()["items"]) == len(keys)

    await until(all_audited, within=60)


async def test_hanging_postgresql_is_a_503_within_seconds_and_passes(house: House) -> None:
    """Generous limits: what waits longest waits 5 s for BEGIN, after 10 s for a connection of the pool."""
    async with house.client("customers") as client:
        assert (await client.get("/v1/contacts")).status_code == 200
        with frozen(house.postgres.pid):
            async with asyncio.timeout(25):
                answers = await asyncio.gather(*(client.get("/v1/contacts") for _ in range(20)))
            assert {answer.status_code for answer in answers} <= {503, 429}
            assert answers[0].status_code == 503

        async def served() -> bool:
            return (await client.get("/v1/contacts")).status_code == 200

        await until(served, within=30)


async def test_without_identity_nobody_is_let_in_and_nobody_is_called_a_stranger(house: House) -> None:
    async with house.client("customers") as customers, house.client("audit") as audit:
        asked = [(customers, "/v1/contacts"), (audit, "/v1/audit/checkpoint")]
        for client, path in asked:
            assert (await client.get(path)).status_code == 200
        await house.stack.stop("identity")
        for client, path in asked:

            async def refused(client: httpx.AsyncClient = client, path: str = path) -> bool:
                answer = await client.get(path)
                assert answer.status_code in (200, 503), answer.text
                return answer.status_code == 503

            await until(refused, within=15)


async def test_repeated_reordered_and_poisonous_events_leave_every_service_as_it_was(house: House) -> None:
    bus = await open_bus(house.stack.bus_url)
    try:
        async with house.client("identity") as identity, house.client("customers") as customers:
            await _change_role(identity, "own")
            await _change_role(identity, "none")
            made = await customers.post("/v1/contacts", json={"family_name": "一"})
            assert made.status_code == 201
            before = await until(lambda: _audited(house, "contact.created", 1))
            for topic in ("identity.events", "customers.events"):
                records = [record async for record in bus.read(topic)]
                poison = Message(topic, uuid4().bytes, b"\xff\xfe no envelope", ())
                old = [Message(it.topic, it.key, it.value, it.headers) for it in reversed(records)]
                await bus.publish([poison, *old, *old])
            await _change_role(identity, "all")
            await customers.post("/v1/contacts", json={"family_name": "二"})
            assert len(await until(lambda: _audited(house, "contact.created", 2))) == 2
            assert len(before) == 1
            roles = (await identity.get("/v1/roles")).json()["items"]
            assert {it["name"]: it for it in roles}["member"]["permissions"]["contacts:read"] == "all"

        async def buried() -> bool:
            found = set()
            for topic in ("identity.events", "customers.events"):
                found |= {letter.consumer async for letter in dead_letters(bus, topic)}
            return {"audit", "audit.permissions", "customers.permissions"} <= found

        await until(buried, within=30)
        async for letter in dead_letters(bus, "customers.events"):
            assert letter.reason
    finally:
        await bus.close()


async def _change_role(identity: httpx.AsyncClient, scope: str) -> None:
    roles = {each["name"]: each for each in (await identity.get("/v1/roles")).json()["items"]}
    answer = await identity.patch(
        "/v1/roles/member",
        json={"permissions": {"contacts:read": scope}},
        headers={"if-match": f'"v{roles["member"]["version"]}"'},
    )
    assert answer.status_code == 200, answer.text


async def _audited(house: House, action: str, count: int) -> list[dict[str, Any]]:
    async with house.client("audit") as client:
        asked = {"action": action, "limit": 200}
        found: list[dict[str, Any]] = (await client.post("/v1/audit/entries/search", json=asked)).json()[
            "items"
        ]
        return found if len(found) >= count else []
