"""One user, company or address opens so many lasting requests at once; ordinary ones are not counted among them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Request, get, post
from litestar.response import Stream

from daicho.faults import NotFound, Unauthenticated
from daicho.runtime import Health, serve_http
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.testkit.raw_http import RawConnection
from daicho.testkit.waiting import until
from daicho.web import Callers, StreamBounds, StreamLimit, create_app, declares, requires
from daicho.web.admission import REFUSED_AFTER


class Tokens:
    """A token is ``tenant.user``, both numbers."""

    async def verify(self, token: str) -> Actor:
        tenant, _, user = token.partition(".")
        if not user:
            raise Unauthenticated
        return Actor(
            tenant_id=TenantId(UUID(int=int(tenant))),
            kind="user",
            user_id=UserId(UUID(int=int(user))),
            token=token,
        )

    async def grants(self, _actor: Actor) -> Grants:
        return Grants()


@get("/events", guards=[requires(None)], opt=declares(lasts=True))
async def follow() -> Stream:
    return Stream(_endless(), media_type="text/event-stream")


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b": here\n\n"
        await asyncio.sleep(0.05)


@get("/missing", guards=[requires(None)], opt=declares(lasts=True))
async def miss() -> Stream:
    raise NotFound


@post("/uploads", guards=[requires(None)], opt=declares(lasts=True))
async def upload(request: Request[Any, Any, Any]) -> int:
    return sum([len(piece) async for piece in request.stream()])


@get("/things", guards=[requires(None)])
async def list_things() -> list[str]:
    return []


@dataclass
class World:
    port: int
    limit: StreamLimit
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self, token: str, address: str, path: str = "/events") -> httpx.Response:
        """An answer whose head is here, and whose body goes on until the world ends."""
        headers = {
            "authorization": f"Bearer {token}",
            "x-forwarded-for": address,
            "accept-language": "en",
        }
        client = await self.stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        )
        return await self.stack.enter_async_context(client.stream("GET", path, headers=headers))

    async def closed(self) -> None:
        """Every client hangs up; returns when nothing is counted any more."""
        await self.stack.aclose()

        async def nothing_open() -> bool:
            return self.limit.open == 0

        await until(nothing_open, within=20)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    limit = StreamLimit(StreamBounds(per_user=2, per_tenant=3, per_address=4))
    app = create_app(
        "things",
        [follow, miss, upload, list_things],
        callers=Callers(Tokens(), Tokens(), origin="https://ledger.example"),
        health=Health(),
        stream_limit=limit,
    )
    async with serve_http(app, "127.0.0.1", 0) as port:
        world = World(port, limit)
        yield world
        await world.closed()


async def test_user_opens_so_many_streams_and_is_told_the_limit(world: World) -> None:
    statuses = [(await world.open("1.1", "198.51.100.1")).status_code for _ in range(2)]
    assert statuses == [200, 200]
    refused = await world.open("1.1", "198.51.100.2")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    problem = httpx.Response(200, content=await refused.aread()).json()
    assert (problem["code"], problem["limit"]) == ("too_many_streams", 2)
    assert problem["detail"].startswith("At most 2 downloads, uploads and live views may be open at once.")


async def test_refused_client_that_asks_again_at_once_is_slowed_down(world: World) -> None:
    for _ in range(2):
        await world.open("1.1", "198.51.100.1")
    began = monotonic()
    assert (await world.open("1.1", "198.51.100.1")).status_code == 429
    assert monotonic() - began >= REFUSED_AFTER / 2


async def test_tenant_opens_so_many_streams_whoever_its_users_are(world: World) -> None:
    statuses = [(await world.open(f"1.{user}", f"198.51.100.{user}")).status_code for user in (1, 2, 3, 4)]
    assert statuses == [200, 200, 200, 429]
    assert (await world.open("2.1", "198.51.100.9")).status_code == 200


async def test_address_opens_so_many_streams_whoever_its_tenants_are(world: World) -> None:
    statuses = [
        (await world.open(f"{tenant}.1", f"2001:db8::{tenant}")).status_code for tenant in range(1, 6)
    ]
    assert statuses == [200, 200, 200, 200, 429]
    assert (await world.open("6.1", "2001:db8:0:1::1")).status_code == 200


async def test_ordinary_requests_go_on_beside_streams(world: World) -> None:
    for _ in range(2):
        await world.open("1.1", "198.51.100.1")
    assert (await world.open("1.1", "198.51.100.1", "/things")).status_code == 200


async def test_ended_streams_leave_their_places(world: World) -> None:
    for _ in range(2):
        await world.open("1.1", "198.51.100.1")
    await world.closed()
    assert (await world.open("1.1", "198.51.100.1")).status_code == 200


async def test_refused_and_failed_requests_leave_no_place_taken(world: World) -> None:
    for _ in range(5):
        assert (await world.open("1.1", "198.51.100.1", "/missing")).status_code == 404
        assert (await world.open("nobody", "198.51.100.1")).status_code == 401
    assert world.limit.open == 0


async def test_upload_counts_while_its_body_arrives(world: World) -> None:
    headers = {"authorization": "Bearer 1.1", "content-length": "10"}
    connection = await RawConnection.open(world.port)
    await connection.send("POST", "/uploads", headers, b"half")

    async def counted() -> bool:
        return world.limit.open > 0

    await until(counted, within=20)
    statuses = [(await world.open("1.1", "198.51.100.1")).status_code for _ in range(2)]
    assert statuses == [200, 429]
    connection.close()
    await world.closed()
