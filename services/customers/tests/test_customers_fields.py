"""Custom fields: checked, unique, by role, sensitive, searchable; and filters over them."""

from __future__ import annotations

from uuid import uuid4

import pytest
import pytest_asyncio

from daicho.jobs import Job


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fields(house):
    """A field of many a type on contacts, by key."""
    made = {}
    for key, kind, more in (
        ("rank", "select", {"options": [{"value": "S"}, {"value": "A"}], "default": "A"}),
        ("budget", "money", {}),
        ("visits", "integer", {"sortable": True}),
        ("met_on", "date", {"sortable": True}),
        ("badge", "text", {"unique": True}),
        ("salary", "integer", {"read_roles": ["owner"], "write_roles": ["owner"]}),
        ("disease", "text", {"sensitive": True, "searchable": True}),
        ("motto", "text", {"searchable": True}),
        ("friend", "link", {"link_resource": "contact"}),
        ("patron", "user", {}),
        ("langs", "multi_select", {"options": [{"value": "ja"}, {"value": "en"}, {"value": "fr"}]}),
        ("score", "decimal", {"scale": 1, "sortable": True}),
    ):
        body = {"resource": "contact", "key": key, "label": key, "type": kind, **more}
        made[key] = await house.admin.make("/v1/fields", **body)
    return made


async def found(caller, **asked):
    answer = await caller("POST", "/v1/contacts/search", {"limit": 200, **asked})
    assert answer.status_code == 200, answer.text
    return {item["family_name"] for item in answer.json()["items"]}


async def test_a_default_is_filled_in_and_an_unknown_option_refused(house, fields):
    made = await house.owner.make("/v1/contacts", family_name="既定")
    assert made["custom"] == {"rank": "A"}
    wrong = await house.owner(
        "POST", "/v1/contacts", {"family_name": "既定", "custom": {"rank": "Z", "no": 1}}
    )
    assert {(each["pointer"], each["code"]) for each in wrong.json()["errors"]} == {
        ("/custom/rank", "unknown_option"),
        ("/custom/no", "unknown_field"),
    }


async def test_a_unique_value_is_held_by_one(house, fields):
    made = await house.owner.make("/v1/contacts", family_name="一", custom={"badge": "B-1"})
    taken = await house.owner("POST", "/v1/contacts", {"family_name": "二", "custom": {"badge": "B-1"}})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (422, "/custom/badge")
    await house.owner("DELETE", f"/v1/contacts/{made['id']}", if_match='"v1"')
    await house.owner.make("/v1/contacts", family_name="二", custom={"badge": "B-1"})
    back = await house.owner("POST", f"/v1/contacts/{made['id']}/restore")
    assert (back.status_code, back.json()["errors"][0]["code"]) == (422, "not_unique")


async def test_a_code_is_held_by_one(house):
    await house.owner.make("/v1/contacts", family_name="一", customer_code="U-1")
    taken = await house.owner("POST", "/v1/contacts", {"family_name": "二", "customer_code": "U-1"})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (422, "/customer_code")


async def test_a_role_sees_and_writes_what_it_may(house, fields):
    made = await house.owner.make("/v1/contacts", family_name="給与", custom={"salary": 5})
    path = f"/v1/contacts/{made['id']}"
    assert "salary" not in (await house.admin("GET", path)).json()["custom"]
    refused = await house.admin("PATCH", path, {"custom": {"salary": 6}}, if_match='"v1"')
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_field")
    history = (await house.admin("GET", f"{path}/history")).json()["items"]
    assert "custom.salary" not in history[0]["changes"]
    asked = {"filter": {"field": "custom.salary", "op": "eq", "value": 5}}
    assert (await house.admin("POST", "/v1/contacts/search", asked)).status_code == 422
    assert await found(house.owner, **asked) == {"給与"}
    kept = (await house.admin("PATCH", path, {"title": "長"}, if_match='"v1"')).json()
    assert kept["version"] == 2
    assert (await house.owner("GET", path)).json()["custom"]["salary"] == 5


async def test_links_and_users_must_be_the_tenants_own(house, neighbour, fields):
    friend = await house.owner.make("/v1/contacts", family_name="友")
    theirs = await neighbour.owner.make("/v1/contacts", family_name="隣友")
    body = {"family_name": "繋", "custom": {"friend": friend["id"], "patron": str(house.member.user_id)}}
    assert (await house.owner("POST", "/v1/contacts", body)).status_code == 201
    for custom in (
        {"friend": theirs["id"]},
        {"patron": str(neighbour.owner.user_id)},
        {"patron": str(uuid4())},
    ):
        answer = await house.owner("POST", "/v1/contacts", {"family_name": "繋", "custom": custom})
        assert answer.status_code == 422, answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(house, fields):
    """Three contacts to filter."""
    company = await house.owner.make("/v1/companies", name="濾過株式会社")
    common = {"company_id": company["id"], "tags": ["濾過"]}
    await house.owner.make(
        "/v1/contacts",
        family_name="甲",
        family_name_kana="コウ",
        emails=[{"address": "kou@example.jp"}],
        birthday="1980-01-02",
        department="営業部",
        address={"prefecture": "東京都", "city": "港区"},
        custom={
            "rank": "S",
            "visits": 3,
            "budget": {"amount": 500},
            "met_on": "2026-11-20",
            "langs": ["ja", "en"],
            "score": "1.5",
            "disease": "花粉症",
            "motto": "一期一会",
        },
        **common,
    )
    await house.owner.make(
        "/v1/contacts",
        family_name="乙",
        family_name_kana="オツ",
        phones=[{"number": "090-1111-2222", "kind": "mobile"}],
        lifecycle="customer",
        address={"prefecture": "大阪府", "city": "北区"},
        custom={"visits": 9, "langs": ["fr"], "score": "-2.5"},
        **common,
    )
    await house.owner.make("/v1/contacts", family_name="丙", custom={"rank": None}, **common)
    return company


FILTERS = [
    ({"field": "custom.rank", "op": "eq", "value": "S"}, "甲"),
    ({"field": "custom.rank", "op": "is_set", "value": False}, "丙"),
    ({"not": {"field": "custom.rank", "op": "eq", "value": "S"}}, "乙丙"),
    ({"field": "custom.visits", "op": "gt", "value": 3}, "乙"),
    ({"field": "custom.visits", "op": "between", "value": [3, 9]}, "甲乙"),
    ({"field": "custom.budget", "op": "gte", "value": 500}, "甲"),
    ({"field": "custom.met_on", "op": "lt", "value": "2026-11-21"}, "甲"),
    ({"field": "custom.langs", "op": "any_of", "value": ["fr", "en"]}, "甲乙"),
    ({"field": "custom.score", "op": "lt", "value": "0"}, "乙"),
    ({"field": "custom.disease", "op": "contains", "value": "花粉"}, "甲"),
    ({"field": "custom.motto", "op": "begins", "value": "一期"}, "甲"),
    ({"not": {"field": "custom.disease", "op": "eq", "value": "花粉症"}}, "乙丙"),
    ({"field": "lifecycle", "op": "in", "value": ["customer", "former"]}, "乙"),
    ({"field": "email", "op": "is_set"}, "甲"),
    ({"field": "email", "op": "eq", "value": "KOU@example.jp"}, "甲"),
    ({"field": "phone", "op": "begins", "value": "090-1111"}, "乙"),
    ({"field": "family_name", "op": "eq", "value": "丙"}, "丙"),
    ({"field": "family_name_kana", "op": "begins", "value": "こ"}, "甲"),
    ({"field": "first_kana", "op": "eq", "value": "あ"}, "乙"),
    ({"field": "address.prefecture", "op": "eq", "value": "東京都"}, "甲"),
    ({"field": "address.city", "op": "contains", "value": "北区"}, "乙"),
    ({"field": "birthday", "op": "eq", "value": "1980-01-02"}, "甲"),
    ({"field": "department", "op": "contains", "value": "営業"}, "甲"),
    ({"field": "company_name", "op": "begins", "value": "濾過"}, "甲乙丙"),
    ({"field": "created_at", "op": "within", "value": {"period": "last_days", "count": 2}}, "甲乙丙"),
    ({"field": "tags", "op": "eq", "value": "濾過"}, "甲乙丙"),
    (
        {"any": [{"field": "email", "op": "is_set"}, {"field": "custom.visits", "op": "eq", "value": 9}]},
        "甲乙",
    ),
]


@pytest.mark.parametrize(("tree", "names"), FILTERS, ids=[str(number) for number in range(len(FILTERS))])
@pytest.mark.parametrize("sort", ["newest", "oldest", "updated", "kana"])
async def test_a_filter_takes_what_it_says_in_every_order(tree, names, sort, house, people):
    inside = {"field": "company_id", "op": "eq", "value": people["id"]}
    assert await found(house.reader, filter={"all": [inside, tree]}, sort=sort) == set(names)


@pytest.mark.parametrize("plural", ["contacts", "companies"])
async def test_names_of_many_records_are_had_by_their_ids_in_one_search(plural, house):
    member = "family_name" if plural == "contacts" else "name"
    made = [(await house.owner.make(f"/v1/{plural}", **{member: name})) for name in ("子", "丑", "寅")]
    gone = await house.owner("DELETE", f"/v1/{plural}/{made[1]['id']}", if_match='"v1"')
    assert gone.status_code == 204
    tree = {"field": "id", "op": "in", "value": [each["id"] for each in made]}
    answer = await house.owner("POST", f"/v1/{plural}/search", {"filter": tree})
    assert {each[member] for each in answer.json()["items"]} == {"子", "寅"}


async def test_kana_sorts_by_reading_and_a_bucket_holds_its_row(house, people):
    tree = {"field": "company_id", "op": "eq", "value": people["id"]}
    answer = await house.reader("POST", "/v1/contacts/search", {"filter": tree, "sort": "kana"})
    assert [item["family_name"] for item in answer.json()["items"]] == ["乙", "甲", "丙"]
    names, cursor = [], ""
    for _ in range(3):
        asked = {"filter": tree, "sort": "kana", "limit": 1, "cursor": cursor or None}
        page = (await house.reader("POST", "/v1/contacts/search", asked)).json()
        names += [item["family_name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (names, cursor) == (["乙", "甲", "丙"], None)
    bucket = (await house.reader("GET", "/v1/contacts?kana=か")).json()
    assert {item["family_name"] for item in bucket["items"]} == {"甲"}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("custom.visits", "甲乙丙"),
        ("-custom.visits", "乙甲丙"),
        ("custom.met_on", "甲丙乙"),
        ("-custom.score", "甲乙丙"),
    ],
)
async def test_a_sortable_field_sorts_and_who_has_none_follows(sort, order, house, people):
    tree = {"field": "company_id", "op": "eq", "value": people["id"]}
    names, cursor = "", None
    while True:
        asked = {"filter": tree, "sort": sort, "limit": 1, "cursor": cursor}
        answer = await house.reader("POST", "/v1/contacts/search", asked)
        assert answer.status_code == 200, answer.text
        names += "".join(item["family_name"] for item in answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert names == order


async def test_a_count_comes_when_asked(house, people):
    tree = {"field": "company_id", "op": "eq", "value": people["id"]}
    answer = await house.reader("POST", "/v1/contacts/search", {"filter": tree, "limit": 1, "count": True})
    assert answer.json()["count"] == {"value": 3, "capped": False}


async def test_a_wrong_filter_names_each_wrong_place(house, fields):
    tree = {
        "all": [
            {"field": "nope", "op": "eq", "value": 1},
            {"field": "custom.visits", "op": "eq", "value": "x"},
        ]
    }
    answer = await house.reader("POST", "/v1/contacts/search", {"filter": tree})
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/filter/all/0/field", "unknown_field"),
        ("/filter/all/1/value", "invalid_type"),
    ]
    sealed = await house.reader("POST", "/v1/contacts/search", {"sort": "family_name"})
    assert (sealed.status_code, sealed.json()["errors"][0]["code"]) == (422, "unknown_sort")


async def test_searchable_custom_fields_are_searched_by_those_who_may_read_them(house, people):
    assert await found(house.reader, q="花粉症") == {"甲"}
    assert await found(house.reader, q="一期一会") == {"甲"}


async def work(ledger, house, name, subject):
    await ledger.parts.jobs[name].handler(Job(name, house.tenant_id, subject, 0))


async def test_a_field_marked_sensitive_leaves_the_plain_columns(ledger, house, fields):
    from uuid import UUID

    made = await house.owner.make("/v1/contacts", family_name="封", custom={"motto": "秘すれば花"})
    field = fields["motto"]
    marked = await house.admin("PATCH", f"/v1/fields/{field['id']}", {"sensitive": True}, if_match='"v1"')
    assert marked.status_code == 200, marked.text
    await work(ledger, house, "rewrite_records", UUID(field["id"]))
    async with ledger.database.reading(house.tenant_id) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM contact WHERE custom ? 'motto'") == 0
        assert await tx.driver.fetchval("SELECT count(*) FROM value_text WHERE key = 'motto'") == 0
    assert (await house.owner("GET", f"/v1/contacts/{made['id']}")).json()["custom"]["motto"] == "秘すれば花"
    assert await found(house.reader, q="秘すれば") == {"封"}


async def test_a_removed_field_takes_its_values_along(ledger, house):
    from uuid import UUID

    field = await house.admin.make(
        "/v1/fields", resource="contact", key="gone", label="x", type="text", unique=True
    )
    made = await house.owner.make("/v1/contacts", family_name="去", custom={"gone": "1"})
    assert (await house.admin("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')).status_code == 204
    assert "gone" not in (await house.owner("GET", f"/v1/contacts/{made['id']}")).json()["custom"]
    again = {"resource": "contact", "key": "gone", "label": "x", "type": "integer"}
    assert (await house.admin("POST", "/v1/fields", again)).status_code == 422
    await work(ledger, house, "rewrite_records", UUID(field["id"]))
    assert (await house.admin("POST", "/v1/fields", again)).status_code == 201
    assert "gone" not in (await house.owner("GET", f"/v1/contacts/{made['id']}")).json()["custom"]


async def test_a_renamed_company_is_found_by_its_new_name(ledger, house):
    from uuid import UUID

    company = await house.owner.make("/v1/companies", name="旧社名物産")
    await house.owner.make("/v1/contacts", family_name="社員", company_id=company["id"])
    path = f"/v1/companies/{company['id']}"
    assert (await house.owner("PATCH", path, {"name": "新社名物産"}, if_match='"v1"')).status_code == 200
    await work(ledger, house, "reindex_contacts", UUID(company["id"]))
    assert await found(house.reader, q="新社名") == {"社員"}
    assert await found(house.reader, q="旧社名") == set()
