"""One answer names everything that is wrong with a body: its shape, and what its sound members say."""

from __future__ import annotations

import pytest
import pytest_asyncio

UNKNOWN = "019abf4e-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rank(house):
    """A field with options on contacts."""
    options = [{"value": "S"}, {"value": "A"}]
    return await house.admin.make(
        "/v1/fields", resource="contact", key="rank", label="ランク", type="select", options=options
    )


def errors_of(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["pointer"]: each["code"] for each in answer.json()["errors"]}


async def test_a_new_contact_is_told_of_its_shape_and_its_values_at_once(house, rank):
    answer = await house.owner(
        "POST",
        "/v1/contacts",
        {
            "given_name": 5,
            "birthday": "1980/2/3",
            "nickname": "たー",
            "emails": [{"address": "tanaka"}, {"address": 5}],
            "phones": [{"number": "12", "kind": "desk"}],
            "address": {"postal_code": "1"},
            "company_id": UNKNOWN,
            "owner_id": UNKNOWN,
            "custom": {"rank": "Z", "none": 1},
        },
    )
    assert errors_of(answer) == {
        "/family_name": "required",
        "/given_name": "invalid_type",
        "/birthday": "invalid_date",
        "/nickname": "unknown_field",
        "/emails/0/address": "invalid_email",
        "/emails/1/address": "invalid_type",
        "/phones/0/number": "invalid_phone",
        "/phones/0/kind": "unknown_option",
        "/address/postal_code": "invalid_postal_code",
        "/company_id": "unknown_company",
        "/owner_id": "unknown_user",
        "/custom/rank": "unknown_option",
        "/custom/none": "unknown_field",
    }


async def test_a_body_of_a_wrong_shape_makes_nothing(house):
    before = (await house.owner("GET", "/v1/companies?count=true")).json()["count"]
    answer = await house.owner("POST", "/v1/contacts", {"family_name": 5, "company_name": "空の会社"})
    assert errors_of(answer) == {"/family_name": "invalid_type"}
    assert (await house.owner("GET", "/v1/companies?count=true")).json()["count"] == before


async def test_a_change_is_told_of_its_shape_and_its_values_at_once(house):
    made = await house.owner.make("/v1/contacts", family_name="変更")
    patch = {"lifecycle": "friend", "emails": [{"address": "x"}], "custom": {"none": 1}, "birthday": None}
    answer = await house.owner("PATCH", f"/v1/contacts/{made['id']}", patch, if_match='"v1"')
    assert errors_of(answer) == {
        "/lifecycle": "unknown_option",
        "/emails/0/address": "invalid_email",
        "/custom/none": "unknown_field",
    }
    assert (await house.owner("GET", f"/v1/contacts/{made['id']}")).json()["version"] == 1


async def test_a_wrong_change_of_a_record_out_of_reach_tells_nothing_of_it(house):
    answer = await house.owner("PATCH", f"/v1/contacts/{UNKNOWN}", {"lifecycle": 5}, if_match='"v1"')
    assert answer.status_code == 404


async def test_a_company_is_told_of_its_shape_and_its_values_at_once(house):
    body = {"corporate_number": "1", "url": "x", "capital": {"amount": "1"}, "tags": "VIP"}
    assert errors_of(await house.owner("POST", "/v1/companies", body)) == {
        "/name": "required",
        "/capital/amount": "invalid_type",
        "/tags": "invalid_type",
        "/corporate_number": "invalid_corporate_number",
        "/url": "invalid_url",
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {"type": "text", "key": "1a", "resource": "contact", "searchable": "yes"},
            {"/searchable": "invalid_type", "/key": "invalid_key"},
        ),
        (
            {"type": "string", "key": "a", "resource": "contact", "options": [{"value": "A"}]},
            {"/type": "unknown_option"},
        ),
        (
            {"type": "select", "key": "a", "options": [{"value": 1}, {"value": "B"}], "default": "B"},
            {"/resource": "required", "/options/0/value": "invalid_type"},
        ),
    ],
)
async def test_a_field_is_told_of_its_shape_and_what_does_not_depend_on_it(house, body, errors):
    assert errors_of(await house.owner("POST", "/v1/fields", body)) == errors


@pytest.mark.parametrize(
    ("path", "pointer", "said"),
    [
        ("/v1/contacts?sort=age", "/sort", "newest, oldest, updated, kana, custom.<key>"),
        ("/v1/contacts?kana=x", "/kana", "あ, か"),
        ("/v1/contacts?page=2", "/page", "count, cursor, kana, limit, sort"),
        ("/v1/companies?sort=kana", "/sort", "newest, oldest, updated, name"),
        ("/v1/fields?resource=deal", "/resource", "contact, company"),
    ],
)
async def test_a_bad_parameter_is_told_what_there_is(house, path, pointer, said):
    (error,) = (await house.owner("GET", path)).json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]


async def test_a_bad_condition_is_told_what_there_is(house, rank):
    conditions = [
        {"field": "custom.rank", "op": "gt", "value": "A"},
        {"field": "age", "op": "eq", "value": 1},
        {"field": "custom.rank", "op": "eq", "value": "Z"},
        {"field": "created_at", "op": "within", "value": {"period": "lately"}},
        {"field": "created_at", "op": "gte", "value": "soon"},
        {"all": 5},
        {"both": []},
    ]
    answer = await house.owner("POST", "/v1/contacts/search", {"filter": {"any": conditions}})
    said = {each["pointer"].removeprefix("/filter/any"): each["detail"] for each in answer.json()["errors"]}
    for pointer, words in {
        "/0/op": "eq, in, is_set, ne",
        "/1/field": "family_name",
        "/2/value": "A",
        "/3/value/period": "last_days",
        "/4/value": "2026-11-25T09:30:00+09:00",
        "/5/all": "[ ]",
        "/6": '"field"',
    }.items():
        assert words in said[pointer], (pointer, said)


async def test_a_search_is_told_of_its_shape_its_order_and_its_filter_at_once(house):
    wrong = {"sort": "age", "filter": {"field": "nope", "op": "eq", "value": 1}}
    errors = {"/sort": "unknown_sort", "/filter/field": "unknown_field"}
    assert errors_of(await house.owner("POST", "/v1/contacts/search", wrong)) == errors
    answer = await house.owner("POST", "/v1/contacts/search", {**wrong, "limit": "x"})
    assert errors_of(answer) == {"/limit": "invalid_type", **errors}


async def test_a_link_leads_to_what_there_is(house):
    body = {"resource": "contact", "key": "deal", "type": "link", "link_resource": "deal"}
    answer = await house.owner("POST", "/v1/fields", body)
    assert errors_of(answer) == {"/link_resource": "unknown_option"}


@pytest.mark.parametrize("mark", ["\u2028", "\n", "\u202e", "\u200b", "\u2066"])
async def test_line_end_or_direction_mark_in_a_line_is_named(house, mark) -> None:
    text = f"青空{mark}商事"
    contact = {
        "family_name": text,
        "department": text,
        "title": text,
        "tags": ["a", text],
        "address": {"city": text},
        "notes": "一\u2028二\n三",
    }
    answer = await house.owner("POST", "/v1/contacts", contact)
    assert answer.status_code == 422
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        (pointer, "control_character")
        for pointer in ("/family_name", "/department", "/title", "/tags/1", "/address/city")
    }
    answer = await house.owner("POST", "/v1/companies", {"name": text, "url": f"https://example.jp/{mark}a"})
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/name", "/url"}
    field = {"resource": "contact", "key": "a", "type": "text", "label": text, "section": text}
    answer = await house.owner("POST", "/v1/fields", field)
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/label", "/section"}


async def test_long_text_keeps_its_line_ends(house) -> None:
    made = await house.owner.make("/v1/contacts", family_name="山田", notes="一\u2028二\r\n三\n四")
    assert made["notes"] == "一\n二\n三\n四"
