"""The main job, through the gateway: a company signs up, shapes its ledger, imports its Excel, finds anyone, proves it.

One story told in steps; each test stands on what the ones before it did.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from daicho.cli.__main__ import main as daicho
from daicho.testkit.company import Caller, Company
from daicho.testkit.description import Description
from daicho.testkit.waiting import until

from .samples import expected, sample

CUSTOM = (
    {
        "key": "rank",
        "label": "ランク",
        "type": "select",
        "options": [{"value": rank, "label": rank} for rank in "SABC"],
    },
    {"key": "registered_on", "label": "登録日", "type": "date"},
    {"key": "total_spent", "label": "累計購入額", "type": "money"},
    {"key": "consent", "label": "メール配信同意", "type": "boolean"},
)
PHONES = {"phone": "work", "mobile": "mobile"}


@dataclass
class Story:
    """What the steps hand on."""

    company: Company
    colleague: Caller
    imported: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> Caller:
        return self.company.owner


@pytest.fixture(scope="module")
async def story(product) -> AsyncIterator[Story]:
    """A company with an owner and an invited member, both signed in; every answer is held against the description."""
    company = await product.company()
    description = Description((await company.client.get("/openapi.json")).json())
    company.client.event_hooks["response"].append(description.watch)
    yield Story(company, await company.invite("ichiro", "member"))
    await company.client.aclose()


async def test_both_are_signed_in_and_may_what_their_roles_say(story) -> None:
    owner, colleague = await story.owner.get("/v1/me"), await story.colleague.get("/v1/me")
    assert (owner["user"]["role"], owner["tenant"]["email_confirmed"]) == ("owner", True)
    assert (colleague["user"]["role"], colleague["permissions"]["contacts:update"]) == ("member", "own")
    assert owner["tenant"]["id"] == colleague["tenant"]["id"]


async def test_the_ledger_gets_fields_of_its_own(story) -> None:
    for each in CUSTOM:
        await story.owner.post("/v1/fields", {"resource": "contact", **each})
    known = (await story.colleague.get("/v1/fields?resource=contact"))["items"]
    assert [each["key"] for each in known] == [each["key"] for each in CUSTOM]


async def test_excels_file_is_recognised_and_its_columns_find_their_fields(story) -> None:
    story.imported = await story.owner.upload(sample("contacts-small.csv"), name="顧客.csv")
    assert (story.imported["encoding"], story.imported["delimiter"]) == ("cp932", ",")
    assert [each["name"] for each in story.imported["columns"] if each["suggested_field"] is None] == []
    assert len(story.imported["columns"]) == len(expected("contacts-small.expected.json")["columns"])


async def test_the_check_names_every_bad_cell_and_writes_nothing(story) -> None:
    place = f"/v1/imports/{story.imported['id']}"
    mapping = [{"column": it["index"], "field": it["suggested_field"]} for it in story.imported["columns"]]
    change = {"mapping": mapping, "match_on": "customer_code", "on_match": "update"}
    answer = await story.owner("PATCH", place, change)
    assert answer.status_code == 200, answer.text
    await story.owner.post(f"{place}/check")
    checked = await _until(story.owner, place, "checked")
    rows = expected("contacts-small.expected.json")["rows"]
    bad = {
        (row["row"], row["line"], error["column"], error["code"])
        for row in rows
        if row["outcome"] == "rejected"
        for error in row["errors"]
    }
    assert (checked["rows"], checked["rejected"]) == (300, len({row for row, *_ in bad}))
    assert {
        (it["row"], it["line"], it["column"], it["code"]) for it in await _errors(story.owner, place)
    } == bad
    assert (await story.owner.get("/v1/contacts"))["items"] == []


async def test_the_good_rows_enter_the_ledger_with_the_values_that_they_mean(story) -> None:
    place = f"/v1/imports/{story.imported['id']}"
    await story.owner.post(f"{place}/run")
    done = await _until(story.owner, place, "done")
    good = [row["values"] for row in expected("contacts-small.expected.json")["rows"] if "values" in row]
    assert (done["created"], done["rejected"]) == (len(good), 300 - len(good))
    held = {each["customer_code"]: each for each in await _all_contacts(story.owner)}
    assert held.keys() == {values["customer_code"] for values in good}
    opened = await asyncio.gather(
        *(story.owner.get(f"/v1/contacts/{held[values['customer_code']]['id']}") for values in good[:40])
    )
    for view, values in zip(opened, good, strict=False):
        _compare(view, values)


@pytest.mark.parametrize("word", ["タナ", "ﾀﾅ", "たな", "タナカ", "存在しない"])
async def test_people_are_found_by_a_part_of_their_name_in_any_kana(story, word) -> None:
    answers = {each["query"]: each["match"] for each in expected("search.expected.json")["queries"]}
    wanted = answers["タナ" if word == "ﾀﾅ" else word]
    found = (await story.owner.post("/v1/contacts/search", {"q": word, "limit": 200}))["items"]
    assert sorted(each["customer_code"] for each in found) == sorted(wanted)


async def test_a_contact_is_edited_and_the_second_editor_is_told(story) -> None:
    found = (await story.owner.post("/v1/contacts/search", {"q": "タナカ"}))["items"][0]
    place = f"/v1/contacts/{found['id']}"
    opened = await story.owner("GET", place)
    etag = opened.headers["etag"]
    change = {"title": "営業部長", "owner_id": story.colleague.user_id}
    first = await story.owner("PATCH", place, change, if_match=etag)
    assert (first.status_code, first.json()["title"]) == (200, "営業部長")
    second = await story.owner("PATCH", place, {"title": "課長"}, if_match=etag)
    assert (second.status_code, second.json()["version"]) == (412, first.json()["version"])
    story.contact = await story.owner.get(place)
    assert story.contact["title"] == "営業部長"


async def test_its_history_has_the_values_before_and_after(story) -> None:
    steps = (await story.owner.get(f"/v1/contacts/{story.contact['id']}/history"))["items"]
    assert [step["kind"] for step in steps] == ["updated", "created"]
    assert steps[0]["actor_id"] == story.owner.user_id
    assert steps[0]["changes"]["title"][1] == "営業部長"
    assert steps[0]["changes"]["owner_id"] == [story.owner.user_id, story.colleague.user_id]


async def test_the_colleague_is_limited_to_their_own_contacts_within_a_second(story) -> None:
    assert len((await story.colleague.get("/v1/contacts?limit=200"))["items"]) == 200
    other = next(it for it in await _all_contacts(story.owner) if it["id"] != story.contact["id"])
    await story.company.set_role("member", contacts_read="own")

    async def is_closed() -> bool:
        return (await story.colleague("GET", f"/v1/contacts/{other['id']}")).status_code == 404

    await until(is_closed, within=1)
    assert [it["id"] for it in (await story.colleague.get("/v1/contacts"))["items"]] == [story.contact["id"]]
    found = await story.colleague.post("/v1/contacts/search", {"q": "タナ"})
    assert [it["id"] for it in found["items"]] == [story.contact["id"]]


async def test_the_audit_says_who_saw_what_and_proves_it_offline(story, tmp_path) -> None:
    await story.colleague.get(f"/v1/contacts/{story.contact['id']}")
    wanted = {"record_id": story.contact["id"], "actor_id": story.colleague.user_id, "action": "contact.open"}

    async def entries_of_it() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await story.owner.post("/v1/audit/entries/search", wanted))["items"]
        return found

    entries = await until(entries_of_it)
    assert {(it["actor"]["name"], it["address"]) for it in entries} == {("ichiro", "127.0.0.1")}
    proof = tmp_path / "proof.json"
    proof.write_bytes((await story.owner("GET", f"/v1/audit/entries/{entries[0]['id']}/proof")).content)
    key = (await story.owner.get("/v1/audit/key"))["key"]
    assert daicho(["audit", "verify", str(proof), "--key", key], {}) == 0
    proof.write_text(proof.read_text().replace("contact.open", "contact.list"))
    assert daicho(["audit", "verify", str(proof), "--key", key], {}) == 1


async def test_the_whole_log_verifies_offline(story, tmp_path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_bytes((await story.owner("GET", "/v1/audit/export")).content)
    key = (await story.owner.get("/v1/audit/key"))["key"]
    assert daicho(["audit", "verify", str(log), "--key", key], {}) == 0
    assert len(log.read_text().splitlines()) > 10


async def _until(caller: Caller, place: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (now := await caller.get(place))["status"] != status:
            assert now["status"] != "failed", now
            await asyncio.sleep(0.05)
    return dict(now)


async def _errors(caller: Caller, place: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while cursor is not None:
        page = await caller.get(f"{place}/errors?limit=20" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


async def _all_contacts(caller: Caller) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while cursor is not None:
        page = await caller.get("/v1/contacts?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def _compare(view: dict[str, Any], values: dict[str, Any]) -> None:
    """The contact holds what the known answer says, under the names of the API."""
    plain = {
        "company": "company_name",
        "department": "department",
        "title": "title",
        "last_name": "family_name",
        "first_name": "given_name",
        "last_kana": "family_name_kana",
        "first_kana": "given_name_kana",
        "birthday": "birthday",
        "note": "notes",
    }
    address = {
        "postal_code": "postal_code",
        "prefecture": "prefecture",
        "city": "city",
        "block": "street",
        "building": "building",
    }
    assert {name: view[ours] for name, ours in plain.items()} == {name: values[name] for name in plain}
    assert {name: view["address"][ours] for name, ours in address.items()} == {
        name: values[name] for name in address
    }
    assert [it["address"] for it in view["emails"]] == ([values["email"]] if values["email"] else [])
    assert {it["kind"]: it["number"] for it in view["phones"]} == {
        kind: values[name] for name, kind in PHONES.items() if values[name]
    }
    custom = view["custom"]
    assert (custom.get("rank"), custom.get("registered_on")) == (values["rank"], values["registered_on"])
    assert custom.get("consent") == values["consent"]
    assert (custom.get("total_spent") or {"amount": None})["amount"] == values["total_spent"]
