"""The work for a request and the size of its refusal do not grow with what the client sent."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from litestar import get, post
from litestar.params import FromQuery, JSONBody
from litestar.testing import AsyncTestClient

from daicho.faults import FieldFault, Invalid
from daicho.runtime import Health
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.testkit.raw_request import piece, send
from daicho.web import Callers, create_app, public, requires
from daicho.web.problems import LARGEST, document_of
from daicho.web.requests import MOST_VALUES
from daicho.web.salvage import MOST, MOST_EXAMINED, salvage

JSON = {"content-type": "application/json"}
GOOD = {**JSON, "authorization": "Bearer good"}


class Email(msgspec.Struct, forbid_unknown_fields=True):
    address: Annotated[str, msgspec.Meta(max_length=200)]


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    emails: Annotated[list[Email], msgspec.Meta(max_length=20)] = []
    notes: list[str] = []
    custom: dict[str, Any] = {}


@post("/people", guards=[requires(None)])
async def create_person(data: JSONBody[Person]) -> Person:
    return data


@post("/visitors", guards=[public("a test")])
async def create_visitor(data: JSONBody[Person]) -> Person:
    return data


@get("/people", guards=[public("a test")])
async def list_people(q: FromQuery[str] = "") -> str:
    return q


class Anybody:
    async def verify(self, _token: str) -> Actor:
        return Actor(tenant_id=TenantId(UUID(int=1)), kind="user", user_id=UserId(UUID(int=2)), token="good")

    async def grants(self, _actor: Actor) -> Grants:
        return Grants()


@pytest.fixture(scope="module")
async def client():
    app = create_app(
        "people",
        [create_person, create_visitor, list_people],
        callers=Callers(Anybody(), Anybody(), origin="https://ledger.example"),
        health=Health(),
    )
    async with AsyncTestClient(app) as client:
        yield client


MANY_UNKNOWN = {"name": "x", **{f"k{n}": 1 for n in range(50_000)}}
HOSTILE = {
    "empty items": {"emails": [{}] * 100_000},
    "items of an unbounded list": {"name": "x", "notes": [1] * 100_000},
    "unknown members": MANY_UNKNOWN,
    "unknown members of items": {"name": "x", "emails": [{"address": "a", **MANY_UNKNOWN}]},
    "sound values beside one fault": {"name": 5, "custom": {"a": [1] * 200_000}},
    "sound members beside one fault": {"name": 5, "custom": {f"k{n}": {} for n in range(50_000)}},
    "control characters": {"name": "x", "custom": {"a": ["\x01"] * 100_000}},
    "nested": {"name": 5, "custom": {"a": [[[[[[]] * 10] * 10] * 10] * 10] * 10}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_examination_ends_after_a_bounded_number_of_values(name) -> None:
    salvaged = salvage(HOSTILE[name], Person)
    assert 1 <= len(salvaged.faults) <= MOST
    assert salvaged.examined <= MOST_EXAMINED + 1


@pytest.mark.parametrize("name", HOSTILE)
async def test_refusal_of_a_hostile_body_is_small(client, name) -> None:
    body = msgspec.json.encode(HOSTILE[name])
    answer = await client.post("/people", content=body, headers=GOOD)
    assert answer.status_code == 422
    assert 1 <= len(answer.json()["errors"]) <= MOST
    assert len(answer.content) <= LARGEST


@pytest.mark.parametrize("value", ["[]", "{}", "1", '"a"'])
async def test_body_of_too_many_values_is_refused_before_it_is_decoded(client, value, monkeypatch) -> None:
    monkeypatch.setattr(msgspec.json, "Decoder", None)
    monkeypatch.setattr(msgspec.json, "decode", None)
    body = f'{{"name": "x", "custom": {{"a": [{",".join([value] * (MOST_VALUES + 1))}]}}}}'
    answer = await client.post("/people", content=body.encode(), headers=GOOD)
    assert answer.status_code == 422
    assert '"too_many"' in answer.text


async def test_list_that_is_too_long_is_refused_without_looking_at_its_items(client) -> None:
    answer = await client.post("/people", json={"name": "x", "emails": [{}] * 21}, headers=GOOD)
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [("/emails", "too_many")]


async def test_control_character_far_behind_is_refused(client) -> None:
    body = msgspec.json.encode({"name": "x", "custom": {"a": [1] * 10_000, "b": "\x01"}})
    answer = await client.post("/people", content=body, headers=GOOD)
    assert answer.status_code == 422
    assert [it["code"] for it in answer.json()["errors"]] == ["control_character"]


@pytest.mark.parametrize("backslashes", [1, 3, 10_001])
async def test_escaped_control_character_is_found_behind_backslashes(client, backslashes) -> None:
    body = b'{"name": "' + b"\\" * backslashes + b'u0001"}'
    answer = await client.post("/people", content=body, headers=GOOD)
    assert [it["code"] for it in answer.json()["errors"]] == ["control_character"]


@pytest.mark.parametrize("backslashes", [2, 10_000])
async def test_backslashes_before_letters_are_text(client, backslashes) -> None:
    body = b'{"name": "' + b"\\" * backslashes + b'u0001"}'
    assert (await client.post("/people", content=body, headers=GOOD)).status_code == 201


async def test_long_name_of_an_unknown_member_is_cut(client) -> None:
    answer = await client.post("/people", json={"name": "x", "k" * 900_000: 1}, headers=GOOD)
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/" + "k" * 100 + "…"
    assert len(answer.content) < 2_000


def test_problem_document_is_bounded_whatever_its_faults_say() -> None:
    faults = [FieldFault("/" + "あ" * 5_000, "unknown_field", {"known": "い" * 5_000})] * 1_000
    document = document_of(Invalid(faults, known="う" * 100_000), "ja", {"invalid": Invalid.messages})
    assert document["errors"]
    assert len(msgspec.json.encode(document)) <= LARGEST


async def test_public_route_takes_a_small_body_alone(client) -> None:
    sound = {"name": "x" * 15_000}
    assert (await client.post("/visitors", json=sound, headers=JSON)).status_code == 201
    answer = await client.post("/visitors", json={"name": "x" * 17_000}, headers=JSON)
    assert (answer.status_code, answer.json()["limit"]) == (413, 16_384)
    assert (await client.post("/people", json={"name": "x" * 17_000}, headers=GOOD)).status_code == 201


async def test_public_route_stops_reading_a_body_without_length(client) -> None:
    outcome = await send(client.app, "/visitors", (piece(b" " * 1_000) for _ in range(100)))
    assert (outcome.status, outcome.read) == (413, 17)


async def test_query_of_many_parameters_is_refused_with_a_bounded_answer(client) -> None:
    query = "&".join(f"p{n}" for n in range(2_000))
    answer = await client.get(f"/people?{query}")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST
    assert len(answer.content) <= LARGEST


async def test_url_that_is_too_long_is_414(client) -> None:
    answer = await client.get("/people?q=" + "a" * 16_400)
    assert (answer.status_code, answer.json()["code"]) == (414, "url_too_long")


async def test_repeated_parameter_is_named(client) -> None:
    answer = await client.get("/people?q=a&q=b")
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [("/q", "repeated_parameter")]
