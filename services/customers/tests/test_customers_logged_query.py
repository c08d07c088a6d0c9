"""What the access log keeps of a search does not grow with the search."""

from __future__ import annotations

import msgspec
import pytest
from service_world import outbox

from daicho.contracts.audit.events.v1 import events_pb2 as audit
from daicho.customers.logged_query import LARGEST, encode_query

LARGE = {
    "many conditions": {"any": [{"field": "custom.rank", "op": "eq", "value": "S" * 200}] * 100},
    "many values": {"not": {"field": "id", "op": "in", "value": ["あ" * 30] * 500}},
    "many groups": {"all": [{"any": [{"not": {"field": "a", "op": "eq", "value": "あ" * 100}}] * 10}] * 10},
}


def test_small_filter_is_kept_whole() -> None:
    tree = {"all": [{"field": "family_name", "op": "eq", "value": "田中"}]}
    assert msgspec.json.decode(encode_query("田", tree)) == {"q": "田", "filter": tree}


@pytest.mark.parametrize("name", LARGE)
def test_large_filter_is_shortened_and_keeps_its_shape(name) -> None:
    kept = encode_query("あ" * 200, LARGE[name])
    assert len(kept) <= LARGEST
    decoded = msgspec.json.decode(kept)
    assert decoded["filter"].keys() == LARGE[name].keys()
    assert decoded["shortened"]["bytes"] > LARGEST
    assert len(decoded["shortened"]["sha256"]) == 64


async def test_entry_of_a_large_search_is_small(house, ledger) -> None:
    ids = [f"019abf4e-0000-7000-8000-{n:012d}" for n in range(500)]
    answer = await house.owner(
        "POST", "/v1/contacts/search", {"filter": {"field": "id", "op": "in", "value": ids}}
    )
    assert answer.status_code == 200, answer.text
    entries = [audit.Accessed.FromString(each.payload) for each in await outbox(ledger, "access_outbox")]
    (entry,) = [each for each in entries if each.action == "contact.search"][-1:]
    assert 0 < len(entry.sealed_query) <= LARGEST + 100


async def test_large_filter_is_refused_and_not_echoed(house) -> None:
    answer = await house.owner("POST", "/v1/contacts/search", {"filter": {"any": [{"all": []}] * 10_000}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "condition_too_large")
    assert len(answer.content) < 2_000
