"""Every endpoint and its four callers: anonymous, without permission, of another tenant, allowed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, Company, link_in_mail, sign_in

UNKNOWN = "01900000-0000-7000-8000-000000000000"
ASKED = {"invitations": [{"email": "{fresh}", "role": "member"}]}
#: method, path, body, what an allowed caller gets.
ENDPOINTS = [
    ("GET", "/v1/users", None, 200),
    ("GET", "/v1/users/{user}", None, 200),
    ("PATCH", "/v1/users/{user}", {"team_id": None}, 200),
    ("POST", "/v1/invitations", ASKED, 201),
    ("GET", "/v1/invitations", None, 200),
    ("DELETE", "/v1/invitations/{invitation}", None, 204),
    ("GET", "/v1/roles", None, 200),
    ("PATCH", "/v1/roles/manager", {"permissions": {"contacts:export": "none"}}, 200),
    ("GET", "/v1/access/explain?user_id={user}&action=contacts:read", None, 200),
    ("GET", "/v1/teams", None, 200),
    ("POST", "/v1/teams", {"name": "{fresh}"}, 201),
    ("PATCH", "/v1/teams/{team}", {"name": "{fresh}"}, 200),
    ("DELETE", "/v1/teams/{team}", None, 204),
]
#: What needs a sign-in and no permission.
EVERYBODYS = [
    ("GET", "/v1/me", None, 200),
    ("GET", "/v1/sessions", None, 200),
    ("DELETE", "/v1/sessions/{session}", None, 204),
]
NAMES = [f"{method} {path}" for method, path, _, _ in ENDPOINTS]
each_endpoint = pytest.mark.parametrize(("method", "path", "body", "status"), ENDPOINTS, ids=NAMES)


@dataclass
class House:
    """A company with somebody who may nothing, and a neighbour who knows its ids."""

    owner: httpx.AsyncClient
    powerless: httpx.AsyncClient
    neighbour: httpx.AsyncClient

    async def things(self) -> dict[str, str]:
        """Ids of new things that an endpoint may be about, and a word that nobody used."""
        fresh = f"x{secrets.token_hex(4)}@example.jp"
        team = (await self.owner.post("/v1/teams", json={"name": f"組{fresh}"})).json()["id"]
        asked = {"invitations": [{"email": f"i{fresh}", "role": "member"}]}
        invitation = (await self.owner.post("/v1/invitations", json=asked)).json()["items"][0]["id"]
        me = (await self.powerless.get("/v1/me")).json()["user"]["id"]
        return {"user": me, "team": team, "invitation": invitation, "fresh": fresh, "session": UNKNOWN}

    async def ask(
        self, caller: httpx.AsyncClient, method: str, path: str, body: Any, ids: dict[str, str]
    ) -> httpx.Response:
        headers = {}
        if method in ("PATCH", "DELETE"):
            headers["if-match"] = await self.version_of(path, ids)
        return await caller.request(
            method, path.format(**ids), json=_filled(body, ids) if body is not None else None, headers=headers
        )

    async def version_of(self, path: str, ids: dict[str, str]) -> str:
        """The entity tag of what ``path`` is about, as the owner sees it."""
        version = 1
        if path.startswith("/v1/users"):
            answer = await self.owner.get(f"/v1/users/{ids['user']}")
            version = answer.json().get("version", 1)
        elif path.startswith("/v1/roles"):
            roles = (await self.owner.get("/v1/roles")).json()["items"]
            version = next(role["version"] for role in roles if role["name"] == "manager")
        return f'"v{version}"'


def _filled(body: Any, ids: dict[str, str]) -> Any:
    match body:
        case dict():
            return {name: _filled(value, ids) for name, value in body.items()}
        case list():
            return [_filled(value, ids) for value in body]
        case str():
            return body.format(**ids)
        case _:
            return body


async def join(stack, anonymous, company: Company, role: str) -> tuple[str, dict[str, str]]:
    """A new colleague: address and tokens."""
    email = f"{role}@{secrets.token_hex(4)}.example.jp"
    async with company.client() as owner:
        asked = {"invitations": [{"email": email, "role": role}]}
        answer = await owner.post("/v1/invitations", json=asked)
        assert answer.status_code == 201, answer.text
    token = await link_in_mail(stack, email, "invitation")
    body = {"token": token, "display_name": "同僚", "password": PASSWORD}
    assert (await anonymous.post("/v1/invitations/accept", json=body)).status_code == 201
    return email, await sign_in(anonymous, company.code, email)


@pytest.fixture(scope="module")
async def company(make_company) -> Company:
    return await make_company("callers")


@pytest.fixture(scope="module")
async def house(stack, anonymous, company, make_company):
    _, tokens = await join(stack, anonymous, company, "read_only")
    neighbour = await make_company("neighbour")
    async with (
        company.client() as owner,
        company.client(tokens["access_token"]) as powerless,
        neighbour.client() as other,
    ):
        role = next(r for r in (await owner.get("/v1/roles")).json()["items"] if r["name"] == "read_only")
        nothing = {"permissions": dict.fromkeys(role["permissions"], "none")}
        tag = {"if-match": f'"v{role["version"]}"'}
        assert (await owner.patch("/v1/roles/read_only", json=nothing, headers=tag)).status_code == 200
        yield House(owner, powerless, other)


@pytest.mark.parametrize(("method", "path", "body", "status"), [*ENDPOINTS, *EVERYBODYS])
async def test_nobody_enters_without_a_token(anonymous, house, method, path, body, status) -> None:
    answer = await house.ask(anonymous, method, path, body, await house.things())
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@each_endpoint
async def test_nobody_enters_without_the_permission(house, method, path, body, status) -> None:
    answer = await house.ask(house.powerless, method, path, body, await house.things())
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path", "body", "status"), [each for each in ENDPOINTS if "{" in each[1]])
async def test_another_tenants_thing_is_as_unknown_as_one_that_never_was(
    house, method, path, body, status
) -> None:
    ids = await house.things()
    theirs = await house.ask(house.neighbour, method, path, body, ids)
    nobodys = await house.ask(
        house.neighbour, method, path, body, {**dict.fromkeys(ids, UNKNOWN), "fresh": ids["fresh"]}
    )
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.json() == nobodys.json()


@each_endpoint
async def test_who_may_does(house, method, path, body, status) -> None:
    answer = await house.ask(house.owner, method, path, body, await house.things())
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("method", "path", "body", "status"), EVERYBODYS)
async def test_everybody_may_see_their_own_account(house, method, path, body, status) -> None:
    answer = await house.ask(house.powerless, method, path, body, await house.things())
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/v1/users/{user}"),
        ("PATCH", "/v1/roles/manager"),
        ("PATCH", "/v1/teams/{team}"),
        ("DELETE", "/v1/teams/{team}"),
    ],
)
async def test_a_change_names_the_version_it_means(house, method, path) -> None:
    ids = await house.things()
    bodies = {"roles": {"permissions": {}}, "teams": {"name": "別の組"}, "users": {}}
    body = bodies[path.split("/")[2]] if method == "PATCH" else None
    url = path.format(**ids)
    assert (await house.owner.request(method, url, json=body)).status_code == 428
    stale = await house.owner.request(method, url, json=body, headers={"if-match": '"v99"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")
    assert stale.json()["version"] >= 1


@pytest.mark.parametrize(
    "body", [{"tenant_id": UNKNOWN}, {"id": UNKNOWN}, {"email": "x@example.jp"}, {"version": 7}]
)
async def test_patch_of_what_cannot_be_changed_names_the_member_and_writes_nothing(house, body) -> None:
    ids = await house.things()
    before = (await house.owner.get(f"/v1/users/{ids['user']}")).json()
    answer = await house.ask(house.owner, "PATCH", "/v1/users/{user}", {**body, "display_name": "新"}, ids)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{next(iter(body))}"]
    assert (await house.owner.get(f"/v1/users/{ids['user']}")).json() == before


@pytest.mark.parametrize("body", [{"role": "admin"}, {"disabled": False}, {"team_id": None}])
async def test_nobody_raises_themselves(house, body) -> None:
    ids = await house.things()
    answer = await house.ask(house.powerless, "PATCH", "/v1/users/{user}", body, ids)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    named = await house.ask(house.powerless, "PATCH", "/v1/users/{user}", {"display_name": "改名"}, ids)
    assert (named.status_code, named.json()["display_name"]) == (200, "改名")


async def test_an_admin_neither_makes_nor_unmakes_owners(stack, anonymous, company, house) -> None:
    _, tokens = await join(stack, anonymous, company, "admin")
    owner_id = (await house.owner.get("/v1/me")).json()["user"]["id"]
    async with company.client(tokens["access_token"]) as admin:
        me = (await admin.get("/v1/me")).json()["user"]["id"]
        for user, body in (
            (owner_id, {"role": "member"}),
            (owner_id, {"disabled": True}),
            (me, {"role": "owner"}),
        ):
            answer = await house.ask(admin, "PATCH", "/v1/users/{user}", body, {"user": user})
            assert answer.status_code == 403
        asked = {"invitations": [{"email": "boss@example.jp", "role": "owner"}]}
        assert (await admin.post("/v1/invitations", json=asked)).status_code == 403


async def test_nobody_gives_a_role_that_may_do_more_than_their_own(stack, anonymous, company, house) -> None:
    """Somebody let in to manage users must not reach further by a second account of their own."""
    _, tokens = await join(stack, anonymous, company, "manager")
    ids = await house.things()
    for permissions in ({"users:manage": "all", "contacts:export": "none"}, {"users:manage": "none"}):
        tag = {"if-match": await house.version_of("/v1/roles", ids)}
        await house.owner.patch("/v1/roles/manager", json={"permissions": permissions}, headers=tag)
        roles = {r["name"]: r for r in (await house.owner.get("/v1/roles")).json()["items"]}
        async with company.client(tokens["access_token"]) as manager:
            if roles["manager"]["permissions"]["users:manage"] == "none":
                answer = await house.ask(manager, "PATCH", "/v1/users/{user}", {"role": "member"}, ids)
                assert answer.status_code == 403
                continue
            for role, status in (("admin", 403), ("member", 201)):
                asked = {"invitations": [{"email": f"{role}{ids['fresh']}", "role": role}]}
                assert (await manager.post("/v1/invitations", json=asked)).status_code == status
            tag = {"if-match": f'"v{roles["member"]["version"]}"'}
            await house.owner.patch(
                "/v1/roles/member", json={"permissions": {"contacts:export": "all"}}, headers=tag
            )
            asked = {"invitations": [{"email": f"again{ids['fresh']}", "role": "member"}]}
            answer = await manager.post("/v1/invitations", json=asked)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "beyond_own")
            assert answer.json()["errors"][0]["pointer"] == "/invitations/0/role"


async def test_every_wrong_invitation_is_named_and_none_is_sent(stack, house) -> None:
    ids = await house.things()
    me = (await house.owner.get("/v1/me")).json()["user"]["email"]
    good = f"good{ids['fresh']}"
    theirs = (await house.neighbour.post("/v1/teams", json={"name": good})).json()["id"]
    rows = [
        ({"email": good, "role": "member"}, None),
        ({"email": "a@example.jp\r\nBcc: b@example.jp", "role": "member"}, "email"),
        ({"email": good.upper(), "role": "member"}, "email"),
        ({"email": me, "role": "member"}, "email"),
        ({"email": f"r{good}", "role": "emperor"}, "role"),
        ({"email": f"t{good}", "role": "member", "team_id": UNKNOWN}, "team_id"),
        ({"email": f"n{good}", "role": "member", "team_id": theirs}, "team_id"),
    ]
    answer = await house.owner.post("/v1/invitations", json={"invitations": [row for row, _ in rows]})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [
        f"/invitations/{place}/{member}" for place, (_, member) in enumerate(rows) if member
    ]
    emails = [each["email"] for each in (await house.owner.get("/v1/invitations")).json()["items"]]
    assert good not in emails


async def test_a_second_invitation_takes_the_place_of_the_first(stack, anonymous, house) -> None:
    email = f"again@{secrets.token_hex(4)}.example.jp"
    asked = {"invitations": [{"email": email, "role": "member"}]}
    await house.owner.post("/v1/invitations", json=asked)
    first = await link_in_mail(stack, email, "invitation")
    await house.owner.post("/v1/invitations", json=asked)
    body = {"token": first, "display_name": "旧", "password": PASSWORD}
    answer = await anonymous.post("/v1/invitations/accept", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "link_invalid")


async def test_an_invitation_sent_twice_under_one_key_is_one(house) -> None:
    email = f"once@{secrets.token_hex(4)}.example.jp"
    asked = {"invitations": [{"email": email, "role": "member"}]}
    key = {"idempotency-key": secrets.token_hex(8)}
    first = await house.owner.post("/v1/invitations", json=asked, headers=key)
    again = await house.owner.post("/v1/invitations", json=asked, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = {"invitations": [{"email": f"o{email}", "role": "member"}]}
    assert (await house.owner.post("/v1/invitations", json=other, headers=key)).status_code == 422


async def test_a_team_with_people_in_it_stays_and_its_name_is_its_own(house) -> None:
    ids = await house.things()
    name = f"営業{ids['fresh']}"
    made = await house.owner.post("/v1/teams", json={"name": name})
    assert made.headers["etag"] == '"v1"'
    twice = await house.owner.post("/v1/teams", json={"name": name})
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (422, "not_unique")
    team = {**ids, "team": made.json()["id"]}
    moved = await house.ask(house.owner, "PATCH", "/v1/users/{user}", {"team_id": team["team"]}, team)
    assert moved.status_code == 200, moved.text
    kept = await house.ask(house.owner, "DELETE", "/v1/teams/{team}", None, team)
    assert (kept.status_code, kept.json()["code"]) == (409, "team_in_use")
    await house.ask(house.owner, "PATCH", "/v1/users/{user}", {"team_id": None}, team)
    assert (await house.ask(house.owner, "DELETE", "/v1/teams/{team}", None, team)).status_code == 204


@pytest.mark.parametrize(
    ("permissions", "code"),
    [
        ({"contacts:fly": "all"}, "unknown_action"),
        ({"users:manage": "own"}, "scope_not_applicable"),
    ],
)
async def test_a_role_takes_only_what_there_is(house, permissions, code) -> None:
    tag = {"if-match": await house.version_of("/v1/roles", {})}
    answer = await house.owner.patch("/v1/roles/manager", json={"permissions": permissions}, headers=tag)
    assert answer.status_code == 422
    assert code in {each["code"] for each in answer.json()["errors"]}


async def test_why_somebody_may_do_something_is_explained(stack, anonymous, make_company) -> None:
    company = await make_company("why")
    _, tokens = await join(stack, anonymous, company, "member")
    async with company.client() as owner, company.client(tokens["access_token"]) as member:
        user = (await member.get("/v1/me")).json()["user"]["id"]
        asked = {"permissions": {"contacts:read": "own", "contacts:create": "none"}}
        assert (await owner.patch("/v1/roles/member", json=asked, headers={"if-match": '"v1"'})).is_success
        for action, scope, source in (
            ("contacts:update", "own", "role"),
            ("contacts:read", "own", "override"),
            ("contacts:create", "none", "override"),
            ("users:manage", "none", "none"),
        ):
            answer = await owner.get("/v1/access/explain", params={"user_id": user, "action": action})
            assert answer.json() == {"action": action, "scope": scope, "role": "member", "source": source}
        for unknown in (
            {"user_id": user, "action": "contacts:fly"},
            {"user_id": UNKNOWN, "action": "users:read"},
        ):
            assert (await owner.get("/v1/access/explain", params=unknown)).status_code == 404


async def test_the_owners_role_is_never_changed(house) -> None:
    answer = await house.owner.patch(
        "/v1/roles/owner", json={"permissions": {"contacts:read": "own"}}, headers={"if-match": '"v1"'}
    )
    assert answer.status_code == 403


async def test_users_come_page_by_page_and_a_cursor_of_a_neighbour_opens_nothing(house) -> None:
    everybody = [each["id"] for each in (await house.owner.get("/v1/users")).json()["items"]]
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await house.owner.get("/v1/users", params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [each["id"] for each in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = page["next_cursor"]
    assert seen == everybody
    foreign = await house.neighbour.get("/v1/users", params={"cursor": cursor})
    assert foreign.status_code in (400, 422)
