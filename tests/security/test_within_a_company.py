"""Attempts of somebody who is in to reach beyond what their role gives them, through the gateway of the product."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from daicho.testkit.company import Caller, Company
from daicho.testkit.waiting import until


@pytest.fixture(scope="module")
async def company(product) -> AsyncIterator[Company]:
    """Members see their own records; managers manage roles and users as well."""
    made = await product.company()
    await made.set_role("member", contacts_read="own", companies_read="own")
    await made.set_role("manager", roles_manage="all", users_manage="all")
    yield made
    await made.client.aclose()


@pytest.fixture(scope="module")
async def member(company: Company) -> Caller:
    return await _at_work(company, "member")


@pytest.fixture(scope="module")
async def manager(company: Company) -> Caller:
    return await _at_work(company, "manager")


async def _at_work(company: Company, role: str) -> Caller:
    somebody = await company.invite(role, role)

    async def known() -> bool:
        return (await somebody("GET", "/v1/contacts")).status_code == 200

    await until(known)
    return somebody


async def test_the_name_of_a_company_out_of_reach_leads_to_none(company: Company, member: Caller) -> None:
    """Neither the id of the hidden one comes back, nor tells the answer that there is one."""
    hidden = await company.owner.post("/v1/companies", {"name": "霞の関商会"})
    answers = [
        await member.post("/v1/contacts", {"family_name": "名", "company_name": name})
        for name in ("霞の関商会", "どこにもない商会")
    ]
    assert hidden["id"] not in [answer["company_id"] for answer in answers]
    for answer in answers:
        opened = await member.get(f"/v1/companies/{answer['company_id']}")
        assert opened["owner_id"] == member.user_id


async def test_an_import_finds_companies_in_reach_alone(company: Company) -> None:
    await company.set_role("read_only", contacts_create="own", contacts_import="own", companies_create="own")
    await company.set_role("read_only", contacts_read="own", companies_read="own")
    importer = await _at_work(company, "read_only")
    hidden = await company.owner.post("/v1/companies", {"name": "朧商会"})
    begun = await importer.upload("姓,会社名\r\n名,朧商会\r\n".encode(), name="a.csv")
    place = f"/v1/imports/{begun['id']}"

    async def became(status: str) -> bool:
        now = await importer.get(place)
        assert now["status"] != "failed", now
        return bool(now["status"] == status)

    for step, after in (("check", "checked"), ("run", "done")):
        await importer.post(f"{place}/{step}")
        await until(lambda after=after: became(after), within=30)
    [made] = (await importer.get("/v1/contacts"))["items"]
    assert made["company_name"] == "朧商会"
    assert made["company_id"] != hidden["id"]
    assert (await importer.get(f"/v1/companies/{made['company_id']}"))["owner_id"] == importer.user_id


async def test_nobody_changes_a_role_above_their_own(company: Company, manager: Caller) -> None:
    """Neither up nor down: who manages roles could else take from administrators what they are."""
    for name in ("admin", "owner"):
        roles = {each["name"]: each for each in (await company.owner.get("/v1/roles"))["items"]}
        wanted = {"permissions": {"audit:read": "none"}}
        refused = await manager("PATCH", f"/v1/roles/{name}", wanted, if_match=f'"v{roles[name]["version"]}"')
        assert refused.status_code == 403, refused.text
    after = {each["name"]: each for each in (await company.owner.get("/v1/roles"))["items"]}
    assert after["admin"]["permissions"]["audit:read"] == "all"


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_nobody_invites_or_makes_a_user_above_themselves(
    company: Company, manager: Caller, role: str
) -> None:
    asked = {"invitations": [{"email": f"{role}@above.example.jp", "role": role}]}
    assert (await manager("POST", "/v1/invitations", asked)).status_code == 403
    for user_id in (manager.user_id, company.owner.user_id):
        version = (await company.owner.get(f"/v1/users/{user_id}"))["version"]
        for patch in ({"role": role}, {"disabled": True, "role": role}):
            refused = await manager("PATCH", f"/v1/users/{user_id}", patch, if_match=f'"v{version}"')
            assert refused.status_code == 403, refused.text


async def test_nobody_gives_a_role_a_right_that_they_lack(company: Company, manager: Caller) -> None:
    roles = {each["name"]: each for each in (await company.owner.get("/v1/roles"))["items"]}
    for name in ("manager", "member"):
        wanted = {"permissions": {"fields:manage": "all"}}
        refused = await manager("PATCH", f"/v1/roles/{name}", wanted, if_match=f'"v{roles[name]["version"]}"')
        assert refused.status_code == 422
        assert [it["code"] for it in refused.json()["errors"]] == ["beyond_own"]


async def test_a_record_out_of_reach_is_as_one_that_never_was(company: Company, member: Caller) -> None:
    """Read, changed, deleted, restored, its history: with the right version and a wrong one, in the bin and not."""
    made = await company.owner.post("/v1/contacts", {"family_name": "霞"})
    place, nowhere = f"/v1/contacts/{made['id']}", "/v1/contacts/01900000-0000-7000-8000-000000000000"
    mine = {"owner_id": member.user_id}
    for deleted in (False, True):
        if deleted:
            assert (await company.owner("DELETE", place, if_match='"v1"')).status_code == 204
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/history", None),
            ("POST", "/restore", {}),
            ("PATCH", "", mine),
            ("DELETE", "", None),
        ):
            for version in ('"v1"', '"v7"'):
                answers = [
                    await member(method, where + path, body, if_match=version) for where in (place, nowhere)
                ]
                assert [answer.status_code for answer in answers] == [404, 404]
                assert answers[0].text == answers[1].text


async def test_a_record_is_given_to_nobody_out_of_reach_and_taken_from_nobody(
    company: Company, member: Caller, manager: Caller
) -> None:
    own = await member.post("/v1/contacts", {"family_name": "自分の"})
    for owner in (manager.user_id, None):
        made = await member("POST", "/v1/contacts", {"family_name": "名", "owner_id": owner})
        given = await member("PATCH", f"/v1/contacts/{own['id']}", {"owner_id": owner}, if_match='"v1"')
        for refused in (made, given):
            assert refused.status_code == 422
            assert {it["pointer"] for it in refused.json()["errors"]} == {"/owner_id"}


async def test_searches_and_counts_know_nothing_out_of_reach(company: Company, member: Caller) -> None:
    hidden = {"family_name": "朧月夜", "company_name": "朧月商店", "customer_code": "OBORO-1", "tags": ["朧"]}
    made = await company.owner.post("/v1/contacts", hidden)
    for asked in (
        {"q": "朧月夜"},
        {"q": "朧月商店"},
        {"filter": {"field": "customer_code", "op": "eq", "value": "OBORO-1"}},
        {"filter": {"field": "company_name", "op": "eq", "value": "朧月商店"}},
        {"filter": {"field": "company_id", "op": "eq", "value": made["company_id"]}},
        {"filter": {"field": "tags", "op": "eq", "value": "朧"}},
        {"filter": {"field": "owner_id", "op": "eq", "value": company.owner.user_id}},
    ):
        found = await company.owner.post("/v1/contacts/search", asked | {"count": True})
        assert found["items"], asked
        answer = await member("POST", "/v1/contacts/search", asked | {"count": True})
        if answer.status_code == 422:  # an id out of reach, in the filter, is no id
            continue
        assert answer.json()["items"] == [], asked
        # What only opening records can tell is not counted, for nobody.
        assert answer.json().get("count", {"value": 0})["value"] == 0, asked


async def test_a_stream_ends_when_its_import_falls_out_of_reach(company: Company, manager: Caller) -> None:
    """The right to import stays, at a narrower scope: another's import is none of the caller's any more."""
    begun = await company.owner.upload("姓\r\n名\r\n".encode(), name="a.csv")
    place = f"/v1/imports/{begun['id']}/events"
    async with (
        asyncio.timeout(30),
        company.client.stream("GET", place, headers=manager.bearer, timeout=40) as live,
    ):
        assert live.status_code == 200
        lines = live.aiter_lines()
        await anext(lines)
        await company.set_role("manager", contacts_import="own", companies_import="own")
        assert "event: closed" in [line async for line in lines]


async def test_what_a_role_may_not_read_it_can_neither_ask_for_nor_sort_by(
    company: Company, member: Caller
) -> None:
    field = {"resource": "contact", "key": "salary", "label": "年収", "type": "integer", "sortable": True}
    await company.owner.post("/v1/fields", field | {"read_roles": ["owner"]})
    mine = await member.post("/v1/contacts", {"family_name": "名"})
    place = f"/v1/contacts/{mine['id']}"
    await company.owner.patch(place, {"custom": {"salary": 7654321}}, version=1)
    condition = {"field": "custom.salary", "op": "gt", "value": 1}
    for method, path, body in (
        ("POST", "/v1/contacts/search", {"filter": condition}),
        ("POST", "/v1/contacts/search", {"filter": {"not": condition}}),
        ("GET", "/v1/contacts?sort=custom.salary", None),
        ("PATCH", place, {"custom": {"salary": 1}}),
    ):
        refused = await member(method, path, body, if_match='"v2"')
        assert refused.status_code == 422, (path, refused.text)
    for path in (place, f"{place}/history", "/v1/contacts", "/v1/fields"):
        answer = await member("GET", path)
        assert answer.status_code == 200
        assert not [word for word in ("salary", "年収", "7654321") if word in answer.text], path


@dataclass
class Divided:
    """A company of two teams whose administrators reach the records of their own team alone."""

    company: Company
    teams: tuple[str, str]
    admin: Caller
    mate: Caller
    other: Caller
    contact: str
    """A contact of ``other``, in the other team."""

    async def change(self, caller: Caller, user_id: str, **patch: object) -> httpx.Response:
        version = (await self.company.owner.get(f"/v1/users/{user_id}"))["version"]
        return await caller("PATCH", f"/v1/users/{user_id}", patch, if_match=f'"v{version}"')

    async def stays_out_of_reach(self) -> None:
        """The contact has its owner, and the administrator does not see it, also after a hand-over's time."""
        await self.company.owner.post("/v1/contacts", {"family_name": "標"})
        seen = await self.admin("GET", f"/v1/contacts/{self.contact}")
        assert seen.status_code == 404
        made = await self.company.owner.get(f"/v1/contacts/{self.contact}")
        assert made["owner_id"] == self.other.user_id


@pytest.fixture(scope="module")
async def divided(product) -> AsyncIterator[Divided]:
    company = await product.company()
    owner = company.owner
    teams = [(await owner.post("/v1/teams", {"name": name}))["id"] for name in ("一課", "二課")]
    narrow = {
        f"{kind}_{verb}": "team"
        for kind in ("contacts", "companies")
        for verb in ("read", "update", "delete")
    }
    for role in ("admin", "manager"):
        await company.set_role(role, **narrow)
    for role in ("member", "read_only"):
        await company.set_role(role, contacts_read="own", companies_read="own")
    admin = await company.invite("admin", "admin", team_id=teams[0])
    mate = await company.invite("mate", "member", team_id=teams[0])
    other = await company.invite("other", "member", team_id=teams[1])
    contact = (await other.post("/v1/contacts", {"family_name": "朧"}))["id"]
    made = Divided(company, (teams[0], teams[1]), admin, mate, other, contact)

    async def known() -> bool:
        return (await admin("GET", f"/v1/contacts/{contact}")).status_code == 404

    await until(known)
    yield made
    await company.client.aclose()


def _faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


async def test_nobody_takes_records_by_disabling_their_owner_with_a_successor_of_ones_choice(
    divided: Divided,
) -> None:
    admin, mate, other = divided.admin, divided.mate, divided.other
    refused = [("/successor_id", "records_out_of_reach")]
    for successor in (admin, mate, divided.company.owner):
        for disabled in (True, False):
            patch = {"disabled": disabled, "successor_id": successor.user_id}
            assert _faults(await divided.change(admin, other.user_id, **patch)) == refused
    assert (await divided.change(admin, other.user_id, disabled=True)).status_code == 200
    late = await divided.change(admin, other.user_id, successor_id=admin.user_id)
    assert _faults(late) == refused
    await divided.stays_out_of_reach()
    assert (await divided.change(divided.company.owner, other.user_id, disabled=False)).status_code == 200


async def test_nobody_reaches_records_by_moving_people_between_teams(divided: Divided) -> None:
    admin, other = divided.admin, divided.other
    mine, theirs = divided.teams
    for team in (theirs, None):
        assert _faults(await divided.change(admin, admin.user_id, team_id=team))[0] == (
            "/team_id",
            "own_rights",
        )
    assert _faults(await divided.change(admin, other.user_id, team_id=mine)) == [
        ("/team_id", "beyond_own_team")
    ]
    everything = {"team_id": mine, "disabled": True, "successor_id": admin.user_id}
    assert ("/successor_id", "records_out_of_reach") in _faults(
        await divided.change(admin, other.user_id, **everything)
    )
    await divided.stays_out_of_reach()


async def test_nobody_reaches_records_through_an_accomplice_in_another_team(divided: Divided) -> None:
    """By an invitation into the team, a promotion there, or a role that then reaches every team."""
    admin, other = divided.admin, divided.other
    _, theirs = divided.teams
    asked = {"invitations": [{"email": "a@accomplice.example.jp", "role": "manager", "team_id": theirs}]}
    assert _faults(await admin("POST", "/v1/invitations", asked)) == [
        ("/invitations/0/team_id", "beyond_own_team")
    ]
    for role in ("manager", "admin"):
        answer = await divided.change(admin, other.user_id, role=role)
        assert ("/team_id", "beyond_own_team") in _faults(answer)
    roles = {each["name"]: each for each in (await admin.get("/v1/roles"))["items"]}
    for name, scope, status in (("member", "team", 422), ("member", "all", 422), ("admin", "own", 403)):
        answer = await admin(
            "PATCH",
            f"/v1/roles/{name}",
            {"permissions": {"contacts:read": scope}},
            if_match=f'"v{roles[name]["version"]}"',
        )
        assert answer.status_code == status, answer.text
    await divided.stays_out_of_reach()


async def test_records_in_reach_are_handed_over_within_the_team(divided: Divided) -> None:
    """What the refusals leave: an administrator of a team runs it."""
    leaver = await divided.company.invite("leaver", "member", team_id=divided.teams[0])
    contact = (await leaver.post("/v1/contacts", {"family_name": "霞"}))["id"]
    gone = await divided.change(
        divided.admin, leaver.user_id, disabled=True, successor_id=divided.mate.user_id
    )
    assert gone.status_code == 200, gone.text

    async def handed_over() -> bool:
        made = await divided.company.owner.get(f"/v1/contacts/{contact}")
        return bool(made["owner_id"] == divided.mate.user_id)

    await until(handed_over, within=30)
    back = await divided.change(divided.admin, leaver.user_id, disabled=False)
    assert (back.status_code, back.json()["successor_id"]) == (200, None)
