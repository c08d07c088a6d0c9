"""A tenant that floods waits for itself; a place is held by work, never by a slow client, and comes back whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import get, post
from litestar.params import JSONBody
from litestar.response import Stream

from daicho.faults import Unauthenticated
from daicho.runtime import Health, serve_http
from daicho.runtime.time_slices import urgent_work
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.testkit.waiting import until
from daicho.web import Admission, Bounds, Callers, Cost, create_app, declares, public, requires
from daicho.web.admission import LARGE, REFUSED_AFTER

SHARED = Bounds(places=3, per_tenant=2, beside=1, waiting=2, deadline=30)
FEW = Bounds(places=3, per_tenant=2, waiting=2, deadline=30)


class Thing(msgspec.Struct):
    name: str


class World:
    """What the handlers wait for, and what has happened."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun = 0
        self.admission = Admission(light=FEW, heavy=FEW, bulk=SHARED, public=FEW)
        self.limits = (*self.admission.by_cost.values(), self.admission.public)
        self.url = ""

    async def client_of(self, tenant: int) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {tenant}"} if tenant else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)


class Tokens:
    """A token is a tenant's number."""

    async def verify(self, token: str) -> Actor:
        if not token.isdecimal():
            raise Unauthenticated
        return Actor(
            tenant_id=TenantId(UUID(int=int(token))), kind="user", user_id=UserId(UUID(int=1)), token=token
        )

    async def grants(self, _actor: Actor) -> Grants:
        return Grants(scopes={})


def routes(world: World) -> list[Any]:
    async def wait() -> dict[str, str]:
        world.begun += 1
        await world.gate.wait()
        return {}

    async def quick() -> dict[str, str]:
        return {}

    async def fail() -> None:
        raise RuntimeError

    async def add(data: JSONBody[Thing]) -> Thing:
        return data

    async def stream() -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(200):
                world.begun += 1
                yield bytes(100_000)

        return Stream(pieces())

    async def broken() -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError

        return Stream(pieces())

    known = [requires(None)]
    return [
        get("/wait", guards=known)(wait),
        get("/search", guards=known, opt=declares(cost=Cost.HEAVY))(wait),
        get("/export", guards=known, opt=declares(cost=Cost.BULK))(wait),
        get("/open", guards=[public("for the test")])(wait),
        get("/quick", guards=known)(quick),
        get("/fail", guards=known)(fail),
        post("/things", guards=known)(add),
        get("/stream", guards=known)(stream),
        get("/broken", guards=known)(broken),
    ]


@pytest.fixture
async def world():
    found = World()
    app = create_app(
        "things",
        routes(found),
        callers=Callers(Tokens(), Tokens(), origin="https://ledger.example"),
        health=Health(),
        admission=found.admission,
    )
    async with serve_http(app, "127.0.0.1", 0) as port:
        found.url = f"http://127.0.0.1:{port}"
        yield found
        found.gate.set()


def is_idle(world: World) -> bool:
    return all(each.taken == each.waiting == 0 for each in world.limits)


async def idle(world: World) -> None:
    async def now() -> bool:
        return is_idle(world) and urgent_work().under_way == 0

    await until(now, within=10)


async def flood(world: World, client: httpx.AsyncClient, path: str) -> list[asyncio.Task[httpx.Response]]:
    """As many requests as have places and a queue."""
    tasks = []
    for number in range(FEW.per_tenant + FEW.waiting):
        tasks.append(asyncio.create_task(client.get(path)))

        async def arrived(number: int = number) -> bool:
            return sum(each.taken + each.waiting for each in world.limits) == number + 1

        await until(arrived, within=10)
    return tasks


@pytest.mark.parametrize("path", ["/wait", "/search"])
async def test_flooding_tenant_is_told_to_wait_and_another_passes(world, path) -> None:
    async with await world.client_of(1) as loud, await world.client_of(2) as quiet:
        tasks = await flood(world, loud, path)
        assert world.begun == FEW.per_tenant
        refused = await loud.get(path, headers={"accept-language": "en"})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_busy")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] > 0
        assert "Nothing was changed" in refused.json()["detail"]
        assert (await quiet.get("/quick")).status_code == 200
        world.gate.set()
        assert {task.status_code for task in await asyncio.gather(*tasks)} == {200}
    await idle(world)


async def test_refused_client_that_asks_again_at_once_is_slowed_down(world) -> None:
    async with await world.client_of(1) as loud, await world.client_of(2) as quiet:
        tasks = await flood(world, loud, "/wait")
        refused = asyncio.create_task(loud.get("/wait"))
        await asyncio.sleep(REFUSED_AFTER / 5)
        assert (await quiet.get("/quick")).status_code == 200  # meanwhile others are served
        began = monotonic()
        assert (await loud.get("/wait")).status_code == 429
        assert monotonic() - began >= REFUSED_AFTER / 2
        assert (await refused).status_code == 429
        world.gate.set()
        await asyncio.gather(*tasks)
    await idle(world)


async def test_heavy_requests_leave_the_light_ones_their_places(world) -> None:
    async with await world.client_of(1) as client:
        tasks = await flood(world, client, "/search")
        assert (await client.get("/quick")).status_code == 200
        world.gate.set()
        await asyncio.gather(*tasks)


async def test_tenant_makes_room_in_each_class_for_those_who_are_active_in_another(
    world, monkeypatch
) -> None:
    monkeypatch.setattr("daicho.runtime.concurrency_limit.ACTIVE", 600)
    async with await world.client_of(1) as loud, await world.client_of(2) as quiet:
        assert (await quiet.get("/quick")).status_code == 200
        tasks = [asyncio.create_task(loud.get("/export")) for _ in range(2)]

        async def waits() -> bool:
            return world.admission.by_cost[Cost.BULK].waiting == 1

        await until(waits, within=10)
        assert world.begun == SHARED.beside
        world.gate.set()
        await asyncio.gather(*tasks)
    await idle(world)


async def test_long_computations_give_way_to_light_requests_alone(world) -> None:
    async with await world.client_of(1) as client:
        for path, urgent in (("/search", 0), ("/wait", 2)):
            tasks = await flood(world, client, path)
            assert urgent_work().under_way == urgent
            world.gate.set()
            await asyncio.gather(*tasks)
            world.gate.clear()
    await idle(world)


async def test_requests_without_a_token_are_counted_by_address(world) -> None:
    async with await world.client_of(0) as stranger, await world.client_of(2) as quiet:
        tasks = await flood(world, stranger, "/open")
        assert (await stranger.get("/open")).status_code == 429
        assert (await quiet.get("/quick")).status_code == 200
        assert (await stranger.get("/healthz")).status_code == 200
        elsewhere = asyncio.create_task(stranger.get("/open", headers={"x-forwarded-for": "192.0.2.7"}))

        async def begun() -> bool:
            return world.begun == FEW.per_tenant + 1

        await until(begun, within=10)
        world.gate.set()
        assert {each.status_code for each in await asyncio.gather(*tasks, elsewhere)} == {200}


async def test_large_body_that_is_wrong_is_answered_later_without_a_place(world) -> None:
    async with await world.client_of(1) as client:
        began = monotonic()
        tasks = [
            asyncio.create_task(client.post("/things", json={"name": 1, "more": "x" * LARGE}))
            for _ in range(3 * FEW.per_tenant)
        ]
        assert {each.status_code for each in await asyncio.gather(*tasks)} == {422}
        assert monotonic() - began >= REFUSED_AFTER / 2
        assert (await client.post("/things", json={"name": "x" * LARGE})).status_code == 201
    await idle(world)


async def test_failing_requests_give_their_places_back(world) -> None:
    async with await world.client_of(1) as client:
        for _ in range(2 * FEW.places):
            assert (await client.get("/fail")).status_code == 500
            assert (await client.post("/things", json={"name": 1})).status_code == 422
        assert (await client.get("/quick")).status_code == 200
    await idle(world)


async def test_answers_that_break_off_give_their_places_back(world) -> None:
    async with await world.client_of(1) as client:
        for _ in range(2 * FEW.places):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/broken")
        assert (await client.get("/quick")).status_code == 200
    await idle(world)


async def test_body_that_drips_holds_no_place(world) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    head = b"POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer 1\r\ncontent-length: 21\r\n\r\n"
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(2 * FEW.places)]
    for _, writer in slow:
        writer.write(head + b"{")
        await writer.drain()
    async with await world.client_of(1) as client:
        assert (await client.post("/things", json={"name": "a"})).status_code == 201
        assert (await client.get("/quick")).status_code == 200
    for reader, writer in slow:
        writer.write(b'"name": "abcdefghi"}')
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()
    await idle(world)


async def test_reader_that_stops_reading_holds_no_place(world) -> None:
    host, port = world.url.removeprefix("http://").split(":")
    slow = [await asyncio.open_connection(host, int(port), limit=1_024) for _ in range(FEW.per_tenant)]
    for _, writer in slow:
        writer.write(b"GET /stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer 1\r\n\r\n")

    await idle_after_begun(world)
    async with await world.client_of(1) as client:
        assert (await client.get("/quick")).status_code == 200
    for _, writer in slow:
        writer.transport.abort()
    await idle(world)


async def idle_after_begun(world: World) -> None:
    """The streams have begun, and wait for their readers."""

    async def now() -> bool:
        return world.begun > FEW.per_tenant and is_idle(world)

    await until(now, within=10)
    assert world.begun < 200


async def test_clients_that_hang_up_give_their_places_back(world) -> None:
    async with await world.client_of(1) as loud:
        tasks = await flood(world, loud, "/wait")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    world.gate.set()
    await idle(world)
    async with await world.client_of(1) as client:
        assert (await client.get("/quick")).status_code == 200
