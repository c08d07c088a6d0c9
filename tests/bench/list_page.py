"""A page of 50 sealed contacts, 16 clients: `python tests/bench/list_page.py [contacts …]`.

For callers who own 2 %, 20 % and see all: pages a second of bare asyncpg with the same SQL under the same policy
(in the process of the clients), of a bare Litestar handler around that, and of the product (token, grants, keys,
opening, access entry committed before the answer). Medians of three runs taken in turns, and the product's p95.
Bars: product ≥ 0.2 × asyncpg, ≥ 0.6 × the bare handler; p95 ≤ 60 ms; 1M within 1.5 × of 200k.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from litestar import Litestar, Request, Response, get

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
from tests.bench.ledger_data import REST, TEAM_2, TEAM_20, TENANT, keys_of_tenant, loaded, server

CLIENTS: Final = 16
SECONDS: Final = 3.0
RUNS: Final = 3
ISSUER: Final = "http://127.0.0.1"
CALLERS: Final[Mapping[str, tuple[UserId, Scope]]] = {
    "owns 2 %": (TEAM_2, Scope.OWN),
    "owns 20 %": (TEAM_20, Scope.OWN),
    "sees all": (REST, Scope.ALL),
}
Page = Callable[[], Awaitable[None]]


class Held:
    """Keys and grants as a warm process holds them."""

    async def open(self, _tenant_id: UUID) -> TenantKeys:
        return _KEYS

    async def grants(self, actor: Actor) -> Grants:
        return _GRANTS[actor.user_id]

    def stub(self, _kind: Any) -> None:
        return None


_KEYS = keys_of_tenant()
_GRANTS: Mapping[UUID | None, Grants] = {
    user: Grants(scopes={"contacts:read": scope}, role="member", user_id=user)
    for user, scope in CALLERS.values()
}


async def bare_page(database: Database, user: UserId, scope: Scope) -> list[asyncpg.Record]:
    """The product's own statement, and nothing else."""
    async with database.reading(TENANT) as tx:
        if scope is Scope.ALL:
            return await STATEMENTS["newest"].fetch(tx, after=NEWEST, count=51)
        return await STATEMENTS["owned_newest"].fetch(tx, owners=[user], after=NEWEST, count=51)


def bare_app(database: Database) -> Litestar:
    """A handler that answers what the statement gives."""

    @get("/bare/{number:int}")
    async def page(request: Request[Any, Any, Any], number: int) -> Response[bytes]:
        user, scope = list(CALLERS.values())[number]
        rows = await bare_page(database, user, scope)
        body = [{"id": row["id"], "title": row["title"], "department": row["department"]} for row in rows]
        return Response(msgspec.json.encode(body), media_type="application/json")

    return Litestar([page], openapi_config=None, logging_config=None)


async def serve(url: str) -> None:
    """Both applications in a process of their own; prints their ports and the callers' tokens."""
    configure_logging("customers", "WARNING")
    database, held = await Database.open(url, pool=16), Held()
    key = SigningKey()
    settings = Settings(
        database_url=url,
        relay_database_url=url,
        vault_addr="",
        vault_role_id="",
        vault_secret_id="",
        bus_url="",
        public_url=ISSUER,
        identity_http="",
        identity_grpc="",
    )
    unused: Any = None
    log = AccessLog(database)
    rails = Rails(
        "customers", settings, database, unused, held, unused, log, utc_now, Health(), lambda _: held
    )  # type: ignore[arg-type,return-value]  # a warm process
    built = parts(rails)

    async def jwks() -> dict[str, Any]:
        return {"keys": [key.public()]}

    app = create_app(
        "customers",
        built.routes,
        callers=Callers(TokenVerifier(jwks, issuer=ISSUER), held, origin=ISSUER),
        health=Health(),
        state={"rails": rails, **built.state},
    )
    tokens = [key.token(tenant=TENANT, sub=str(user), iss=ISSUER, exp=2**33) for user, _ in CALLERS.values()]
    async with (
        serve_http(bare_app(database), "127.0.0.1", 0) as bare,
        serve_http(app, "127.0.0.1", 0) as port,
    ):
        print(msgspec.json.encode([bare, port, tokens]).decode(), flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[tuple[int, int, list[str]]]:
    """The serving process while the block runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.list_page", "serve", url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        yield msgspec.json.decode(await child.stdout.readline(), type=tuple[int, int, list[str]])
    finally:
        child.terminate()
        await child.wait()


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes) -> None:
    """One request on a connection that stays open: a client that costs little beside what it measures."""
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head[:15]:
        raise RuntimeError(head.decode())
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)


async def drive(one: Callable[[], Awaitable[Page]]) -> tuple[float, float]:
    """Pages a second of all clients, and the p95 in milliseconds."""
    times: list[float] = []
    pages = [await one() for _ in range(CLIENTS)]
    end = perf_counter() + SECONDS

    async def client(page: Page) -> None:
        while (began := perf_counter()) < end:
            await page()
            times.append(perf_counter() - began)

    await asyncio.gather(*map(client, pages))
    return len(times) / SECONDS, statistics.quantiles(times, n=20)[-1] * 1_000


def over_http(port: int, path: str, token: str = "") -> Callable[[], Awaitable[Page]]:
    """Makes clients of a path."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    async def one() -> Page:
        streams = await asyncio.open_connection("127.0.0.1", port)
        return lambda: ask(streams, request)

    return one


async def measure(url: str) -> dict[str, float]:
    """Prints a line a caller; answers the product's pages a second by caller."""
    database = await Database.open(url, pool=CLIENTS)
    found = {}
    async with serving(url) as (bare, port, tokens):
        for number, (name, (user, scope)) in enumerate(CALLERS.items()):

            async def driver(user: UserId = user, scope: Scope = scope) -> Page:
                async def page() -> None:
                    await bare_page(database, user, scope)

                return page

            ways = (
                driver,
                over_http(bare, f"/bare/{number}"),
                over_http(port, "/v1/contacts", tokens[number]),
            )
            runs = [[await drive(way) for way in ways] for _ in range(RUNS)]
            raw, handler, product = (statistics.median(run[way][0] for run in runs) for way in range(3))
            p95 = statistics.median(run[2][1] for run in runs)
            found[name] = product
            print(
                f"  {name:<10} asyncpg {raw:7.0f}/s  bare {handler:7.0f}/s  product {product:7.0f}/s  "
                f"= {product / raw:.2f} x asyncpg, {product / handler:.2f} x bare; p95 {p95:.0f} ms",
                flush=True,
            )
    await database.close()
    return found


async def main(sizes: list[int]) -> None:
    """Print the table."""
    found = []
    with server() as url:
        for rows in sizes:
            async with loaded(url, rows, plain=False) as made:
                print(f"{rows} contacts", flush=True)
                found.append(await measure(made.app_url))
    for name in CALLERS if len(found) > 1 else ():
        print(
            f"{name}: the smallest ledger is {found[0][name] / found[-1][name]:.2f} x as fast as the largest (bar 1.5)"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(sys.argv[2]))
    else:
        uvloop.run(main([int(each) for each in sys.argv[1:]] or [200_000, 1_000_000]))
