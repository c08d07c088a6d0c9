"""The process that ``list_page`` asks: the product's customers service, and a bare handler, each on a port.

The product is its own application with a warm process's keys and grants: the token is verified, grants looked up,
fifty cards opened, the access entry committed before the answer leaves. What runs beside it in a deployment (relay,
consumers, identity) does not run here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar, get
from litestar.params import FromPath

from daicho.access import TokenVerifier
from daicho.chassis import Rails, Settings
from daicho.customers.app import parts
from daicho.customers.contacts.repository import STATEMENTS
from daicho.customers.repository import NEWEST
from daicho.events import AccessLog
from daicho.keyring import TenantKeys
from daicho.runtime import Health, configure_logging, serve_http, utc_now
from daicho.tenancy import Actor, Database, Grants, Scope, UserId
from daicho.testkit.gateway import SigningKey
from daicho.web import Callers, create_app
from tests.bench.ledger_data import REST, TEAM_2, TEAM_20, TENANT, keys_of_tenant

ISSUER: Final = "http://127.0.0.1"
POOL: Final = 16
CALLERS: Final[Mapping[str, tuple[UserId, Scope]]] = {
    "owns 2 %": (TEAM_2, Scope.OWN),
    "owns 20 %": (TEAM_20, Scope.OWN),
    "sees all": (REST, Scope.ALL),
}


class Serving(msgspec.Struct):
    """Where both listen, and a token for each of :data:`CALLERS`."""

    bare: int
    product: int
    tokens: list[str]


async def bare_page(database: Database, user: UserId, scope: Scope) -> list[asyncpg.Record]:
    """The product's own statement under row-level security, and nothing else."""
    async with database.reading(TENANT) as tx:
        if scope is Scope.ALL:
            return await STATEMENTS["newest"].fetch(tx, after=NEWEST, count=51)
        return await STATEMENTS["owned_newest"].fetch(tx, owners=[user], after=NEWEST, count=51)


def bare_app(database: Database, key: SigningKey) -> Litestar:
    """A handler as Litestar's guide writes one: run the statement, return its rows with every column that it gives
    (the sealed card as base64). It also stands for identity, whose keys and readiness the gateway asks for."""

    @get("/v1/audit/{number:int}")
    async def page(number: FromPath[int]) -> list[dict[str, Any]]:
        user, scope = list(CALLERS.values())[number]
        return [dict(row) for row in await bare_page(database, user, scope)]

    @get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [key.public()]}

    @get("/readyz")
    async def ready() -> dict[str, str]:
        return {}

    return Litestar([page, jwks, ready], openapi_config=None, logging_config=None)


class Held:
    """Keys and grants as a warm process holds them."""

    def __init__(self) -> None:
        self._keys = keys_of_tenant()
        self._grants: dict[UUID | None, Grants] = {
            user: Grants(scopes={"contacts:read": scope}, role="member", user_id=user)
            for user, scope in CALLERS.values()
        }

    async def open(self, _tenant_id: UUID) -> TenantKeys:
        return self._keys

    async def grants(self, actor: Actor) -> Grants:
        return self._grants[actor.user_id]

    async def require_store(self) -> None:
        """No page writes what is sealed."""

    def stub(self, _kind: Any) -> None:
        """No page asks another service."""


def product_app(database: Database, key: SigningKey) -> Litestar:
    """The customers service's own application."""
    held, elsewhere = Held(), ""
    settings = Settings(
        database_url=elsewhere,
        relay_database_url=elsewhere,
        vault_addr=elsewhere,
        vault_role_id=elsewhere,
        vault_secret_id=elsewhere,
        bus_url=elsewhere,
        public_url=ISSUER,
        identity_http=elsewhere,
        identity_grpc=elsewhere,
    )
    log, health = AccessLog(database), Health()
    warm: Any = held
    rails = Rails(
        "customers", settings, database, warm, warm, warm, warm, warm, log, utc_now, health, lambda _: warm
    )
    built = parts(rails)

    async def jwks() -> dict[str, Any]:
        return {"keys": [key.public()]}

    return create_app(
        "customers",
        built.routes,
        callers=Callers(TokenVerifier(jwks, issuer=ISSUER), held, origin=ISSUER),
        health=health,
        state={"rails": rails, **built.state},
    )


async def serve(url: str) -> None:
    """Serve both until the process is ended; prints :class:`Serving`."""
    configure_logging("customers", "WARNING")
    database, key = await Database.open(url, pool=POOL), SigningKey()
    tokens = [key.token(tenant=TENANT, sub=str(user), iss=ISSUER, exp=2**33) for user, _ in CALLERS.values()]
    async with (
        serve_http(bare_app(database, key), "127.0.0.1", 0) as bare,
        serve_http(product_app(database, key), "127.0.0.1", 0) as product,
    ):
        print(msgspec.json.encode(Serving(bare, product, tokens)).decode(), flush=True)
        await asyncio.Event().wait()
