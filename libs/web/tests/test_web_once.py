"""Idempotency keys, cursors, versions and streams: each against what an impatient, forgetful or sly client does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from litestar import Request, Response, get, patch, post
from litestar.params import FromQuery, JSONBody
from litestar.response import Stream

from daicho.faults import PreconditionFailed, Unauthenticated
from daicho.keyring import KeyMaterial, TenantKeys
from daicho.runtime import Health, serve_http
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.web import (
    Callers,
    Event,
    Reply,
    actor_of,
    bound_to,
    create_app,
    create_once,
    etag,
    if_match,
    open_cursor,
    requires,
    schema,
    seal_cursor,
    stream,
)

TENANTS = {"a": TenantId(UUID(int=1)), "b": TenantId(UUID(int=1)), "c": TenantId(UUID(int=3))}
USERS = {"a": UserId(UUID(int=11)), "b": UserId(UUID(int=12)), "c": UserId(UUID(int=11))}
"""a and b are colleagues; c is of another company, and by chance has a's id."""


def keys_of(tenant_id: TenantId) -> TenantKeys:
    secret = bytes([tenant_id.int]) * 32
    return TenantKeys.of_material(
        KeyMaterial(tenant_id, {1: secret}, current=1, index=(secret,), unique=secret)
    )


class Tokens:
    """Callers by one letter; a letter in ``revoked`` no longer stands."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def verify(self, token: str) -> Actor:
        if token not in USERS:
            raise Unauthenticated
        return Actor(tenant_id=TENANTS[token], kind="user", user_id=USERS[token], token=token)

    async def grants(self, actor: Actor) -> Grants:
        if actor.token in self.revoked:
            raise Unauthenticated
        return Grants()


class World:
    """A service with one creating route, and what its use case did."""

    def __init__(self, database: Any) -> None:
        self.database, self.tokens = database, Tokens()
        self.made = 0
        self.working, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.closed = asyncio.Event()
        self.client: httpx.AsyncClient

    async def work(self, _tx: Any) -> Reply:
        self.made += 1
        number = self.made
        self.working.set()
        await self.go_on.wait()
        return Reply({"number": number, "name": "秘密"}, headers={"etag": etag(1)})

    async def post(self, who: str = "a", key: str | None = "k", **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {who}"} | ({"idempotency-key": key} if key is not None else {})
        return await self.client.post("/things", json=body, headers=headers)

    async def get(self, path: str, who: str = "a") -> httpx.Response:
        return await self.client.get(path, headers={"authorization": f"Bearer {who}"})


@post("/things", guards=[requires(None)])
async def create_thing(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]) -> Response[bytes]:
    world, actor = request.app.state.world, actor_of(request)
    return await create_once(request, world.database, keys_of(actor.tenant_id), actor, world.work)


@patch("/things", guards=[requires(None)])
async def change_thing(request: Request[Any, Any, Any]) -> dict[str, int]:
    seen = if_match(request)
    if seen != 3:
        raise PreconditionFailed(version=3)
    return {"version": 4}


@get("/things", guards=[requires(None)])
async def list_things(
    request: Request[Any, Any, Any], sort: FromQuery[str] = "name", cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    keys = keys_of(actor_of(request).tenant_id)
    bound = bound_to("things", {"filter": None}, sort)
    after = open_cursor(keys, bound, cursor, int) if cursor is not None else 0
    return {"items": [after + 1], "next_cursor": seal_cursor(keys, bound, after + 1)}


@get("/news", guards=[requires(None)])
async def follow(request: Request[Any, Any, Any], seconds: FromQuery[float] = 60.0) -> Stream:
    world, actor = request.app.state.world, actor_of(request)

    async def events() -> AsyncIterator[Event]:
        try:
            yield Event({"n": 1}, id="1", name="progress")
            await asyncio.Event().wait()
        finally:
            world.closed.set()

    return stream(events(), still=lambda: world.tokens.grants(actor), ends=time.time() + seconds)


@pytest_asyncio.fixture
async def world(make_database) -> AsyncIterator[World]:
    database = await (await make_database("customers", create=schema.create)).open()
    made = World(database)
    app = create_app(
        "things",
        [create_thing, change_thing, list_things, follow],
        callers=Callers(made.tokens, made.tokens, origin=""),
        health=Health(),
        state={"world": made},
    )
    async with (
        serve_http(app, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as made.client,
    ):
        yield made
    await database.close()


async def test_a_repeated_key_answers_what_it_answered_and_does_nothing(world: World) -> None:
    first, again = await world.post(n=1), await world.post(n=1)
    assert (first.status_code, again.status_code, world.made) == (201, 201, 1)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert again.headers["idempotency-replayed"] == "true"


async def test_without_a_key_each_request_makes_its_own(world: World) -> None:
    assert [(await world.post(key=None)).json()["number"] for _ in range(2)] == [1, 2]


async def test_a_key_with_another_body_is_422(world: World) -> None:
    await world.post(n=1)
    answer = await world.post(n=2)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_key_belongs_to_one_user_of_one_company(world: World) -> None:
    numbers = [(await world.post(who, n=1)).json()["number"] for who in ("a", "b", "c")]
    assert numbers == [1, 2, 3]


async def test_a_key_that_is_being_worked_on_is_409(world: World) -> None:
    world.go_on.clear()
    first = asyncio.create_task(world.post(n=1))
    await world.working.wait()
    answer = await world.post(n=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_flight")
    world.go_on.set()
    assert (await first).status_code == 201
    assert world.made == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_of_no_use_is_422(world: World, key: str) -> None:
    assert (await world.post(key=key)).status_code == 422


async def test_a_kept_reply_is_sealed_and_goes_after_a_day(world: World) -> None:
    for number in range(3):
        await world.post(key=f"old-{number}", n=number)
    async with world.database.transaction(TENANTS["a"]) as tx:
        rows = await tx.driver.fetch("SELECT reply, body FROM idempotency")
        assert len(rows) == 3
        assert not [row for row in rows if "秘密".encode() in row["reply"] + row["body"]]
        await tx.driver.execute("UPDATE idempotency SET at = at - interval '25 hours'")
    assert (await world.post(key="old-0", n="another body")).status_code == 201
    async with world.database.reading(TENANTS["a"]) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM idempotency") == 1


async def test_a_list_goes_on_where_its_cursor_points(world: World) -> None:
    page = (await world.get("/things")).json()
    assert (await world.get(f"/things?cursor={page['next_cursor']}")).json()["items"] == [2]


@pytest.mark.parametrize(
    ("who", "sort", "change"),
    [
        ("c", "name", lambda it: it),
        ("a", "age", lambda it: it),
        ("a", "name", lambda it: it[:-2] + ("AA" if it[-2:] != "AA" else "BB")),
        ("a", "name", lambda _: "AAAA"),
        ("a", "name", lambda _: ""),
        ("a", "name", lambda _: "é"),
    ],
    ids=["another company", "another order", "changed", "made up", "empty", "not ASCII"],
)
async def test_a_cursor_opens_nothing_but_its_own_list(world: World, who, sort, change) -> None:
    cursor = change((await world.get("/things")).json()["next_cursor"])
    answer = await world.client.get(
        "/things", params={"sort": sort, "cursor": cursor}, headers={"authorization": f"Bearer {who}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "if_match_required"),
        ('"v2"', 412, "version_mismatch"),
        ("*", 400, "invalid_if_match"),
        ('"3"', 400, "invalid_if_match"),
        ('"v' + "9" * 30 + '"', 400, "invalid_if_match"),
    ],
)
async def test_a_change_names_the_version_that_was_seen(world: World, tag, status, code) -> None:
    headers = {"authorization": "Bearer a"} | ({"if-match": tag} if tag else {})
    answer = await world.client.patch("/things", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().get("version") == (3 if status == 412 else None)


async def test_the_version_that_is_current_passes(world: World) -> None:
    headers = {"authorization": "Bearer a", "if-match": 'W/"v3"'}
    assert (await world.client.patch("/things", headers=headers)).json() == {"version": 4}


async def test_a_stream_ends_with_its_token(world: World, monkeypatch) -> None:
    monkeypatch.setattr("daicho.web.streams.LOOK_AGAIN", 0.05)
    text = (await world.get("/news?seconds=0.2")).text
    assert 'id: 1\nevent: progress\ndata: {"n":1}\n\n' in text
    assert ": still here\n\n" in text
    assert text.endswith('event: reauth\ndata: {"code":"token_ended"}\n\n')


async def test_a_stream_ends_when_its_session_is_revoked(world: World, monkeypatch) -> None:
    monkeypatch.setattr("daicho.web.streams.LOOK_AGAIN", 0.05)
    told = asyncio.create_task(world.get("/news"))
    await asyncio.sleep(0.2)
    world.tokens.revoked.add("a")
    async with asyncio.timeout(10):
        assert "event: reauth" in (await told).text
        await world.closed.wait()


async def test_what_a_stream_holds_is_given_back_when_its_reader_leaves(world: World, monkeypatch) -> None:
    monkeypatch.setattr("daicho.web.streams.LOOK_AGAIN", 0.05)
    async with world.client.stream("GET", "/news", headers={"authorization": "Bearer a"}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data"):
                break
    async with asyncio.timeout(10):
        await world.closed.wait()
