"""Candidates by the blind index in a ledger larger than a glance, orders beside newest, and sealed conditions."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from daicho.customers.finding import finder, sorting
from daicho.customers.finding.filling import more_candidates
from daicho.customers.finding.search import search_ids
from daicho.tenancy import uuid7

ROWS = 14_000
COMMON, BUNCHED, OLD, RARE, SPARSE, NEVER = range(1, 7)
_NEWEST = UUID(int=2**128 - 1)
_COLUMNS = (
    *("tenant_id", "id", "version", "owner_id", "tokens", "created_at", "updated_at", "deleted_at"),
    *("lifecycle", "has_email", "has_phone", "card"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(ledger):
    """A tenant of many contacts, newest last, and the tokens of each: some common, some bunched, some old, some rare."""
    house, dice = await ledger.create_house(), random.Random(3)
    owners = [person.user_id for person in house.people.values()]
    admin = await asyncpg.connect(ledger.made.admin_url)
    now = await admin.fetchval("SELECT now()")
    made: list[tuple[UUID, UUID, set[int], bool]] = []
    for number in range(ROWS):
        held = {-(2**62) + number}  # every record has tokens that no other has
        held |= {COMMON} if dice.random() < 0.5 else set()
        held |= {SPARSE} if dice.random() < 0.01 else set()
        held |= {BUNCHED} if ROWS - 1_500 < number < ROWS - 1_460 or number < 300 else set()
        held |= {OLD} if number < 900 else set()
        held |= {RARE} if number in {5, 7_000, ROWS - 5} else set()
        made.append((uuid7(), owners[int(dice.random() ** 3 * 6)], held, dice.random() < 0.02))
    made.sort()
    rows = [
        (
            house.tenant_id,
            each,
            1,
            owner,
            sorted(held),
            now,
            now,
            now if gone else None,
            "lead",
            False,
            False,
            b"",
        )
        for each, owner, held, gone in made
    ]
    await admin.copy_records_to_table("contact", records=rows, columns=_COLUMNS)
    await admin.execute("ANALYZE contact")
    await admin.close()
    return house, [(each, owner, held) for each, owner, held, gone in reversed(made) if not gone]


WORDS = {
    "common": [[[COMMON]]],
    "sparse": [[[SPARSE]]],
    "a bunch, then none for long": [[[BUNCHED]]],
    "old alone": [[[OLD]]],
    "rare": [[[RARE]]],
    "never": [[[NEVER]]],
    "two words": [[[COMMON]], [[OLD]]],
    "all of several tokens": [[[COMMON, OLD, SPARSE]]],
    "one of several classes": [[[RARE], [NEVER], [BUNCHED, OLD]]],
    "a word that no class takes": [[[]], [[RARE]]],
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("scope", ["all", "one", "team", "nobody"])
async def test_the_look_up_finds_the_newest_of_every_kind_of_word_page_by_page(
    name, scope, ledger, crowd
) -> None:
    house, made = crowd
    people = list(house.people.values())
    chosen = {"all": None, "one": people[5:6], "team": people[2:5], "nobody": []}[scope]
    owners = None if chosen is None else frozenset(person.user_id for person in chosen)
    words = [word for word in WORDS[name] if any(word)]
    expected = [
        each
        for each, owner, held in made
        if (owners is None or owner in owners)
        and all(any(held.issuperset(way) for way in word) for word in words)
    ]
    found: list[UUID] = []
    async with ledger.database.reading(house.tenant_id) as tx:
        after, count = _NEWEST, 51
        while True:
            part = await search_ids(tx, "contact", WORDS[name], owners=owners, after=after, count=count)
            found += part
            if len(part) < count:
                break
            after, count = part[-1], 700
    assert found == expected


async def test_the_look_up_sees_its_own_tenant_alone(ledger, neighbour, crowd) -> None:
    async with ledger.database.reading(neighbour.tenant_id) as tx:
        assert await search_ids(tx, "contact", [[[COMMON]]], owners=None, after=_NEWEST, count=10) == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(house):
    """Seven contacts that one word finds, with readings, dates and a number of their own."""
    fields = {"resource": "contact", "key": "visits", "label": "回数", "type": "integer", "sortable": True}
    await house.owner.make("/v1/fields", **fields)
    made = []
    for name, kana, visits in (
        ("順甲", "ナイ", 3),
        ("順乙", "アイ", None),
        ("順丙", None, 9),
        ("順丁", "カイ", 3),
        ("順戊", "アア", 1),
        ("順己", None, None),
        ("順庚", "ガイ", 2),
    ):
        body: dict[str, Any] = {"family_name": name, "company_name": "並び替え商会"}
        body |= {"family_name_kana": kana} if kana else {}
        body |= {"custom": {"visits": visits}} if visits else {}
        made.append(await house.owner.make("/v1/contacts", **body))
    moved = made[2]
    answer = await house.owner(
        "PATCH", f"/v1/contacts/{moved['id']}", {"department": "移動"}, **{"if-match": '"v1"'}
    )
    assert answer.status_code == 200, answer.text
    return made


async def pages(caller: Any, limit: int, **asked: Any) -> tuple[str, list[str]]:
    """The last characters of the family names of every page, and what each page says its order is."""
    names, orders, cursor = "", [], None
    while True:
        answer = await caller("POST", "/v1/contacts/search", {**asked, "limit": limit, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        names += "".join(item["family_name"][-1] for item in page["items"])
        orders.append(page["sort"])
        cursor = page["next_cursor"]
        if cursor is None:
            return names, orders


ORDERS = {
    "newest": "庚己戊丁丙乙甲",
    "oldest": "甲乙丙丁戊己庚",
    "updated": "丙庚己戊丁乙甲",
    "kana": "戊乙丁庚甲丙己",
    "custom.visits": "戊庚甲丁丙己乙",
    "-custom.visits": "丙丁甲庚戊己乙",
}
BY_FAMILY = {"field": "family_name", "op": "begins", "value": "順"}


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize(
    "asked", [{"q": "並び替え"}, {"filter": BY_FAMILY}, {"q": "順", "filter": BY_FAMILY}]
)
@pytest.mark.parametrize("limit", [2, 50])
async def test_what_is_searched_for_comes_in_the_order_that_is_asked_for(
    asked, sort, limit, house, people
) -> None:
    names, orders = await pages(house.reader, limit, **asked, sort=sort)
    assert names == ORDERS[sort]
    assert set(orders) == {sort}


async def test_more_hits_than_can_be_sorted_come_by_newest_and_say_so(house, people, monkeypatch) -> None:
    monkeypatch.setattr(sorting, "MOST_SORTED", 6)
    names, orders = await pages(house.reader, 3, q="並び替え", sort="kana")
    assert (names, set(orders)) == (ORDERS["newest"], {"newest"})
    names, orders = await pages(house.reader, 3, filter=BY_FAMILY, sort="updated")
    assert (names, set(orders)) == (ORDERS["updated"], {"updated"})


async def test_a_sorted_list_goes_on_sorted_when_hits_come_in_between(house, people, monkeypatch) -> None:
    monkeypatch.setattr(sorting, "MOST_SORTED", 7)
    asked = {"q": "並び替え", "sort": "kana", "limit": 3}
    first = (await house.reader("POST", "/v1/contacts/search", asked)).json()
    late = await house.owner.make(
        "/v1/contacts", family_name="順辛", family_name_kana="ワ", company_name="並び替え商会"
    )
    rest = (
        await house.reader(
            "POST", "/v1/contacts/search", {**asked, "limit": 50, "cursor": first["next_cursor"]}
        )
    ).json()
    shown = "".join(item["family_name"][-1] for page in (first, rest) for item in page["items"])
    await house.owner("DELETE", f"/v1/contacts/{late['id']}", **{"if-match": '"v1"'})
    assert (shown, rest["sort"]) == ("戊乙丁庚甲辛丙己", "kana")


async def test_a_cursor_of_one_order_opens_no_other(house, people) -> None:
    asked = {"q": "並び替え", "sort": "kana", "limit": 3}
    cursor = (await house.reader("POST", "/v1/contacts/search", asked)).json()["next_cursor"]
    other = await house.reader("POST", "/v1/contacts/search", {**asked, "sort": "newest", "cursor": cursor})
    assert (other.status_code, other.json()["code"]) == (400, "invalid_cursor")


async def test_a_count_of_what_was_sorted_comes_when_asked(house, people) -> None:
    asked = {"q": "並び替え", "sort": "oldest", "limit": 2, "count": True}
    assert (await house.reader("POST", "/v1/contacts/search", asked)).json()["count"] == {
        "value": 7,
        "capped": False,
    }


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ({"field": "family_name", "op": "eq", "value": "順甲"}, "甲"),
        ({"field": "family_name_kana", "op": "begins", "value": "なイ"}, "甲"),
        ({"any": [{"field": "family_name", "op": "eq", "value": each} for each in ("順甲", "順乙")]}, "乙甲"),
        ({"any": [{"field": "family_name", "op": "contains", "value": "順甲"}, {"field": "email", "op": "eq", "value": "x@example.jp"}]}, "甲"),
        ({"all": [BY_FAMILY, {"field": "custom.visits", "op": "eq", "value": 9}]}, "丙"),
    ],
)  # fmt: skip
async def test_a_sealed_condition_opens_what_the_index_offers_and_no_more(
    condition, name, house, people, monkeypatch
) -> None:
    """Without the index a page that opens three rows would end, empty, long before the oldest."""
    monkeypatch.setattr(finder, "MOST_OPENED", 3)
    assert await pages(house.reader, 2, filter=condition) == (name, ["newest"])


@pytest.mark.parametrize(
    "asked", [{"q": "並び替え"}, {"filter": BY_FAMILY}, {"q": "順", "filter": BY_FAMILY}]
)
async def test_a_page_opens_no_more_records_than_it_needs(asked, house, people, monkeypatch) -> None:
    opened = []

    class Counting(finder.Look):
        async def open(self, ids):
            opened.extend(ids)
            async for portion in super().open(ids):
                yield portion

    monkeypatch.setattr(finder, "_Look", Counting)
    assert (await house.reader("POST", "/v1/contacts/search", {**asked, "limit": 2})).json()["next_cursor"]
    assert len(opened) == 3


async def test_a_candidate_that_is_none_makes_the_look_up_ask_for_few_more(house, monkeypatch) -> None:
    for kana in (
        "ニヌネ",
        "ニヌネノ",
        "アニヌネ",
        "ヌネニヌ",
    ):  # the last has every pair of the word, not the word
        await house.owner.make("/v1/contacts", family_name="対", family_name_kana=kana)
    counts = []

    class Counting(finder.Look):
        async def hits(self, after, count):
            counts.append(count)
            return await super().hits(after, count)

    monkeypatch.setattr(finder, "_Look", Counting)
    answer = (await house.reader("POST", "/v1/contacts/search", {"q": "ﾆﾇﾈ", "limit": 2})).json()
    assert [each["family_name_kana"] for each in answer["items"]] == ["アニヌネ", "ニヌネノ"]
    assert answer["next_cursor"]
    assert counts == [3, 20]


@pytest.mark.parametrize(
    ("missing", "found", "opened", "more"),
    [(1, 50, 51, 20), (26, 25, 51, 79), (41, 10, 51, 204), (51, 0, 51, 204), (51, 1, 255, 1_020)],
)
def test_how_many_more_are_taken_follows_from_how_many_were_right(missing, found, opened, more) -> None:
    assert more_candidates(missing, found, opened) == more


async def test_where_the_columns_say_more_than_the_index_they_lead(house, people, monkeypatch) -> None:
    monkeypatch.setattr(finder, "MOST_OPENED", 3)
    monkeypatch.setattr(finder, "FEW", 2)
    tree = {"all": [BY_FAMILY, {"field": "custom.visits", "op": "eq", "value": 3}]}
    names, _ = await pages(house.reader, 2, filter=tree)
    assert names == "丁甲"


@pytest.mark.parametrize("query", ["🍣", "𠮟", "é", "ｶﾞ", "が" * 200, "  ", "　", "\u200b", "()", "㍿"])
async def test_no_query_is_an_accident(query, house) -> None:
    assert (await house.reader("POST", "/v1/contacts/search", {"q": query})).status_code == 200


async def test_a_query_that_is_too_long_is_told_so(house) -> None:
    answer = await house.reader("POST", "/v1/contacts/search", {"q": "あ" * 1_000})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/q")
