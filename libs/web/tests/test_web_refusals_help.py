"""A refusal says what was expected and the way out, and one answer names everything that is wrong with a body."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody
from litestar.testing import AsyncTestClient
from msgspec import UNSET, Meta, UnsetType

from daicho.faults import FieldFault, Invalid
from daicho.runtime import Health
from daicho.web import Callers, Salvaged, create_app, declares, public

JSON = {"content-type": "application/json", "accept-language": "en"}


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Part(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    color: Color = Color.BLUE


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    owner_id: UUID | UnsetType | None = UNSET
    at: Annotated[datetime, Meta(tz=True)] | None = None
    kind: Literal["a", "b"] = "b"
    parts: Annotated[list[Part], Meta(min_length=1, max_length=3)] = []
    tags: list[Annotated[str, Meta(max_length=3)]] = []
    scopes: dict[str, Literal["own", "all"]] = {}
    custom: dict[str, Any] = {}
    size: Annotated[int, Meta(ge=1)] = 7


def wrong_in(whole: Whole) -> list[FieldFault]:
    """A check as handlers have it: names are not "bad", codes are upper case."""
    found = [FieldFault("/name", "not_unique")] if whole.name in {"bad", ""} else []
    return found + [
        FieldFault(f"/parts/{place}/code", "invalid")
        for place, part in enumerate(whole.parts)
        if not part.code.isupper()
    ]


seen: list[Salvaged] = []


async def examine(_request: Request[Any, Any, Any], salvaged: Salvaged) -> list[FieldFault]:
    seen.append(salvaged)
    return wrong_in(salvaged.body)


@post("/wholes", guards=[public("a test")], opt=declares(examines=examine))
async def create_whole(data: JSONBody[Whole]) -> Whole:
    if wrong := wrong_in(data):
        raise Invalid(wrong)
    return data


@get("/wholes", guards=[public("a test")])
async def list_wholes(
    kind: FromQuery[Literal["a", "b"]], limit: FromQuery[int] = 3, sort: FromQuery[str | None] = None
) -> list[int]:
    return [limit]


@pytest.fixture(scope="module")
async def client():
    callers: Any = Callers(None, None, origin="")  # type: ignore[arg-type]  # every route is public
    app = create_app("wholes", [create_whole, list_wholes], callers=callers, health=Health())
    async with AsyncTestClient(app) as client:
        client.headers["accept-language"] = "en"
        yield client


async def errors_of(client, body: Any) -> dict[str, str]:
    answer = await client.post("/wholes", json=body)
    assert answer.status_code == 422, answer.text
    return {each["pointer"]: each["code"] for each in answer.json()["errors"]}


async def test_what_the_handler_would_say_stands_beside_what_is_wrong_with_the_shape(client) -> None:
    body = {"name": "bad", "size": "x", "more": 1, "parts": [{"code": "A"}, {"code": "b", "color": "green"}]}
    assert await errors_of(client, body) == {
        "/size": "invalid_type",
        "/more": "unknown_field",
        "/parts/1/color": "unknown_option",
        "/name": "not_unique",
        "/parts/1/code": "invalid",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"size": "x"},
        {"name": 5, "parts": [{"code": 1}]},
        {"name": None},
        {"name": "a\u0000", "parts": [{"color": "red"}]},
    ],
)
async def test_a_stand_in_is_nobodys_fault(client, body) -> None:
    """Without the filter "" would be not unique, and no code upper case."""
    answer = await client.post("/wholes", json=body)
    codes = {each["code"] for each in answer.json()["errors"]}
    assert codes <= {"required", "invalid_type", "control_character"}


async def test_a_right_shape_is_examined_by_nobody_but_the_handler(client) -> None:
    seen.clear()
    assert await errors_of(client, {"name": "bad"}) == {"/name": "not_unique"}
    assert (await client.post("/wholes", json={"name": "good", "custom": {"a": [1]}})).status_code == 201
    assert seen == []


@pytest.mark.parametrize("body", [[], "x", 5])
async def test_nothing_is_sound_of_a_body_that_is_no_object(client, body) -> None:
    seen.clear()
    assert await errors_of(client, body) == {"": "invalid_type"}
    assert seen == []


async def test_what_is_sound_keeps_its_place_and_type(client) -> None:
    seen.clear()
    owner = "019abf4e-0000-7000-8000-000000000000"
    body = {
        "name": "n",
        "owner_id": owner,
        "kind": 5,
        "parts": [{"code": 1}, {"code": "B"}],
        "tags": ["long", "ok"],
        "scopes": {"x": "some", "y": "own"},
        "custom": {"k": {"a": "\u0000"}, "l": 1},
        "size": 0,
        "at": "2026-01-01",
    }
    await errors_of(client, body)
    assert seen[0].body == Whole(
        name="n",
        owner_id=UUID(owner),
        parts=[Part(""), Part("B")],
        tags=["", "ok"],
        scopes={"y": "own"},
        custom={"l": 1},
    )
    assert {each.pointer for each in seen[0].faults} == {
        "/kind",
        "/parts/0/code",
        "/tags/0",
        "/scopes/x",
        "/custom/k/a",
        "/size",
        "/at",
    }


@pytest.mark.parametrize(
    ("member", "value", "code", "said"),
    [
        ("kind", "c", "unknown_option", "There are: a, b."),
        ("size", 0, "too_small", "at least 1"),
        ("parts", [], "too_few", "At least 1."),
        ("parts", [{"code": "A"}] * 4, "too_many", "At most 3."),
        ("at", "2026-11-25", "invalid_datetime", "2026-11-25T09:30:00+09:00"),
        ("at", "2026-11-25T09:30:00", "invalid_datetime", "its offset"),
        ("owner_id", "x", "invalid_id", "This is not an id"),
        ("nmae", "x", "unknown_field", "There are: name, owner_id, at, kind"),
        ("size", "1", "invalid_type", "This must be a whole number."),
        ("parts", {}, "invalid_type", "This must be a list"),
        ("scopes", [], "invalid_type", "This must be an object"),
    ],
)
async def test_a_bad_member_is_told_what_it_should_be(client, member, value, code, said) -> None:
    answer = await client.post("/wholes", json={"name": "n", member: value})
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/{member}", code)
    assert said in error["detail"]


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"name": "a",\n "size": 1,,}', 2, 12),
        (b'{"name": ', 1, 10),
        ('{"name": "山\xff"}'.encode("latin-1", "replace").replace(b"?", b"\xe5\xb1\xb1"), 1, 12),
    ],
)
async def test_broken_json_is_told_where_it_breaks(client, body, line, column) -> None:
    answer = await client.post("/wholes", content=body, headers=JSON)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "malformed")
    assert (problem["line"], problem["column"]) == (line, column)
    assert f"line {line}, column {column}" in problem["detail"]


async def test_no_body_at_all_is_told_so(client) -> None:
    answer = await client.post("/wholes", content=b"", headers=JSON)
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "There is no body. Send a JSON object ({ }).",
    )


async def test_another_media_type_is_told_which_one_is_read(client) -> None:
    answer = await client.post("/wholes", content=b"a=1", headers={**JSON, "content-type": "text/plain"})
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


async def test_another_method_is_told_which_ones_there_are(client) -> None:
    answer = await client.put("/wholes", json={})
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.json()["allowed"].split(", "))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("kind=a&page=2", {"/page": "unknown_parameter"}),
        ("kind=a&page=", {"/page": "unknown_parameter"}),
        ("kind=a&page=2&limit=x", {"/page": "unknown_parameter"}),
        ("kind=a&limit=1&limit=2", {"/limit": "repeated_parameter"}),
        ("", {"/kind": "required"}),
        ("kind=c", {"/kind": "unknown_option"}),
        ("kind=a&limit=x", {"/limit": "invalid_type"}),
        ("kind=a&a%2Fb=1", {"/a~1b": "unknown_parameter"}),
    ],
)
async def test_a_query_has_the_parameters_of_its_route_and_no_others(client, query, errors) -> None:
    answer = await client.get(f"/wholes?{query}")
    assert answer.status_code == 422
    assert {each["pointer"]: each["code"] for each in answer.json()["errors"]} == errors


async def test_an_unknown_parameter_is_told_which_ones_there_are(client) -> None:
    answer = await client.get("/wholes?kind=a&page=2")
    assert answer.json()["errors"][0]["detail"] == "There is no such parameter. There are: kind, limit, sort."


@pytest.mark.parametrize("query", ["kind=a", "kind=b&limit=5&sort=x", "kind=a&sort="])
async def test_the_parameters_of_a_route_are_taken(client, query) -> None:
    assert (await client.get(f"/wholes?{query}")).status_code == 200


async def test_a_route_without_parameters_takes_none(client) -> None:
    answer = await client.post("/wholes?dry_run=1", json={"name": "n"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/dry_run")
