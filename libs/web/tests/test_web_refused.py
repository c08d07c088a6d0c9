"""Whoever is told 403 or 404 is noted before the answer leaves, on every route and without a word in its handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from litestar import get
from litestar.params import FromPath
from litestar.testing import AsyncTestClient

from daicho.faults import Forbidden, NotFound, Unauthenticated, Unavailable
from daicho.runtime import Health
from daicho.tenancy import Actor, Grants, Scope, TenantId, UserId
from daicho.web import Callers, create_app, public, requires
from daicho.web.refused import noun_of

HELD, FOREIGN = UUID(int=1), UUID(int=2)
ME = Actor(tenant_id=TenantId(UUID(int=3)), kind="user", user_id=UserId(UUID(int=4)))


class Tokens:
    async def verify(self, token: str) -> Actor:
        if token != "good":
            raise Unauthenticated
        return ME

    async def grants(self, _actor: Actor) -> Grants:
        return Grants(scopes={"things:read": Scope.ALL})


class Noted(list[tuple[Any, ...]]):
    """What was noted; with ``away`` nothing can be."""

    away = False

    async def note(
        self, actor: Actor, *, resource: str, method: str, ids: Sequence[UUID], status: int
    ) -> None:
        if self.away:
            raise Unavailable
        self.append((actor.user_id, resource, method, list(ids), status))


@get("/v1/things/{thing_id:uuid}/history", guards=[requires("things:read")])
async def read_thing(thing_id: FromPath[UUID]) -> dict[str, str]:
    if thing_id != HELD:
        raise NotFound
    return {"id": str(thing_id)}


@get("/v1/things/{thing_id:uuid}/owner", guards=[requires("things:read")])
async def read_owner(thing_id: FromPath[UUID]) -> None:
    raise Forbidden


@get("/v1/secrets", guards=[requires("secrets:read")])
async def read_secrets() -> None:
    raise AssertionError("nobody may")


@get("/v1/doors/{door_id:uuid}", guards=[public("a test")])
async def read_door(door_id: FromPath[UUID]) -> None:
    raise NotFound


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
async def client(noted: Noted):
    app = create_app(
        "things",
        [read_thing, read_owner, read_secrets, read_door],
        callers=Callers(Tokens(), Tokens(), origin="https://ledger.example"),
        health=Health(),
        refusals=noted,
    )
    async with AsyncTestClient(app) as client:
        client.headers["authorization"] = "Bearer good"
        yield client


@pytest.mark.parametrize(
    ("path", "noticed"),
    [
        (f"/v1/things/{FOREIGN}/history", ("thing", [FOREIGN], 404)),
        (f"/v1/things/{HELD}/owner", ("thing", [HELD], 403)),
        ("/v1/secrets", ("secret", [], 403)),
    ],
)
async def test_a_refusal_is_noted_with_who_asked_and_for_what(client, noted, path, noticed) -> None:
    resource, ids, status = noticed
    assert (await client.get(path)).status_code == status
    assert noted == [(ME.user_id, resource, "GET", ids, status)]


async def test_an_answer_is_no_refusal(client, noted) -> None:
    assert (await client.get(f"/v1/things/{HELD}/history")).status_code == 200
    assert noted == []


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        (f"/v1/things/{FOREIGN}/history", "bad", 401),
        (f"/v1/doors/{FOREIGN}", "good", 404),
        ("/v1/nowhere", "good", 404),
    ],
)
async def test_what_nobody_in_particular_asked_for_is_not_noted(client, noted, path, token, status) -> None:
    answer = await client.get(path, headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, noted) == (status, [])


async def test_a_refusal_that_cannot_be_noted_does_not_leave(client, noted) -> None:
    noted.away = True
    answer = await client.get(f"/v1/things/{FOREIGN}/history")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize(
    ("template", "noun"),
    [
        ("/v1/contacts/{record_id}/history", "contact"),
        ("/v1/companies/{record_id}", "company"),
        ("/v1/audit/entries/{entry_id}/proof", "entry"),
        ("/v1/password-resets", "password_reset"),
        ("/v1/me", "me"),
        ("/", "path"),
        ("", "path"),
    ],
)
def test_a_path_is_about_the_noun_before_its_first_parameter(template: str, noun: str) -> None:
    assert noun_of(template) == noun
