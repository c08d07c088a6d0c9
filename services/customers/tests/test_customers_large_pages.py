"""Pages of large records end early, go on without skip or repeat, and are fetched no larger than they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from daicho.customers import history, repository
from daicho.customers.exports import service as exports
from daicho.customers.finding import finder, kana
from daicho.tenancy import Prepared
from daicho.web import PAGE_BYTES

RECORDS = 12
TEXTS = 10
LARGE = {f"t{number}": chr(97 + number) * 19_000 for number in range(TEXTS)}
SIZE = 19_000 * TEXTS
MARGIN = 20_000
"""Bytes of the other members of the records of a page."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hall(ledger):
    """A tenant of a dozen contacts and companies of 190 kB each, some of them the member's."""
    house = await ledger.create_house()
    for resource in ("contact", "company"):
        for key in LARGE:
            await house.owner.make("/v1/fields", resource=resource, key=key, label=key, type="long_text")
        await house.owner.make(
            "/v1/fields", resource=resource, key="rank", label="順", type="integer", sortable=True
        )
        await house.owner.make(
            "/v1/fields", resource=resource, key="memo", label="秘", type="long_text", sensitive=True
        )
    for number in range(RECORDS):
        custom = {**LARGE, "memo": "秘密" * 1_000}
        if number % 4:
            custom["rank"] = number * 7 % RECORDS
        owner = str((house.member if number % 2 else house.owner).user_id)
        await house.owner.make(
            "/v1/contacts",
            family_name="山田",
            family_name_kana="ヤマダ" if number % 3 else None,
            given_name_kana="アイウエオカキクケコサシ"[number * 5 % RECORDS],
            department="営業",
            owner_id=owner,
            custom=custom,
        )
        await house.owner.make(
            "/v1/companies", name=f"{number * 5 % RECORDS:02} 商店", owner_id=owner, custom=custom
        )
    return house


SEALED = {"field": "custom.memo", "op": "contains", "value": "秘密"}
LISTS = ("newest", "oldest", "updated", "custom.rank", "-custom.rank")
SEARCHES: dict[str, dict[str, Any]] = {
    "contacts": {
        "words": {"q": "山田"},
        "words by kana": {"q": "山田", "sort": "kana"},
        "words by a field": {"q": "山田", "sort": "-custom.rank"},
        "a sealed name": {"filter": {"field": "family_name", "op": "eq", "value": "山田"}},
        "a sealed name, oldest": {
            "filter": {"field": "family_name", "op": "eq", "value": "山田"},
            "sort": "oldest",
        },
        "a column": {"filter": {"field": "department", "op": "contains", "value": "営"}},
        "a sealed text": {"filter": SEALED},
        "a sealed text by kana": {"filter": SEALED, "sort": "kana"},
    },
    "companies": {
        "words": {"q": "商店"},
        "words by name": {"q": "商店", "sort": "name"},
        "a column": {"filter": {"field": "name", "op": "contains", "value": "商店"}, "sort": "updated"},
        "a sealed text": {"filter": SEALED},
    },
}
KINDS = [
    *(("contacts", f"?sort={each}", None) for each in (*LISTS, "kana")),
    *(("contacts", f"?kana={each}", None) for each in ("や", "")),
    *(("companies", f"?sort={each}", None) for each in (*LISTS, "name")),
    *((resource, name, asked) for resource, held in SEARCHES.items() for name, asked in held.items()),
]


async def read(caller: Any, resource: str, name: str, asked: Any, limit: int) -> list[tuple[int, list[str]]]:
    """Every page: the length of its answer, and its ids."""
    pages, cursor = [], None
    while True:
        if asked is None:
            more = f"&cursor={cursor}" if cursor else ""
            answer = await caller("GET", f"/v1/{resource}{name}&limit={limit}{more}")
        else:
            answer = await caller(
                "POST", f"/v1/{resource}/search", {**asked, "limit": limit, "cursor": cursor}
            )
        assert answer.status_code == 200, answer.text
        page = answer.json()
        pages.append((len(answer.content), [each["id"] for each in page["items"]]))
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@contextmanager
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The bytes of custom and sealed values in the answer of each query."""
    found: list[int] = []
    fetch = Prepared.fetch

    async def counted(self: Prepared, tx: Any, **params: Any) -> Any:
        rows = await fetch(self, tx, **params)
        parts = [row[name] for row in rows for name in ("custom", "sealed", "rest") if name in row.keys()]  # noqa: SIM118
        found.append(
            sum(len(each if isinstance(each, bytes) else msgspec.json.encode(each)) for each in parts)
        )
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Prepared, "fetch", counted)
        yield found


@pytest.mark.parametrize(("resource", "name", "asked"), KINDS)
async def test_page_of_large_records_ends_early_and_the_next_goes_on(
    resource, name, asked, hall, monkeypatch
) -> None:
    expected = [each for _, ids in await read(hall.owner, resource, name, asked, 1) for each in ids]
    assert len(expected) == len(set(expected)) >= RECORDS // 3
    with fetched(monkeypatch) as sizes:
        pages = await read(hall.owner, resource, name, asked, 200)
    assert [each for _, ids in pages for each in ids] == expected
    assert max(length for length, _ in pages) <= PAGE_BYTES + MARGIN
    assert max(len(ids) for _, ids in pages) == min(PAGE_BYTES // SIZE, len(expected))
    assert max(sizes) <= PAGE_BYTES + MARGIN


@pytest.mark.parametrize("sort", ["newest", "oldest"])
async def test_page_of_large_records_of_one_owner_ends_early(sort, hall, ledger, monkeypatch) -> None:
    caller = hall.member
    expected = [each for _, ids in await read(caller, "contacts", f"?sort={sort}", None, 1) for each in ids]
    with fetched(monkeypatch) as sizes:
        pages = await read(caller, "contacts", f"?sort={sort}", None, 200)
    assert [each for _, ids in pages for each in ids] == expected
    assert len(pages) > 1
    assert max(sizes) <= PAGE_BYTES + MARGIN


async def test_plain_page_fetches_what_it_shows_and_no_more(hall, monkeypatch) -> None:
    with fetched(monkeypatch) as sizes:
        answer = await hall.owner("GET", "/v1/contacts?limit=200")
    assert sum(sizes) <= len(answer.content)


@pytest.mark.parametrize(("resource", "name", "asked"), KINDS)
async def test_record_larger_than_a_page_is_a_page_alone(resource, name, asked, hall, monkeypatch) -> None:
    expected = [each for _, ids in await read(hall.owner, resource, name, asked, 1) for each in ids]
    monkeypatch.setattr(repository, "PAGE_BYTES", SIZE // 2)
    monkeypatch.setattr(finder, "Asked", lambda **asked: _Asked(**asked, most_bytes=SIZE // 2))
    monkeypatch.setattr("daicho.customers.edge.Asked", lambda **asked: _Asked(**asked, most_bytes=SIZE // 2))
    pages = await read(hall.owner, resource, name, asked, 200)
    assert [ids for _, ids in pages] == [[each] for each in expected]


_Asked = finder.Asked


async def test_bucket_too_large_to_sort_ends_early_as_well(hall, monkeypatch) -> None:
    monkeypatch.setattr(kana, "MOST_SORTED", 2)
    pages = await read(hall.owner, "contacts", "?kana=や", None, 200)
    newest = [each for _, ids in await read(hall.owner, "contacts", "?kana=や", None, 1) for each in ids]
    assert [each for _, ids in pages for each in ids] == newest
    assert max(len(ids) for _, ids in pages) == PAGE_BYTES // SIZE


async def test_search_without_hits_stops_opening_after_so_many_bytes(hall, monkeypatch) -> None:
    monkeypatch.setattr(finder, "MOST_BYTES", 2 * PAGE_BYTES)
    nothing = {"filter": {"field": "department", "op": "contains", "value": "経"}, "limit": 200}
    answer = (await hall.owner("POST", "/v1/contacts/search", nothing)).json()
    assert answer["items"] == []
    assert answer["next_cursor"]
    assert [ids for _, ids in await read(hall.owner, "contacts", "", nothing, 200)] == [[], []]


async def test_history_of_large_steps_ends_early_and_goes_on(hall, monkeypatch) -> None:
    made = await hall.owner.make("/v1/contacts", family_name="履歴", custom=LARGE)
    path = f"/v1/contacts/{made['id']}"
    for version in range(1, 9):
        patch = {"custom": {key: str(version) * 19_000 for key in LARGE}}
        assert (await hall.owner("PATCH", path, patch, if_match=f'"v{version}"')).status_code == 200
    steps, cursor, lengths = [], "", []
    with fetched(monkeypatch) as sizes:
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            answer = await hall.owner("GET", f"{path}/history?limit=200{more}")
            lengths.append(len(answer.content))
            steps += [each["version"] for each in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
    assert steps == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert len(lengths) > 1
    assert max(lengths) <= PAGE_BYTES + MARGIN
    assert max(sizes) <= PAGE_BYTES + 2 * SIZE  # the record itself, and no more of the history than is shown
    monkeypatch.setattr(history, "PAGE_BYTES", SIZE // 2)
    answer = (await hall.owner("GET", f"{path}/history")).json()
    assert [each["version"] for each in answer["items"]] == [9]


async def test_history_has_a_cursor_that_fits_its_own_record_alone(house) -> None:
    made = [await house.owner.make("/v1/companies", name=f"履歴 {number}") for number in range(2)]
    for version in range(1, 6):
        patch = {"phone": f"03-1234-000{version}"}
        answer = await house.owner("PATCH", f"/v1/companies/{made[0]['id']}", patch, if_match=f'"v{version}"')
        assert answer.status_code == 200
    path = f"/v1/companies/{made[0]['id']}/history"
    steps, cursor = [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = (await house.owner("GET", f"{path}?limit=4{more}")).json()
        steps.append([each["version"] for each in page["items"]])
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert steps == [[6, 5, 4, 3], [2, 1]]
    other = await house.owner("GET", f"/v1/companies/{made[1]['id']}/history?cursor={cursor}")
    assert other.json()["code"] == "invalid_cursor"
    for limit in (0, 201):
        assert (await house.owner("GET", f"{path}?limit={limit}")).status_code in {400, 422}


@pytest.mark.parametrize("resource", ["contacts", "companies"])
async def test_batch_of_an_export_has_fewer_large_records_and_the_file_has_all(
    hall, monkeypatch, resource
) -> None:
    monkeypatch.setattr(exports, "PORTIONS", 1)
    read, covered = exports.Export._read, []

    async def counted(export: Any, ids: Any) -> Any:
        answer = await read(export, ids)
        covered.append(answer[0])
        return answer

    monkeypatch.setattr(exports.Export, "_read", counted)
    # Another test may have made one more.
    there = (await hall.owner("GET", f"/v1/{resource}?limit=1&count=true")).json()["count"]["value"]
    answer = await hall.owner("POST", f"/v1/{resource}/export", {"format": "csv"})
    assert answer.status_code == 200
    assert there >= RECORDS
    assert (len(answer.text.splitlines()), sum(covered)) == (1 + there, there)
    assert max(covered) * SIZE <= PAGE_BYTES
