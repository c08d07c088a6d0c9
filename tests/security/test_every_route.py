"""A walk over every route of the API description: whoever asks and whatever they send, never a 5xx, never another's byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from daicho.gateway.table import PUBLIC
from daicho.testkit.waiting import until

from .conftest import UNKNOWN, Strangers

#: Bodies that get past the first look, where an empty object does not.
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/v1/teams/{team_id}"): {"name": "別の名前"},
    ("POST", "/v1/teams"): {"name": "組"},
    ("PATCH", "/v1/roles/{name}"): {"permissions": {"contacts:read": "all"}},
    ("POST", "/v1/contacts"): {"family_name": "名"},
    ("POST", "/v1/companies"): {"name": "社"},
    ("POST", "/v1/fields"): {"resource": "contact", "key": "one", "label": "一", "type": "text"},
    ("POST", "/v1/invitations"): {"invitations": [{"email": "x@example.jp", "role": "member"}]},
}
#: What everybody may do who is signed in, and nothing else.
EVERYBODYS = {
    ("GET", "/v1/me"),
    ("GET", "/v1/postal-codes/{code}"),
    ("GET", "/v1/sessions"),
    ("DELETE", "/v1/sessions/{session_id}"),
    ("PATCH", "/v1/users/{user_id}"),
}
#: Deleting what is not there is done already: 204, for one's own, another's and nobody's alike.
DONE_ALREADY = ("DELETE", "/v1/sessions/{session_id}")
PUBLIC_ROUTES = {(route.method, route.path) for route in PUBLIC}
#: What the log calls an attempt at what is not there, or not the caller's.
REFUSED = "access.refused"
#: Headers of the connection, not of the answer.
PASSING = {"x-request-id", "connection"}
GARBAGE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"\xed\xa0\x80"',
    b"\xff\xfe\x00",
    b'{"\\u0000": 1e999}',
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b'{"limit": -1, "cursor": "AAAA", "q": "\\u0000%_\\\\", "filter": {"all": 3}, "custom": {"__proto__": {}}}',
)
GARBAGE_IDS = ("0", "..%2f..%2fetc%2fpasswd", "%00", "' OR 1=1 --", "null", "%F0%9F%92%A9", "1" * 3_000)
GARBAGE_QUERIES = (
    "limit=-1&cursor=AAAA",
    "limit=99999999999999999999",
    "sort=%27;DROP%20TABLE%20contact",
    "cursor=%00%ff&kana=%ff&count=maybe",
    "cursor=" + "A" * 5_000,
)
GARBAGE_HEADERS: tuple[dict[str, str], ...] = (
    {"if-match": '"'},
    {"if-match": '"v99999999999999999999999"'},
    {"if-match": "*"},
    {"idempotency-key": "k" * 5_000},
    {"idempotency-key": "\x7f"},
    {"accept-language": "q=,;;q=NaN,ja;q=-1"},
    {"content-type": "application/x-www-form-urlencoded"},
    {"content-type": "multipart/form-data; boundary="},
    {"accept": "text/html"},
    {"traceparent": "00-zz"},
    {"last-event-id": "-1"},
    {"range": "bytes=0-1"},
)


_FILE = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nx\r\n'
_RESOURCE = b'--B\r\nContent-Disposition: form-data; name="resource"\r\n\r\n%s\r\n'
MULTIPART = "multipart/form-data; boundary="
GARBAGE_UPLOADS = (
    ("application/json", b"{}"),
    ("multipart/form-data", _FILE),
    (MULTIPART + "B" * 5_000, _FILE),
    (f'{MULTIPART}"\\"', _FILE),
    (MULTIPART + "C", _FILE),
    (MULTIPART + "B", b""),
    (MULTIPART + "B", _FILE),
    (MULTIPART + "B", _FILE + b"--B--\r\n"),
    (MULTIPART + "B", _FILE + _FILE + b"--B--\r\n"),
    (MULTIPART + "B", _RESOURCE % b"contact" + b"--B--\r\n"),
    (MULTIPART + "B", _RESOURCE % b"user" + _FILE + b"--B--\r\n"),
    (MULTIPART + "B", _RESOURCE % (b"x" * 500_000) + _FILE + b"--B--\r\n"),
    (MULTIPART + "B", _RESOURCE % b"contact" * 500 + b"--B--\r\n"),
    (MULTIPART + "B", b"--B\r\n" + b"x" * 500_000),
    (
        MULTIPART + "B",
        _FILE.replace(b"x", b"PK\x03\x04" + b"\0" * 100) + _RESOURCE % b"contact" + b"--B--\r\n",
    ),
    (MULTIPART + "B", _FILE.replace(b"x", b"\0" * 1_000) + _RESOURCE % b"contact" + b"--B--\r\n"),
)


@dataclass(frozen=True)
class Operation:
    """A method on a path template, and the parameters that its query must have."""

    method: str
    path: str
    required: tuple[str, ...]

    @property
    def names_ids(self) -> bool:
        return "_id}" in self.path or any(name.endswith("_id") for name in self.required)

    @property
    def is_public(self) -> bool:
        return (self.method, self.path) in PUBLIC_ROUTES

    @property
    def body(self) -> Any:
        return BODIES.get((self.method, self.path), {}) if self.method in ("POST", "PATCH", "PUT") else None

    def url(self, ids: dict[str, str]) -> str:
        """The path and query with ``ids`` put in; LookupError for a parameter that nobody has taught."""
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], self.path)
        return path + "".join(f"{'&?'[i == 0]}{name}={ids[name]}" for i, name in enumerate(self.required))


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            asked = operation.get("parameters", ())
            required = tuple(it["name"] for it in asked if it.get("in") == "query" and it.get("required"))
            yield Operation(method.upper(), path, required)


@pytest.fixture(scope="module")
async def every_operation(product) -> list[Operation]:
    async with httpx.AsyncClient(base_url=product.url) as client:
        return list(operations((await client.get("/openapi.json")).json()))


def ids_of(strangers: Strangers, instead: str | None = None) -> dict[str, str]:
    """B's ids by parameter, or ``instead`` in all their places."""
    own = {"name": "member", "action": "contacts:read", "code": "1000001", "resource": "contact"}
    return {name: instead or value for name, value in strangers.theirs.items()} | own


def assert_problem(answer: httpx.Response, told: Any) -> None:
    """A refusal is a problem document and no accident."""
    assert 400 <= answer.status_code < 500, f"{told}: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json", told
    problem = answer.json()
    assert (problem["status"], bool(problem["code"])) == (answer.status_code, True), told


def assert_nothing_of(strangers: Strangers, answer: httpx.Response, told: Any) -> None:
    text = without_own_questions(answer)
    found = [mark for mark in strangers.marks if mark in text]
    assert not found, f"{told}: tells {found} of another company"


def without_own_questions(answer: httpx.Response) -> str:
    """What an answer says, but for the log's entries of ids that the company's own people asked for in vain."""
    if answer.is_success and answer.request.url.path == "/v1/audit/entries/search":
        items = answer.json()["items"]
        return json.dumps([it for it in items if it["action"] != REFUSED], ensure_ascii=False)
    if answer.is_success and answer.request.url.path == "/v1/audit/export":
        return "\n".join(line for line in answer.text.splitlines() if f'"{REFUSED}"' not in line)
    return answer.text


async def test_the_description_has_every_prefix_that_the_gateway_leads_to(every_operation) -> None:
    roots = {operation.path.split("/")[2] for operation in every_operation}
    assert roots == {
        *("tenants", "sessions", "email-confirmations", "password-resets", "me", "users", "invitations"),
        *("roles", "teams", "access", "fields", "companies", "contacts", "imports", "audit", "postal-codes"),
        "hand-overs",
    }
    assert len(every_operation) > 50


async def test_without_a_token_every_route_is_closed_that_is_not_public(strangers, every_operation) -> None:
    for operation in every_operation:
        url = operation.url(ids_of(strangers))
        for headers in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic YTpi"}):
            answer = await strangers.a.client.request(
                operation.method, url, json=operation.body, headers=headers
            )
            assert_nothing_of(strangers, answer, operation)
            if operation.is_public:
                assert answer.status_code < 500, operation
                continue
            assert_problem(answer, operation)
            assert answer.status_code == 401, operation


async def test_another_companys_id_answers_as_an_unknown_one_does(strangers, every_operation) -> None:
    walked = 0
    for operation in every_operation:
        if not operation.names_ids:
            continue
        answers = [
            await strangers.a.owner(
                operation.method, operation.url(ids_of(strangers, instead)), operation.body, if_match='"v1"'
            )
            for instead in (None, UNKNOWN)
        ]
        walked += 1
        if (operation.method, operation.path) == DONE_ALREADY:
            assert {answer.status_code for answer in answers} == {204}
            continue
        assert_problem(answers[0], operation)
        assert answers[0].status_code == 404, f"{operation}: {answers[0].text}"
        assert answers[0].text == answers[1].text, operation
        kinds = [answer.headers.keys() - PASSING for answer in answers]
        assert kinds[0] == kinds[1], operation
        assert_nothing_of(strangers, answers[0], operation)
    assert walked > 15


async def test_asking_for_anothers_id_is_only_in_the_callers_companys_audit(
    product, strangers, every_operation
) -> None:
    """Two callers, for of one the first attempts of a minute alone have entries of their own."""
    company = await product.company()
    callers = [company.owner, await company.invite("second", "admin")]
    asked = []
    for place, operation in enumerate(every_operation):
        ids = [strangers.theirs[name] for name in re.findall(r"\{(\w+_id)\}", operation.path)]
        if not ids or (operation.method, operation.path) == DONE_ALREADY:
            continue
        answer = await callers[place % 2](
            operation.method, operation.url(ids_of(strangers)), operation.body, if_match='"v1"'
        )
        assert answer.status_code == 404, operation
        asked.append((operation.method, ids))

    async def entered() -> bool:
        search = {"action": REFUSED, "limit": 200}
        found = (await company.owner.post("/v1/audit/entries/search", search))["items"]
        held = [(it["payload"]["method"], it["payload"]["ids"]) for it in found]
        return len(asked) > 15 and all(each in held for each in asked)

    await until(entered, within=30)
    refused = await strangers.b.owner.post("/v1/audit/entries/search", {"action": REFUSED})
    assert refused["items"] == []
    await company.client.aclose()


async def test_what_a_company_reads_holds_nothing_of_another(strangers, every_operation) -> None:
    for operation in every_operation:
        if operation.names_ids or operation.is_public or operation.method == "DELETE":
            continue
        answer = await strangers.a.owner(operation.method, operation.url(ids_of(strangers)), operation.body)
        assert answer.status_code < 500, f"{operation}: {answer.text}"
        assert_nothing_of(strangers, answer, operation)


async def test_the_companies_things_were_there_all_the_time(strangers) -> None:
    """Without this the walk above would pass in an empty house."""
    theirs = strangers.theirs
    for path in (
        f"/v1/contacts/{theirs['contact_id']}",
        f"/v1/companies/{theirs['company_id']}",
        f"/v1/fields/{theirs['field_id']}",
        f"/v1/users/{theirs['user_id']}",
        f"/v1/imports/{theirs['import_id']}",
        f"/v1/audit/entries/{theirs['entry_id']}",
    ):
        answer = await strangers.b.owner("GET", path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert any(mark in answer.text for mark in strangers.marks), path
    assert [it["id"] for it in (await strangers.b.owner.get("/v1/teams"))["items"]] == [theirs["team_id"]]
    assert len((await strangers.b.owner.get("/v1/sessions"))["items"]) == 1


async def test_whoever_may_nothing_gets_nothing(strangers, every_operation) -> None:
    own = ids_of(strangers, UNKNOWN)
    for operation in every_operation:
        if operation.is_public:
            continue
        answer = await strangers.powerless(
            operation.method, operation.url(own), operation.body, if_match='"v1"'
        )
        if (operation.method, operation.path) in EVERYBODYS:
            assert answer.status_code in (200, 204, 403, 404), f"{operation}: {answer.text}"
            continue
        assert_problem(answer, operation)
        assert answer.status_code == 403, f"{operation}: {answer.text}"


async def test_garbage_is_refused_with_a_reason(strangers, every_operation) -> None:
    """As the owner, who gets furthest; sign-out is left out, for it would end the walk."""
    for operation in every_operation:
        if operation.path == "/v1/sessions/current":
            continue
        unknown = operation.url(ids_of(strangers, UNKNOWN))
        for asked, body, headers in _garbage(operation, unknown):
            sent = {"content-type": "application/json"} if body is not None else {}
            answer = await strangers.a.client.request(
                operation.method,
                asked,
                content=body,
                headers=await strangers.a.owner.fresh() | sent | headers,
            )
            told = (operation.method, asked[:200], (body or b"")[:60], headers)
            assert answer.status_code < 500, f"{told}: {answer.text[:500]}"
            assert_nothing_of(strangers, answer, told)
            if answer.status_code >= 400:
                assert_problem(answer, told)


@pytest.mark.parametrize(("content_type", "body"), GARBAGE_UPLOADS)
async def test_an_upload_of_garbage_is_refused_with_a_reason(
    strangers: Strangers, content_type: str, body: bytes
) -> None:
    headers = await strangers.a.owner.fresh() | {"content-type": content_type}
    assert_problem(await strangers.a.client.post("/v1/imports", content=body, headers=headers), content_type)


def _garbage(operation: Operation, unknown: str) -> Iterator[tuple[str, bytes | None, dict[str, str]]]:
    """Addresses, bodies and headers, each wrong in one way."""
    body = None if operation.body is None else json.dumps(operation.body).encode()
    if body is not None:
        for wrong in GARBAGE:
            yield unknown, wrong, {"if-match": '"v1"'}
    if "{" in operation.path:
        for wrong in GARBAGE_IDS:
            yield re.sub(r"\{\w+\}", lambda _, wrong=wrong: wrong, operation.path), body, {}
    for wrong in GARBAGE_QUERIES:
        yield f"{operation.path.replace('{name}', 'x').replace('{', '').replace('}', '')}?{wrong}", body, {}
    if operation.method != "POST":  # a POST that gets through would leave a thing behind with every header
        for headers in GARBAGE_HEADERS:
            yield unknown, body, headers
