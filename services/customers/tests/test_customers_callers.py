"""Every endpoint and its four callers: anonymous, without permission, of another tenant, allowed; and record scope."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from daicho.tenancy import Scope

FIELD = {"resource": "contact", "key": "hobby", "label": "趣味", "type": "text"}
ENDPOINTS = [
    ("contact", "POST", "/v1/contacts", {"family_name": "新"}, 201),
    ("contact", "GET", "/v1/contacts", None, 200),
    ("contact", "POST", "/v1/contacts/search", {"q": "新規"}, 200),
    ("contact", "GET", "/v1/contacts/{id}", None, 200),
    ("contact", "GET", "/v1/contacts/{id}/history", None, 200),
    ("contact", "PATCH", "/v1/contacts/{id}", {"title": "課長"}, 200),
    ("contact", "DELETE", "/v1/contacts/{id}", None, 204),
    ("contact", "POST", "/v1/contacts/{id}/restore", None, 409),
    ("company", "POST", "/v1/companies", {"name": "新"}, 201),
    ("company", "GET", "/v1/companies", None, 200),
    ("company", "POST", "/v1/companies/search", {"q": "新規"}, 200),
    ("company", "GET", "/v1/companies/{id}", None, 200),
    ("company", "GET", "/v1/companies/{id}/history", None, 200),
    ("company", "PATCH", "/v1/companies/{id}", {"url": "https://example.jp"}, 200),
    ("company", "DELETE", "/v1/companies/{id}", None, 204),
    ("company", "POST", "/v1/companies/{id}/restore", None, 409),
    ("field", "POST", "/v1/fields", FIELD, 201),
    ("field", "GET", "/v1/fields", None, 200),
    ("field", "GET", "/v1/fields/{id}", None, 200),
    ("field", "PATCH", "/v1/fields/{id}", {"label": "余暇"}, 200),
    ("field", "DELETE", "/v1/fields/{id}", None, 204),
]
NAMES = [f"{method} {path}" for _, method, path, _, _ in ENDPOINTS]
each_endpoint = pytest.mark.parametrize(("kind", "method", "path", "body", "status"), ENDPOINTS, ids=NAMES)
of_records = pytest.mark.parametrize(
    ("kind", "method", "path", "body", "status"), [each for each in ENDPOINTS if "{id}" in each[2]]
)


@pytest_asyncio.fixture
async def record(house, kind):
    """A record that the endpoint may be about."""
    made = {
        "contact": ("/v1/contacts", {"family_name": "対象"}),
        "company": ("/v1/companies", {"name": "対象"}),
        "field": ("/v1/fields", {**FIELD, "key": f"f{uuid4().hex[:8]}", "label": f"趣味 {uuid4()}"}),
    }
    path, body = made[kind]
    return (await house.owner.make(path, **body))["id"]


def ask(caller, method, path, record, body):
    headers = {"if_match": '"v1"'} if method in {"PATCH", "DELETE"} else {}
    return caller(method, path.format(id=record), body, **headers)


@each_endpoint
async def test_nobody_enters_without_a_token(kind, method, path, body, status, ledger, record):
    answer = await ask(ledger.anonymous(), method, path, record, body)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@each_endpoint
async def test_nobody_enters_without_the_permission(kind, method, path, body, status, ledger, house, record):
    await ledger.set_role(house.tenant_id, "nothing", {"users:read": Scope.ALL})
    answer = await ask(await ledger.create_user(house.tenant_id, "nothing"), method, path, record, body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@of_records
async def test_another_tenants_record_is_as_unknown_as_one_that_never_was(
    kind, method, path, body, status, neighbour, record
):
    theirs = await ask(neighbour.owner, method, path, record, body)
    nobodys = await ask(neighbour.owner, method, path, uuid4(), body)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()


@each_endpoint
async def test_allowed_caller_gets_an_answer(kind, method, path, body, status, house, record):
    answer = await ask(house.admin, method, path, record, body)
    assert answer.status_code == status, answer.text


async def test_another_tenant_lists_and_finds_only_its_own_records(house, neighbour):
    await house.owner.make("/v1/contacts", family_name="隣人秘密")
    assert (await neighbour.owner("GET", "/v1/contacts")).json()["items"] == []
    assert (await neighbour.owner("POST", "/v1/contacts/search", {"q": "隣人秘密"})).json()["items"] == []


async def test_another_tenants_records_and_users_are_no_targets(house, neighbour):
    company = await neighbour.owner.make("/v1/companies", name="隣社")
    named = await house.owner("POST", "/v1/contacts", {"family_name": "越境", "company_id": company["id"]})
    assert (named.status_code, named.json()["errors"][0]["code"]) == (422, "unknown_company")
    body = {"family_name": "越境", "owner_id": str(neighbour.owner.user_id)}
    owned = await house.owner("POST", "/v1/contacts", body)
    assert (owned.status_code, owned.json()["errors"][0]["code"]) == (422, "unknown_user")


async def test_a_scope_reaches_own_team_or_all(ledger, house):
    for role, scope in (("sees_own", Scope.OWN), ("sees_team", Scope.TEAM)):
        scopes = {"contacts:read": scope, "contacts:create": Scope.OWN, "contacts:update": Scope.OWN}
        await ledger.set_role(house.tenant_id, role, scopes)
    team = uuid4()
    own = await ledger.create_user(house.tenant_id, "sees_own", team)
    mate = await ledger.create_user(house.tenant_id, "sees_team", team)
    mine = await own.make("/v1/contacts", family_name="自分の")
    mates = await mate.make("/v1/contacts", family_name="仲間の")
    others = await house.owner.make("/v1/contacts", family_name="他人の")

    async def listed(caller, **query):
        found = []
        for sort in ("newest", "oldest", "updated", "kana"):
            page = (await caller("GET", f"/v1/contacts?limit=200&sort={sort}")).json()["items"]
            found.append({item["id"] for item in page})
        assert all(each == found[0] for each in found)
        return found[0]

    assert await listed(own) == {mine["id"]}
    assert await listed(mate) == {mine["id"], mates["id"]}
    assert {mine["id"], mates["id"], others["id"]} <= await listed(house.owner)
    assert (await own("GET", f"/v1/contacts/{mates['id']}")).status_code == 404
    assert (await mate("GET", f"/v1/contacts/{mine['id']}")).status_code == 200
    reached = await mate("PATCH", f"/v1/contacts/{mine['id']}", {"title": "x"}, if_match='"v1"')
    assert reached.status_code == 403
    given = await own("PATCH", f"/v1/contacts/{mine['id']}", {"owner_id": str(mate.user_id)}, if_match='"v1"')
    assert (given.status_code, given.json()["errors"][0]["code"]) == (422, "not_permitted")


async def test_a_user_too_new_for_the_copy_is_asked_for(ledger, house):
    newcomer = uuid4()
    body = {"family_name": "新人の", "owner_id": str(newcomer)}
    assert (await house.owner("POST", "/v1/contacts", body)).status_code == 422
    ledger.identity.known.add(newcomer)
    assert (await house.owner("POST", "/v1/contacts", body)).status_code == 201


async def test_a_key_creates_once(house):
    body = {"family_name": "一度"}
    first = await house.owner("POST", "/v1/contacts", body, idempotency_key="k1")
    again = await house.owner("POST", "/v1/contacts", body, idempotency_key="k1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await house.owner("POST", "/v1/contacts", {"family_name": "別"}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/companies"])
async def test_repeated_key_answers_nothing_that_its_user_may_not_read_any_more(house, ledger, path):
    plural = path.removeprefix("/v1/")
    rights = {f"{plural}:read": Scope.OWN, f"{plural}:create": Scope.OWN}
    await ledger.set_role(house.tenant_id, "own_only", rights)
    own = await ledger.create_user(house.tenant_id, "own_only")
    field = {"resource": "contact" if plural == "contacts" else "company", "key": "pay", "type": "text"}
    made = await house.owner.make("/v1/fields", **field)
    body = {"family_name" if plural == "contacts" else "name": "再生", "custom": {"pay": "9000000"}}
    first = await own("POST", path, body, idempotency_key="k")
    assert first.status_code == 201, first.text
    hide = {"read_roles": ["owner"]}
    assert (await house.owner("PATCH", f"/v1/fields/{made['id']}", hide, if_match='"v1"')).status_code == 200
    again = await own("POST", path, body, idempotency_key="k")
    assert again.json() == {**first.json(), "custom": {}}
    assert again.headers["idempotency-replayed"] == "true"
    place = f"{path}/{first.json()['id']}"
    taken = {"owner_id": str(house.owner.user_id)}
    assert (await house.owner("PATCH", place, taken, if_match='"v1"')).status_code == 200
    assert (await own("GET", place)).status_code == 404
    assert (await own("POST", path, body, idempotency_key="k")).status_code == 404


@pytest.mark.parametrize(
    ("member", "value"),
    [("tenant_id", str(UUID(int=1))), ("id", str(UUID(int=1))), ("version", 9), ("tokens", [1])],
)
@pytest.mark.parametrize(("path", "named"), [("/v1/contacts", "family_name"), ("/v1/companies", "name")])
async def test_unknown_and_protected_members_are_refused(house, path, named, member, value):
    made = (await house.owner("POST", path, {named: f"名{uuid4()}"})).json()
    place = f"{path}/{made['id']}"
    for answer in (
        await house.owner("POST", path, {named: "名", member: value}),
        await house.owner("PATCH", place, {named: "別", member: value}, if_match=f'"v{made["version"]}"'),
    ):
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == (f"/{member}", "unknown_field")
        assert named in error["detail"]
    assert (await house.owner("GET", place)).json() == made


async def test_a_cursor_fits_its_own_list_alone(house, neighbour):
    for number in range(3):
        await house.owner.make("/v1/contacts", family_name=f"印{number}")
        await neighbour.owner.make("/v1/contacts", family_name=f"印{number}")
    cursor = (await house.owner("GET", "/v1/contacts?limit=1")).json()["next_cursor"]
    for caller, path in (
        (neighbour.owner, f"/v1/contacts?limit=1&cursor={cursor}"),
        (house.owner, f"/v1/contacts?limit=1&sort=oldest&cursor={cursor}"),
        (house.owner, f"/v1/companies?limit=1&cursor={cursor}"),
        (house.owner, f"/v1/contacts?limit=1&cursor={cursor[:-4]}AAAA"),
    ):
        answer = await caller("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
