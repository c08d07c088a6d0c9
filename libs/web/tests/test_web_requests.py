"""What is read of a request: JSON strictly as described, headers within bounds, nothing believed that a client writes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody
from litestar.testing import AsyncTestClient

from daicho.faults import Unauthenticated
from daicho.runtime import Health
from daicho.tenancy import Actor, Grants, TenantId, UserId
from daicho.web import Callers, actor_of, create_app, public, requires

JSON = {"content-type": "application/json"}


class Part(msgspec.Struct, forbid_unknown_fields=True):
    text: str = ""


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    text: str = ""
    count: int = 0
    sure: bool = False
    parts: list[Part] = []
    custom: dict[str, Any] = {}


@post("/wholes", guards=[public("a test")])
async def create_whole(data: JSONBody[Whole]) -> Whole:
    return data


@get("/who", guards=[requires(None)])
async def who(request: Request[Any, Any, Any], q: FromQuery[str] = "") -> dict[str, Any]:
    actor = actor_of(request)
    return {"address": actor.address, "request_id": actor.request_id, "q": q}


class Tokens:
    async def verify(self, token: str) -> Actor:
        if token != "good":
            raise Unauthenticated
        return Actor(tenant_id=TenantId(UUID(int=1)), kind="user", user_id=UserId(UUID(int=2)), token=token)

    async def grants(self, _actor: Actor) -> Grants:
        return Grants()


@pytest.fixture(scope="module")
async def client():
    app = create_app(
        "wholes",
        [create_whole, who],
        callers=Callers(Tokens(), Tokens(), origin="https://ledger.example"),
        health=Health(),
    )
    async with AsyncTestClient(app) as client:
        client.headers["authorization"] = "Bearer good"
        yield client


async def test_a_body_is_taken_as_it_is_described(client) -> None:
    body = {"text": "a\tb\r\nc", "count": 5, "sure": True, "parts": [{"text": "x"}], "custom": {"k": [1, {}]}}
    answer = await client.post("/wholes", json=body)
    assert (answer.status_code, answer.json()) == (201, body)


@pytest.mark.parametrize(
    "wrong", [{"count": "5"}, {"count": 5.5}, {"sure": "true"}, {"sure": 1}, {"text": 5}]
)
async def test_a_value_of_another_type_is_refused_and_not_bent(client, wrong) -> None:
    answer = await client.post("/wholes", json=wrong)
    assert answer.status_code == 422
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [
        (f"/{next(iter(wrong))}", "invalid_type")
    ]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
)
async def test_a_body_of_another_kind_is_415(client, kind) -> None:
    answer = await client.post("/wholes", content=b'{"text": "a"}', headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=a"])
@pytest.mark.parametrize(
    "coding", ["gzip", "x-gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP", "nonsense"]
)
async def test_encoded_body_is_415_naming_the_way_out(client, coding, kind) -> None:
    headers = {"content-type": kind, "content-encoding": coding}
    answer = await client.post("/wholes", content=b'{"text": "a"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept-encoding"] == "identity"
    assert "Content-Encoding" in answer.json()["detail"]


async def test_encoded_body_sent_in_chunks_is_415(client) -> None:
    async def body():
        yield b'{"text": "a"}'

    answer = await client.post("/wholes", content=body(), headers={**JSON, "content-encoding": "gzip"})
    assert answer.status_code == 415


async def test_one_of_several_encodings_is_415(client) -> None:
    headers = [
        ("content-type", "application/json"),
        ("content-encoding", "identity"),
        ("content-encoding", "br"),
    ]
    assert (await client.post("/wholes", content=b"{}", headers=headers)).status_code == 415


@pytest.mark.parametrize("coding", ["identity", "Identity", "", "identity, identity"])
async def test_body_with_an_encoding_that_changes_nothing_is_taken(client, coding) -> None:
    answer = await client.post("/wholes", content=b"{}", headers={**JSON, "content-encoding": coding})
    assert answer.status_code == 201


async def test_request_without_a_body_needs_no_encoding(client) -> None:
    assert (await client.get("/who", headers={"content-encoding": "gzip"})).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=shift_jis",
        'Application/JSON;CHARSET="Windows-31J"',
        "application/merge-patch+json; charset=utf-16",
    ],
)
async def test_body_in_another_encoding_is_415_naming_the_way_out(client, kind) -> None:
    answer = await client.post("/wholes", content=b'{"text": "a"}', headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.json()["accepted"] == "application/json; charset=utf-8"
    assert "UTF-8" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "application/json; charset=US-ASCII",
        "application/merge-patch+json",
        None,
    ],
)
async def test_json_by_any_of_its_names_is_read(client, kind) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await client.post("/wholes", content=b'{"text": "a"}', headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"text": "a\\u0000"}', "/text"),
        (b'{"parts": [{}, {"text": "\\b"}]}', "/parts/1/text"),
        (b'{"custom": {"a/b": {"c": "\\u001B"}}}', "/custom/a~1b/c"),
        (b'{"custom": {"a\\u0000": 1}}', "/custom"),
        (b'{"text": "a\x7f"}', "/text"),
    ],
)
async def test_a_control_character_is_named_where_it_stands(client, body, pointer) -> None:
    answer = await client.post("/wholes", content=body, headers=JSON)
    assert answer.status_code == 422
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [(pointer, "control_character")]


async def test_a_backslash_before_the_letters_is_no_control_character(client) -> None:
    answer = await client.post("/wholes", json={"text": r"C:\u0000 \b"})
    assert (answer.status_code, answer.json()["text"]) == (201, r"C:\u0000 \b")


async def test_a_body_nested_without_end_is_malformed(client) -> None:
    body = b'{"custom": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}"
    answer = await client.post("/wholes", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "headers", [{f"x-{n}": "a" for n in range(120)}, {"x-long": "a" * 33_000}], ids=["many", "long"]
)
async def test_headers_beyond_any_honest_clients_are_refused(client, headers) -> None:
    answer = await client.get("/who", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


async def test_a_query_with_a_nul_is_malformed(client) -> None:
    answer = await client.get("/who?q=a%00b")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_a_request_keeps_the_id_that_it_came_with(client) -> None:
    answer = await client.get("/who", headers={"x-request-id": "0190-a.b_c"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "0190-a.b_c"


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>"])
async def test_an_id_that_could_spoil_a_log_is_replaced(client, given) -> None:
    answer = await client.get("/who", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != given


async def test_the_address_is_the_one_that_the_gateway_saw(client) -> None:
    answer = await client.get("/who", headers={"x-forwarded-for": "198.51.100.7, 203.0.113.9"})
    assert answer.json()["address"] == "203.0.113.9"


async def test_an_address_that_is_none_is_not_written_down(client) -> None:
    answer = await client.get("/who", headers={"x-forwarded-for": "'; DROP TABLE"})
    assert "DROP" not in answer.text


@pytest.mark.parametrize("path", ["/who", "/nowhere"])
async def test_every_answer_has_the_headers_of_an_api(client, path) -> None:
    answer = await client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_operators_see_what_is_missing(client) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).json() == {"ready": True, "missing": {}}
