"""A field that few roles may read stays theirs: in the audit's view of searches, and when somebody lets others in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from daicho.testkit.company import Caller, Company
from daicho.testkit.waiting import until

SECRET = 9_000_111


@pytest.fixture(scope="module")
async def company(product) -> AsyncIterator[Company]:
    made = await product.company()
    yield made
    await made.client.aclose()


@pytest.fixture(scope="module")
async def admin(company: Company) -> Caller:
    return await company.invite("admin", "admin")


@pytest.fixture(scope="module")
async def manager(company: Company) -> Caller:
    return await company.invite("manager", "manager")


@pytest.fixture(scope="module")
async def salary(company: Company, admin: Caller, manager: Caller) -> dict[str, Any]:
    """A field that owners and managers may read, and one contact that has it."""
    body = {"resource": "contact", "key": "salary", "type": "integer", "read_roles": ["owner", "manager"]}
    body |= {"sortable": True}

    async def made() -> bool:
        """Once the service has heard of the company's roles."""
        return (await company.owner("POST", "/v1/fields", body)).status_code in {201, 422}

    await until(made)
    contact = await company.owner.post("/v1/contacts", {"family_name": "田中", "custom": {"salary": SECRET}})
    (field,) = (await company.owner.get("/v1/fields"))["items"]
    return {"field": field, "contact": contact["id"]}


async def entry_of(
    reader: Caller, contact: str, action: str, seen: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The newest entry of ``action`` about a contact, as ``reader`` sees it, once it is none of ``seen``."""
    found: list[dict[str, Any]] = []

    async def logged() -> bool:
        asked = {"record_id": contact, "action": action, "limit": 1}
        found[:] = (await reader.post("/v1/audit/entries/search", asked))["items"]
        return bool(found) and found[0]["id"] not in seen

    await until(logged)
    return found[0]


async def test_condition_on_an_unreadable_field_is_hidden_from_an_auditor(
    company: Company, admin: Caller, salary: dict[str, Any]
) -> None:
    condition = {"field": "custom.salary", "op": "eq", "value": SECRET}
    body = {"filter": {"all": [condition, {"field": "lifecycle", "op": "is_set"}]}}
    assert [it["id"] for it in (await company.owner.post("/v1/contacts/search", body))["items"]]
    seen = await entry_of(admin, salary["contact"], "contact.search")
    parts = seen["payload"]["query"]["filter"]["all"]
    assert parts[0] == {"field": "custom.salary", "hidden": True}
    assert parts[1] == {"field": "lifecycle", "op": "is_set"}
    assert seen["payload"]["query"]["hidden"] == ["custom.salary"]
    place = f"/v1/audit/entries/{seen['id']}"
    for path in (place, f"{place}/proof", "/v1/audit/export"):
        answer = await admin("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        assert str(SECRET) not in answer.text, path
    for_owner = await company.owner.get(place)
    assert for_owner["payload"]["query"]["filter"]["all"][0] == condition


async def test_order_by_an_unreadable_field_is_hidden_from_an_auditor(
    company: Company, admin: Caller, salary: dict[str, Any]
) -> None:
    await company.owner.post("/v1/contacts", {"family_name": "鈴木", "custom": {"salary": 1}})
    asked = {"record_id": salary["contact"], "action": "contact.search"}
    earlier = (await admin.post("/v1/audit/entries/search", asked))["items"]
    before = frozenset(each["id"] for each in earlier)
    answers = {}
    for sort in ("custom.salary", "-custom.salary"):
        found = (await company.owner.post("/v1/contacts/search", {"sort": sort}))["items"]
        answers[sort] = [each["id"] for each in found]
        seen = await entry_of(admin, salary["contact"], "contact.search", before)
        before |= {seen["id"]}
        assert seen["payload"]["query"]["sort"] == {"hidden": True}
        assert seen["payload"]["query"]["hidden"] == ["sort"]
        assert "salary" not in str(seen["payload"])
        for_owner = await company.owner.get(f"/v1/audit/entries/{seen['id']}")
        wanted = {"field": "custom.salary", "descending": sort.startswith("-")}
        assert for_owner["payload"]["query"]["sort"] == wanted
    assert answers["custom.salary"] != answers["-custom.salary"]


async def test_admin_outside_the_readers_lets_themselves_in_by_nothing_and_is_recorded(
    company: Company, admin: Caller, salary: dict[str, Any]
) -> None:
    place = f"/v1/fields/{salary['field']['id']}"
    for roles in (["owner", "manager", "admin"], ["admin"], None):
        answer = await admin("PATCH", place, {"read_roles": roles}, if_match='"v1"')
        assert (answer.status_code, answer.json()["code"]) == (403, "not_among_roles"), answer.text
    seen = await admin.get(f"/v1/contacts/{salary['contact']}")
    assert "salary" not in seen["custom"]

    async def recorded() -> bool:
        asked = {"action": "access.refused", "resource": "field"}
        return bool((await admin.post("/v1/audit/entries/search", asked))["items"])

    await until(recorded)


async def test_readers_are_told_by_mail_when_an_owner_lets_others_in(
    company: Company, admin: Caller, manager: Caller, salary: dict[str, Any]
) -> None:
    field = salary["field"]
    await company.owner.patch(
        f"/v1/fields/{field['id']}", {"read_roles": ["owner", "manager", "admin"]}, version=1
    )

    async def texts(reader: Caller) -> str:
        mails = await company.client.get(f"{company.mail}/api/mails", params={"to": reader.email})
        return str(mails.text)

    async def told() -> bool:
        return "settings/fields" in await texts(manager)

    await until(told)
    assert "salary" in await texts(manager)
    for other in (admin, company.owner):
        assert "settings/fields" not in await texts(other)
    change = await entry_of(admin, field["id"], "field.updated")
    assert change["payload"]["read_roles"] == ["owner", "manager", "admin"]
    assert change["payload"]["readers_widened_from"] == ["owner", "manager"]
    assert (await admin.get(f"/v1/contacts/{salary['contact']}"))["custom"]["salary"] == SECRET


async def test_field_made_again_under_the_key_of_a_deleted_one_shows_nothing_of_it(
    company: Company, admin: Caller
) -> None:
    body = {"resource": "contact", "key": "bonus", "type": "integer", "read_roles": ["owner", "manager"]}
    field = await company.owner.post("/v1/fields", body)
    contact = await company.owner.post("/v1/contacts", {"family_name": "林", "custom": {"bonus": SECRET}})
    condition = {"field": "custom.bonus", "op": "eq", "value": SECRET}
    assert (await company.owner.post("/v1/contacts/search", {"filter": condition}))["items"]
    refused = await admin("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')
    assert (refused.status_code, refused.json()["code"]) == (403, "not_among_roles")
    deleted = await company.owner("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')
    assert deleted.status_code == 204

    async def made_again() -> bool:
        """Once the job has taken the values out of the records."""
        again = {"resource": "contact", "key": "bonus", "type": "integer"}
        return (await admin("POST", "/v1/fields", again)).status_code == 201

    await until(made_again)
    seen = await entry_of(admin, contact["id"], "contact.search")
    assert seen["payload"]["query"]["filter"] == {"field": "custom.bonus", "hidden": True}


@pytest.mark.parametrize("retired", ["unsearchable", "deleted"])
async def test_words_that_looked_into_a_hidden_field_stay_hidden_when_it_is_retired(
    company: Company, admin: Caller, retired: str
) -> None:
    body = {"resource": "contact", "key": f"memo_{retired}", "type": "text", "searchable": True}
    field = await company.owner.post("/v1/fields", {**body, "read_roles": ["owner"]})
    custom = {field["key"]: f"HIMITSU {retired}"}
    contact = await company.owner.post("/v1/contacts", {"family_name": "林", "custom": custom})
    assert (await company.owner.post("/v1/contacts/search", {"q": f"HIMITSU {retired}"}))["items"]
    before = await entry_of(admin, contact["id"], "contact.search")
    assert before["payload"]["query"]["hidden"] == ["q"]
    place = f"/v1/fields/{field['id']}"
    if retired == "deleted":
        assert (await company.owner("DELETE", place, if_match='"v1"')).status_code == 204
    else:
        await company.owner.patch(place, {"searchable": False}, version=1)
    for_admin = await entry_of(admin, contact["id"], "contact.search")
    assert for_admin["id"] == before["id"]
    assert (for_admin["payload"]["query"]["q"], for_admin["payload"]["query"]["hidden"]) == (None, ["q"])
    assert "HIMITSU" not in (await admin("GET", f"/v1/audit/entries/{before['id']}")).text
    if retired == "unsearchable":
        for_owner = await company.owner.get(f"/v1/audit/entries/{before['id']}")
        assert for_owner["payload"]["query"]["q"] == "HIMITSU unsearchable"
