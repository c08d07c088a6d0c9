"""Whatever goes wrong is a problem document that names every bad field, in the caller's language."""

from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.testing import AsyncTestClient

from daicho.faults import NotFound, PreconditionFailed, Unauthenticated
from daicho.runtime import Health
from daicho.tenancy import Actor, Grants, Scope, TenantId, UserId
from daicho.web import Callers, UnguardedRoute, actor_of, create_app, public, requires

TENANT, USER = TenantId(UUID(int=1)), UserId(UUID(int=2))


class Item(msgspec.Struct, forbid_unknown_fields=True):
    address: Annotated[str, msgspec.Meta(max_length=5)]


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    count: int = 1
    items: list[Item] = []


@post("/things", guards=[requires("things:create")])
async def create_thing(data: JSONBody[Thing]) -> Thing:
    return data


@get("/things/{thing_id:uuid}", guards=[requires(None)])
async def read_thing(thing_id: FromPath[UUID], limit: FromQuery[int] = 3) -> dict[str, int]:
    if thing_id.int == 1:
        raise NotFound
    if thing_id.int == 2:
        raise PreconditionFailed(version=7)
    if thing_id.int == 3:
        raise ValueError("personal data")
    return {"limit": limit}


class Tokens:
    async def verify(self, token) -> Actor:
        if token not in {"good", "poor"}:
            raise Unauthenticated
        return Actor(tenant_id=TENANT, kind="user", user_id=USER, token=token)

    async def grants(self, actor) -> Grants:
        return Grants(scopes={"things:create": Scope.ALL} if actor.token == "good" else {})


@pytest.fixture(scope="module")
async def client():
    app = create_app(
        "things",
        [create_thing, read_thing],
        callers=Callers(Tokens(), Tokens(), origin="https://ledger.example"),
        health=Health(),
    )
    async with AsyncTestClient(app) as client:
        client.headers["authorization"] = "Bearer good"
        yield client


async def test_every_bad_field_is_named_at_once(client) -> None:
    answer = await client.post(
        "/things", json={"count": "x", "items": [{"address": "toolong"}, {"z": 1}], "y": 1}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        ("/name", "required"),
        ("/count", "invalid_type"),
        ("/items/0/address", "too_long"),
        ("/items/1/address", "required"),
        ("/items/1/z", "unknown_field"),
        ("/y", "unknown_field"),
    }


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"\xff", 400), (b"[" * 5000, 400), (b"[]", 422), (b"", 400)]
)
async def test_a_body_that_is_no_object_is_a_problem(client, body, status) -> None:
    answer = await client.post("/things", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("accept", "detail"),
    [("en-GB,ja;q=0.5", "This is required."), (None, "入力してください。"), ("fr", "入力してください。")],
)
async def test_it_speaks_the_callers_language(client, accept, detail) -> None:
    answer = await client.post("/things", json={}, headers={"accept-language": accept} if accept else {})
    assert answer.json()["errors"][0]["detail"] == detail


async def test_a_bad_parameter_is_named(client) -> None:
    answer = await client.get(f"/things/{UUID(int=9)}?limit=x")
    assert answer.json()["errors"] == [
        {"pointer": "/limit", "code": "invalid_type", "detail": "整数で指定してください。"}
    ]


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        (f"/things/{UUID(int=1)}", "GET", 404, "not_found"),
        ("/things/none", "GET", 404, "not_found"),
        ("/nothing", "GET", 404, "not_found"),
        ("/things", "PUT", 405, "method_not_allowed"),
        (f"/things/{UUID(int=3)}", "GET", 500, "internal"),
    ],
)
async def test_every_refusal_has_its_code(client, path, method, status, code) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "personal" not in answer.text


async def test_a_version_mismatch_carries_the_current_version(client) -> None:
    assert (await client.get(f"/things/{UUID(int=2)}")).json()["version"] == 7


async def test_callers_are_known_by_their_token_and_held_to_their_grants(client) -> None:
    for headers, status in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer forged"}, 401),
        ({"authorization": "Bearer poor"}, 403),
    ):
        answer = await client.post("/things", json={"name": "a"}, headers=headers)
        assert answer.status_code == status


async def test_a_cookie_needs_the_consoles_origin_to_change_anything(client) -> None:
    headers = {"authorization": "", "cookie": "__Host-daicho_access=good"}
    assert (await client.post("/things", json={"name": "a"}, headers=headers)).status_code == 403
    own = {**headers, "origin": "https://ledger.example"}
    assert (await client.post("/things", json={"name": "a"}, headers=own)).status_code == 201
    assert (await client.get(f"/things/{UUID(int=9)}", headers=headers)).status_code == 200
    planted = {**own, "cookie": "daicho_access=good"}
    answer = await client.post("/things", json={"name": "a"}, headers=planted)
    assert answer.status_code == 401, "where there is TLS, a cookie that a neighbouring host may set is none"


async def test_a_body_over_the_limit_is_refused(client) -> None:
    answer = await client.post("/things", json={"name": "a" * 1_100_000})
    assert (answer.status_code, answer.json()["limit"]) == (413, 1_000_000)


def test_a_route_without_a_guard_does_not_start() -> None:
    @get("/open")
    async def open_door() -> None: ...

    with pytest.raises(UnguardedRoute, match="open_door"):
        create_app("things", [open_door], callers=Callers(Tokens(), Tokens(), origin=""), health=Health())


def test_a_public_route_says_why() -> None:
    @get("/open", guards=[public("a reason")])
    async def open_door() -> None: ...

    create_app("things", [open_door], callers=Callers(Tokens(), Tokens(), origin=""), health=Health())
    assert actor_of is not None


async def test_a_body_that_is_not_utf_8_is_malformed_and_no_accident(client) -> None:
    headers = {"authorization": "Bearer good", "content-type": "application/json"}
    answer = await client.post("/things", content=b'{"name": "\xed\xa0\x80"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
