"""Search over sealed fields gives exactly the rows of the shared expectations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from daicho.nihongo import fold

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
QUERIES = json.loads((DATA / "search.expected.json").read_text())["queries"]


def contact_of(values: dict[str, Any]) -> dict[str, Any]:
    """An expected row of the file as the API takes it."""
    numbers = {"work": values["phone"], "mobile": values["mobile"]}
    return {
        "customer_code": values["customer_code"],
        "company_name": values["company"],
        "family_name": values["last_name"],
        "given_name": values["first_name"],
        "family_name_kana": values["last_kana"],
        "given_name_kana": values["first_kana"],
        "emails": [{"address": values["email"]}] if values["email"] else [],
        "phones": [{"kind": kind, "number": number} for kind, number in numbers.items() if number],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def samples(house):
    """The accepted rows of contacts-small.csv in the ledger; their ids by customer code, in order."""
    rows = json.loads((DATA / "contacts-small.expected.json").read_text())["rows"]
    made = {}
    for row in rows:
        if row["outcome"] == "accepted":
            contact = await house.owner.make("/v1/contacts", **contact_of(row["values"]))
            made[contact["customer_code"]] = contact["id"]
    return made


async def find(caller: Any, **asked: Any) -> list[str]:
    """Ids of every page."""
    ids, cursor = [], None
    while True:
        answer = await caller("POST", "/v1/contacts/search", {**asked, "limit": 50, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query["id"])
async def test_a_query_finds_exactly_what_it_should_newest_first(query, house, samples):
    codes = query["begins"] if len(fold(query["query"])) == 1 else query["match"]
    expected = [record for code, record in reversed(samples.items()) if code in set(codes)]
    assert await find(house.reader, q=query["query"]) == expected


async def test_words_with_a_filter_find_both(house, samples):
    ids = await find(
        house.reader,
        q="株式会社",
        filter={
            "all": [{"field": "phone", "op": "begins", "value": "090"}, {"field": "email", "op": "is_set"}]
        },
    )
    both = set(await find(house.reader, q="株式会社")) & set(await find(house.reader, q="090"))
    assert set(ids) <= both
    assert ids


async def test_several_words_must_all_be_found(house, samples):
    both = await find(house.reader, q="株式会社　タナカ")
    assert set(both) == set(await find(house.reader, q="株式会社")) & set(
        await find(house.reader, q="タナカ")
    )
    assert both


async def test_search_shows_only_records_that_the_reader_may_list(ledger, house, samples):
    from daicho.tenancy import Scope

    await ledger.set_role(
        house.tenant_id, "own_only", {"contacts:read": Scope.OWN, "contacts:create": Scope.OWN}
    )
    own = await ledger.create_user(house.tenant_id, "own_only")
    assert await find(own, q="株式会社") == []
    mine = await own.make("/v1/contacts", family_name="自分", emails=[{"address": "a@example.jp"}])
    assert await find(own, q="自分") == [mine["id"]]
    assert await find(own, q="a") == [mine["id"]]
