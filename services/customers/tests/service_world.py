"""A service under test behind a real HTTP server: real database, key store, tokens and copy of permissions.

Identity alone is absent: users and roles are put into this service's copy as its events would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from daicho.access import TokenVerifier, copy, read_grants
from daicho.chassis import Parts, Rails, Settings
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.contracts.identity.v1 import identity_pb2
from daicho.events import AccessLog, Envelope
from daicho.faults import Unauthenticated
from daicho.identity import permissions as roles
from daicho.keyring import Keyring, Transit
from daicho.runtime import Health, serve_http, utc_now
from daicho.tenancy import Actor, Database, Grants, Scope, TenantId, UserId, uuid7
from daicho.testkit import TestDatabase
from daicho.testkit.gateway import SigningKey
from daicho.testkit.waiting import until
from daicho.web import Admission, Bounds, Callers, create_app

ORIGIN = "http://127.0.0.1"
_WAITING = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class CopiedPermissions:
    """Grants from the service's own copy, each time anew."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(self, actor: Actor) -> Grants:
        async with self._database.reading(actor) as tx:
            found = await read_grants(tx, actor.user_id)
        if found is None:
            raise Unauthenticated
        return found


class NewUsers:
    """Stands in the place of identity's channel: knows users whom the copy has not heard of."""

    def __init__(self) -> None:
        self.known: set[UUID] = set()

    def stub(self, _kind: Any) -> NewUsers:
        return self

    async def GetUsers(self, request: identity_pb2.GetUsersRequest, actor: Actor) -> Any:  # noqa: N802, ARG002 gRPC's
        found = [each for each in request.user_ids if UUID(bytes=each) in self.known]
        return identity_pb2.GetUsersResponse(users=[identity_pb2.User(user_id=each) for each in found])


@dataclass
class Caller:
    """Somebody with a token."""

    user_id: UUID
    client: httpx.AsyncClient

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, json=body, headers=named)

    async def make(self, path: str, **body: Any) -> dict[str, Any]:
        """POST that must succeed."""
        answer = await self("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()


@dataclass
class House:
    """A tenant and its people, by role."""

    tenant_id: TenantId
    people: dict[str, Caller] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Caller:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass
class Ledger:
    """The running service."""

    database: Database
    made: TestDatabase
    keyring: Keyring
    rails: Rails
    parts: Parts
    url: str
    key: SigningKey
    identity: NewUsers
    owner_of_keys: Transit
    stack: list[httpx.AsyncClient] = field(default_factory=list)

    async def create_house(self) -> House:
        """A tenant with people: owner, admin, manager, member, mate (a member of the same team), reader."""
        tenant_id = TenantId(uuid7())
        await self.owner_of_keys.create_tenant_key(tenant_id)
        house, team = House(tenant_id), uuid7()
        for role in roles.ROLES:
            await self.set_role(tenant_id, role, roles.defaults(role))
        for name, role, with_team in (
            ("owner", "owner", False),
            ("admin", "admin", False),
            ("manager", "manager", True),
            ("member", "member", True),
            ("mate", "member", True),
            ("reader", "read_only", False),
        ):
            house.people[name] = await self.create_user(tenant_id, role, team if with_team else None)
        return house

    async def set_role(self, tenant_id: TenantId, role: str, scopes: Mapping[str, Scope]) -> None:
        """What a role may do."""
        async with self.database.transaction(tenant_id) as tx:
            permissions = [
                events_pb2.Permission(action=action, scope=int(scope)) for action, scope in scopes.items()
            ]
            await copy._write_role(tx, role, permissions, 1)

    async def create_user(
        self, tenant_id: TenantId, role: str, team_id: UUID | None = None, *, disabled: bool = False
    ) -> Caller:
        """A user in the copy, and their way in."""
        user_id = UserId(uuid7())
        user = events_pb2.UserChanged(
            user_id=user_id.bytes, role=role, team_id=team_id.bytes if team_id else b"", disabled=disabled
        )
        async with self.database.transaction(tenant_id) as tx:
            await copy.write_user(tx, user, 1)
        return self.caller(tenant_id, user_id)

    def caller(self, tenant_id: UUID, user_id: UUID) -> Caller:
        """Somebody with a good token, known here or not."""
        token = self.key.token(tenant=tenant_id, sub=str(user_id), iss=ORIGIN)
        client = httpx.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=60
        )
        self.stack.append(client)
        return Caller(user_id, client)

    def anonymous(self) -> Caller:
        """Somebody without a token."""
        client = httpx.AsyncClient(base_url=self.url)
        self.stack.append(client)
        return Caller(UUID(int=0), client)


@asynccontextmanager
async def running_ledger(
    made: TestDatabase,
    vault: str,
    logins: Mapping[str, tuple[str, str]],
    parts: Callable[[Rails], Parts],
) -> AsyncIterator[Ledger]:
    """The service of ``parts`` on a free port."""
    database = await made.open()
    transit = Transit(vault, *logins["customers"], service="customers")
    owner = Transit(vault, *logins["identity"], service="identity")
    keyring, identity, health = Keyring(transit, database), NewUsers(), Health()
    access_log = AccessLog(database)
    settings = Settings(
        database_url=made.app_url,
        relay_database_url=made.relay_url,
        vault_addr=vault,
        vault_role_id=logins["customers"][0],
        vault_secret_id=logins["customers"][1],
        bus_url="",
        public_url=ORIGIN,
        identity_http="",
        identity_grpc="",
    )
    rails = Rails(
        "customers",
        settings,
        database,
        transit,
        keyring,
        None,  # type: ignore[arg-type]  # nothing here reaches the bus: what is told waits in the outbox
        None,  # type: ignore[arg-type]  # nor comes from it, so that nothing is verified
        None,  # type: ignore[arg-type]  # and nothing is missed
        access_log,
        utc_now,
        health,
        lambda _service: identity,  # type: ignore[arg-type,return-value]
    )
    key = SigningKey()

    async def jwks() -> dict[str, Any]:
        return {"keys": [key.public()]}

    verifier, built = TokenVerifier(jwks, issuer=ORIGIN), parts(rails)
    permissions = CopiedPermissions(database)
    app = create_app(
        "customers",
        built.routes,
        callers=Callers(verifier, permissions, origin=ORIGIN),
        health=health,
        messages=built.messages,
        state={"rails": rails, "permissions": permissions, "verifier": verifier, **built.state},
        # The limits of exports are seen behind those of requests.
        admission=Admission(bulk=Bounds(places=8, per_tenant=4, waiting=8, deadline=30)),
    )
    async with serve_http(app, "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"
        ledger = Ledger(database, made, keyring, rails, built, url, key, identity, owner)
        yield ledger
        await asyncio.gather(*(client.aclose() for client in ledger.stack))
    await access_log.close()
    await database.close()
    transit.close()
    owner.close()


async def outbox(ledger: Ledger, table: str = "outbox") -> list[Envelope]:
    """What waits to be told, or to be entered."""
    admin = await asyncpg.connect(ledger.made.admin_url)
    try:
        return [
            Envelope.FromString(row["envelope"])
            for row in await admin.fetch(f"SELECT envelope FROM {table} ORDER BY id")  # noqa: S608 a table of ours
        ]
    finally:
        await admin.close()


async def comes_to_wait(ledger: Ledger, task: asyncio.Task[Any]) -> bool:
    """Whether ``task`` waits for an advisory lock of somebody else's, rather than coming to its end."""
    admin = await asyncpg.connect(ledger.made.admin_url)

    async def known() -> str:
        waiting = await admin.fetchval(_WAITING)
        return "ended" if task.done() else "waits" if waiting else ""

    try:
        return await until(known, within=30) == "waits"
    finally:
        await admin.close()
