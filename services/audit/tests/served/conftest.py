"""Identity and audit running for real, two companies in them, and customers' voice on the bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from google.protobuf.message import Message as ProtoMessage

from daicho.contracts.customers.events.v1 import events_pb2 as customers
from daicho.events import Aggregate, Bus, Message, open_bus, topic_of
from daicho.events.envelope import enclose, partition_key
from daicho.keyring import Keyring, TenantKeys, Transit
from daicho.tenancy import Actor, SessionId, TenantId, UserId, uuid7
from daicho.testkit.events import EventSigners
from daicho.testkit.stack import Stack, running_stack

PASSWORD = "correct horse battery"


@dataclass
class Company:
    """A signed-up company: its owner, and how to ask and publish in their name."""

    stack: Stack
    bus: Bus
    signers: EventSigners
    keyring: Keyring
    code: str
    token: str
    actor: Actor
    open: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def tenant_id(self) -> TenantId:
        return self.actor.tenant_id

    def client(self, service: str = "audit", token: str | None = None) -> httpx.AsyncClient:
        return self.stack.client(service, token or self.token)

    async def keys(self) -> TenantKeys:
        """Customers' keys of this tenant."""
        return await self.keyring.open(self.tenant_id)

    async def tell(
        self,
        message: ProtoMessage,
        aggregate: Aggregate | None = None,
        *,
        keys: Any = None,
        topic: str = "",
        **actor: Any,
    ) -> UUID:
        """Tell ``message`` as customers would; answers the event's id."""
        about = aggregate or Aggregate("contact", uuid7(), 1)
        who = Actor(**{**_actor_fields(self.actor), **actor})
        event_id, value = enclose(message, actor=who, tenant_id=self.tenant_id, aggregate=about, keys=keys)
        key = partition_key(self.tenant_id, about.id)
        await self.publish([Message(topic or topic_of(message), key, value)])
        return UUID(bytes=event_id)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Put ``messages`` of one topic on the bus, signed as its owner signs."""
        await self.bus.publish(await self.signers.sign(messages))

    async def change(self, contact_id: UUID | None = None, *, version: int = 1, **members: Any) -> UUID:
        """Tell that a contact was changed; answers the event's id."""
        contact_id = contact_id or uuid7()
        members = {"change": customers.CHANGE_UPDATED, "fields": ["phones"]} | members
        message = customers.ContactChanged(contact_id=contact_id.bytes, **members)
        return await self.tell(message, Aggregate("contact", contact_id, version))

    async def admin(self, statement: str, *values: object) -> str:
        """Run ``statement`` on the audit's database as the superuser, whom no policy and no grant stops."""
        connection = await asyncpg.connect(self.stack.databases["audit"].admin_url)
        try:
            return str(await connection.execute(statement, *values))
        finally:
            await connection.close()

    async def search(self, **asked: Any) -> list[dict[str, Any]]:
        """The first page of a search."""
        async with self.client() as client:
            answer = await client.post("/v1/audit/entries/search", json=asked)
            assert answer.status_code == 200, answer.text
            return list(answer.json()["items"])

    async def found(self, **asked: Any) -> list[dict[str, Any]]:
        """As :meth:`search`, once something is found."""
        async with asyncio.timeout(60):
            while True:
                if items := await self.search(**asked):
                    return items
                await asyncio.sleep(0.02)

    async def logged(self, event_id: UUID) -> dict[str, Any]:
        """The entry of an event, once it is there."""
        async with self.client() as client, asyncio.timeout(60):
            while True:
                answer = await client.get(f"/v1/audit/entries/{event_id}")
                if answer.status_code == 200:
                    return dict(answer.json())
                assert answer.status_code == 404, answer.text
                await asyncio.sleep(0.01)


def _actor_fields(actor: Actor) -> dict[str, Any]:
    names = ("tenant_id", "kind", "user_id", "session_id", "address", "request_id")
    return {name: getattr(actor, name) for name in names}


@pytest.fixture(scope="module")
async def stack(
    make_database: Any, openbao_server: Any, openbao_roles: Any, smtp_server: Any
) -> AsyncIterator[Stack]:
    async with running_stack(
        ["identity", "customers", "audit"], make_database, openbao_server, openbao_roles, smtp_server
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    opened = await open_bus(stack.bus_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def signers(openbao_server: Any, openbao_roles: Any) -> Iterator[EventSigners]:
    made = EventSigners(openbao_server.address, openbao_roles)
    yield made
    made.close()


@pytest.fixture(scope="module")
async def customers_keyring(stack: Stack, openbao_server: Any, openbao_roles: Any) -> AsyncIterator[Keyring]:
    database = await stack.databases["customers"].open()
    transit = Transit(openbao_server.address, *openbao_roles["customers"], service="customers")
    yield Keyring(transit, database)
    transit.close()
    await database.close()


@pytest.fixture(scope="module")
def make_company(
    stack: Stack, bus: Bus, signers: EventSigners, customers_keyring: Keyring
) -> Callable[[str], Awaitable[Company]]:
    async def make(code: str) -> Company:
        email = f"owner@{code}.example.jp"
        admin = {"email": email, "display_name": "山田 花子", "password": PASSWORD}
        async with stack.client("identity") as client:
            body = {"code": code, "company_name": f"株式会社{code}", "admin": admin}
            answer = await client.post("/v1/tenants", json=body)
            assert answer.status_code == 201, answer.text
            tenant_id = TenantId(UUID(answer.json()["id"]))
            token = await sign_in(client, code, email)
            answer = await client.get("/v1/me", headers={"authorization": f"Bearer {token}"})
            user_id = UserId(UUID(answer.json()["user"]["id"]))
        actor = Actor(
            tenant_id=tenant_id,
            kind="user",
            user_id=user_id,
            session_id=SessionId(uuid7()),
            address="192.0.2.10",
            request_id=str(uuid7()),
        )
        return Company(stack, bus, signers, customers_keyring, code, token, actor)

    return make


@pytest.fixture(scope="module")
async def midori(make_company: Callable[[str], Awaitable[Company]]) -> Company:
    # The mail sink is the session's: another module's company of this name has had mail already.
    return await make_company(f"midori-{uuid7().hex[-8:]}")


@pytest.fixture(scope="module")
async def aoba(make_company: Callable[[str], Awaitable[Company]]) -> Company:
    return await make_company("aoba")


@pytest.fixture(scope="module")
async def member(stack: Stack, midori: Company) -> str:
    """The token of a colleague at midori who may not read the audit."""
    email = f"member@{midori.code}.example.jp"
    async with midori.client("identity") as owner:
        # Until the owner's address is confirmed no other mail leaves.
        confirmation = {"token": await stack.mail.link_to(f"owner@{midori.code}.example.jp", "confirm-email")}
        assert (await owner.post("/v1/email-confirmations", json=confirmation)).status_code == 204
        body = {"invitations": [{"email": email, "role": "member"}]}
        assert (await owner.post("/v1/invitations", json=body)).status_code == 201
        link = await stack.mail.link_to(email, "accept-invitation")
        accepted = {"token": link, "display_name": "鈴木 一郎", "password": PASSWORD}
        assert (await owner.post("/v1/invitations/accept", json=accepted)).status_code == 201
        return await sign_in(owner, midori.code, email)


async def sign_in(client: httpx.AsyncClient, code: str, email: str) -> str:
    body = {"tenant": code, "email": email, "password": PASSWORD}
    answer = await client.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["access_token"])
