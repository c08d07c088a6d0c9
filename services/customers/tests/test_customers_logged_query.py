"""What the access log keeps of a search does not grow with the search."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from service_world import outbox

from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.customers.logged_query import LARGEST, encode_query

NEWEST = {"field": "created_at", "descending": True}
LARGE = {
    "many conditions": {"any": [{"field": "custom.rank", "op": "eq", "value": "S" * 200}] * 100},
    "many values": {"not": {"field": "id", "op": "in", "value": ["あ" * 30] * 500}},
    "many groups": {"all": [{"any": [{"not": {"field": "a", "op": "eq", "value": "あ" * 100}}] * 10}] * 10},
}


def test_small_filter_is_kept_whole() -> None:
    tree = {"all": [{"field": "family_name", "op": "eq", "value": "田中"}]}
    assert msgspec.json.decode(encode_query("田", tree, NEWEST)) == {
        "q": "田",
        "filter": tree,
        "sort": NEWEST,
        "looked_into": [],
    }


def test_words_keep_the_fields_that_they_were_compared_with_within_a_bound() -> None:
    keys = {f"key_{n:036d}" for n in range(200)}
    few = sorted(keys)[:10]
    assert msgspec.json.decode(encode_query("田", None, NEWEST, few))["looked_into"] == few
    many = encode_query("あ" * 200, LARGE["many conditions"], NEWEST, keys)
    assert len(many) <= LARGEST
    assert msgspec.json.decode(many)["looked_into"] is None
    assert "looked_into" not in msgspec.json.decode(encode_query(None, None, NEWEST, few))


@pytest.mark.parametrize("name", LARGE)
def test_large_filter_is_shortened_and_keeps_its_shape(name) -> None:
    sort = {"field": f"custom.{'k' * 64}", "descending": False}
    kept = encode_query("あ" * 200, LARGE[name], sort)
    assert len(kept) <= LARGEST
    decoded = msgspec.json.decode(kept)
    assert decoded["filter"].keys() == LARGE[name].keys()
    assert decoded["shortened"]["bytes"] > LARGEST
    assert len(decoded["shortened"]["sha256"]) == 64
    assert decoded["sort"] == sort


async def test_entry_of_a_large_search_is_small(house, ledger) -> None:
    ids = [f"019abf4e-0000-7000-8000-{n:012d}" for n in range(500)]
    answer = await house.owner(
        "POST", "/v1/contacts/search", {"filter": {"field": "id", "op": "in", "value": ids}}
    )
    assert answer.status_code == 200, answer.text
    entry = await newest(ledger, "contact.search")
    assert 0 < len(entry.sealed_query) <= LARGEST + 100


async def newest(ledger: Any, action: str) -> audit.Accessed:
    """The last entry of ``action``."""
    entries = [audit.Accessed.FromString(each.payload) for each in await outbox(ledger, "access_outbox")]
    return [each for each in entries if each.action == action][-1]


async def logged(ledger: Any, house: Any, action: str) -> Any:
    """What the last entry of ``action`` says was asked for; None where it says nothing."""
    sealed = (await newest(ledger, action)).sealed_query
    keys = await ledger.rails.keyring.open(house.tenant_id)
    return msgspec.json.decode(keys.events.unseal(sealed, field="Accessed.sealed_query")) if sealed else None


@pytest.mark.parametrize("resource", ["contact", "company"])
@pytest.mark.parametrize("verb", ["list", "search", "export"])
async def test_order_of_a_list_a_search_and_an_export_is_logged(verb, resource, house, ledger) -> None:
    field = {"resource": resource, "key": f"rank_{verb}", "type": "integer", "sortable": True}
    await house.owner.make("/v1/fields", **field)
    name, place = f"custom.rank_{verb}", "/v1/contacts" if resource == "contact" else "/v1/companies"
    for sort, descending in ((name, False), (f"-{name}", True)):
        if verb == "list":
            answer = await house.owner("GET", f"{place}?sort={sort}")
        else:
            answer = await house.owner("POST", f"{place}/{verb}", {"sort": sort})
        assert answer.status_code == 200, answer.text
        found = await logged(ledger, house, f"{resource}.{verb}")
        assert found == {"q": None, "filter": None, "sort": {"field": name, "descending": descending}}


@pytest.mark.parametrize("resource", ["contact", "company"])
@pytest.mark.parametrize("verb", ["search", "export"])
async def test_fields_that_words_look_into_are_logged(verb, resource, house, ledger) -> None:
    plural = "contacts" if resource == "contact" else "companies"
    for key, searchable in ((f"memo_{verb}", True), (f"plain_{verb}", False)):
        field = {"resource": resource, "key": key, "type": "text", "searchable": searchable}
        await house.owner.make("/v1/fields", **field, read_roles=["owner"])
    answer = await house.member("POST", f"/v1/{plural}/search", {"q": "秘"})
    if verb == "export":
        answer = await house.owner("POST", f"/v1/{plural}/export", {"q": "秘"})
    assert answer.status_code == 200, answer.text
    looked_into = (await logged(ledger, house, f"{resource}.{verb}"))["looked_into"]
    assert f"memo_{verb}" in looked_into
    assert f"plain_{verb}" not in looked_into


async def test_kana_of_a_list_is_logged_as_a_condition(house, ledger) -> None:
    assert (await house.owner("GET", "/v1/contacts?kana=あ")).status_code == 200
    found = await logged(ledger, house, "contact.list")
    assert found["filter"] == {"field": "first_kana", "op": "eq", "value": "あ"}
    assert found["sort"] == {"field": "family_name_kana", "descending": False}
    assert (await house.owner("GET", "/v1/contacts")).status_code == 200
    assert await logged(ledger, house, "contact.list") is None


async def test_large_filter_is_refused_and_not_echoed(house) -> None:
    answer = await house.owner("POST", "/v1/contacts/search", {"filter": {"any": [{"all": []}] * 10_000}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "condition_too_large")
    assert len(answer.content) < 2_000
