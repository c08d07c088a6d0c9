"""Days and moments at the ends of the calendar, on each way into the ledger and out of it."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

LAST = "9999-12-31T23:59:59Z"
FIRST = "0001-01-01T00:00:00+09:00"


@pytest_asyncio.fixture(loop_scope="session")
async def house(imports):
    """A tenant with a moment and a sensitive day as fields of contacts."""
    made = await imports.ledger.create_house()
    for key, kind, sensitive in (("seen", "datetime", False), ("born", "date", True)):
        body = {"resource": "contact", "key": key, "label": key, "type": kind, "sensitive": sensitive}
        await made.admin.make("/v1/fields", **body, sortable=not sensitive)
    return made


def told(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert all("0001-01-02" in each["detail"] for each in answer.json()["errors"])
    return {each["pointer"]: each["code"] for each in answer.json()["errors"]}


async def test_a_record_with_a_day_at_the_end_of_the_calendar_is_refused(house) -> None:
    custom = {"seen": LAST, "born": "0001-01-01"}
    body = {"family_name": "山", "birthday": "9999-12-31", "custom": custom}
    assert told(await house.member("POST", "/v1/contacts", body)) == dict.fromkeys(
        ("/birthday", "/custom/seen", "/custom/born"), "day_out_of_range"
    )
    body = {"name": "山商店", "founded_on": "0001-01-01"}
    assert told(await house.member("POST", "/v1/companies", body)) == {"/founded_on": "day_out_of_range"}


async def test_birthdays_of_historic_persons_are_stored_and_exported(house) -> None:
    body = {"family_name": "厩戸", "birthday": "0574-02-07", "custom": {"seen": "0593-05-15T00:00:00+09:00"}}
    await house.owner.make("/v1/contacts", **body)
    answer = await house.owner("POST", "/v1/contacts/export", {"format": "csv"})
    assert answer.status_code == 200
    assert "0574-02-07" in answer.text
    assert "0593-05-15 00:00:00" in answer.text


@pytest.mark.parametrize("field", ["created_at", "updated_at", "custom.seen"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", LAST, FIRST])
@pytest.mark.parametrize("op", ["eq", "ne", "lt", "lte", "gt", "gte", "in", "between"])
async def test_a_filter_by_a_day_at_the_end_of_the_calendar_is_refused(house, field, op, day) -> None:
    value = [day] if op == "in" else [day, day] if op == "between" else day
    body = {"filter": {"field": field, "op": op, "value": value}}
    answer = told(await house.member("POST", "/v1/contacts/search", body))
    assert set(answer.values()) == {"day_out_of_range"}


@pytest.mark.parametrize("field", ["created_at", "custom.seen"])
@pytest.mark.parametrize("day", ["9999-12-30", "0001-01-02", "9999-12-30T14:59:59Z", "0001-01-01T15:00:00Z"])
@pytest.mark.parametrize("op", ["eq", "lte", "gte"])
async def test_a_filter_by_the_first_or_last_day_is_answered(house, field, op, day) -> None:
    body = {"filter": {"field": field, "op": op, "value": day}}
    assert (await house.member("POST", "/v1/contacts/search", body)).status_code == 200


async def test_a_row_with_a_day_at_the_end_of_the_calendar_is_rejected_with_its_column(
    imports, house
) -> None:
    data = "姓,誕生日,seen\n古,0001-01-01,2026-01-01 09:00\n新,1980-01-01,9999-12-31 23:59\n良,0574-02-07,\n"
    done = await imports.whole(house.owner, "days.csv", data.encode())
    assert (done["created"], done["rejected"]) == (1, 2)
    found = await imports.errors(house.owner, done["id"])
    assert [(each["column"], each["code"]) for each in found] == [
        ("誕生日", "day_out_of_range"),
        ("seen", "day_out_of_range"),
    ]


@pytest.mark.parametrize("stored", [LAST, "0001-01-01T00:00:00Z"])
async def test_a_value_stored_before_the_range_breaks_nothing(house, monkeypatch, stored) -> None:
    with monkeypatch.context() as before:
        before.setattr("daicho.fields.values.moment_in_range", lambda moment: moment)
        before.setattr("daicho.fields.values.day_in_range", lambda day: day)
        before.setattr("daicho.customers.contacts.normalising.is_day_in_range", lambda _: True)
        body = {
            "family_name": "旧",
            "birthday": "9999-12-31",
            "custom": {"seen": stored, "born": "9999-12-31"},
        }
        made = await house.member.make("/v1/contacts", **body)
    place = f"/v1/contacts/{made['id']}"
    for format_ in ("csv", "tsv", "xlsx"):
        answer = await house.owner("POST", "/v1/contacts/export", {"format": format_})
        assert answer.status_code == 200, answer.text
        if format_ != "xlsx":
            assert stored in answer.text
    for sort in ("custom.seen", "-custom.seen"):
        page = (await house.owner("GET", f"/v1/contacts?limit=1&sort={sort}")).json()
        while page["next_cursor"]:
            answer = await house.owner(
                "GET", f"/v1/contacts?limit=1&sort={sort}&cursor={page['next_cursor']}"
            )
            assert answer.status_code == 200, answer.text
            page = answer.json()
    for path in (place, f"{place}/history"):
        assert (await house.owner("GET", path)).status_code == 200
    for op in ("gte", "lte", "ne"):
        for field in ("seen", "created_at"):
            name = field if field == "created_at" else f"custom.{field}"
            body = {"filter": {"field": name, "op": op, "value": "2026-01-01"}}
            assert (await house.owner("POST", "/v1/contacts/search", body)).status_code == 200
    patch = {"title": "部長", "custom": {"seen": stored, "born": "9999-12-31"}}
    answer = await house.owner("PATCH", place, patch, if_match='"v1"')
    assert answer.status_code == 200, answer.text
    assert answer.json()["custom"]["seen"] == stored


async def test_a_default_at_the_end_of_the_calendar_is_refused(house) -> None:
    body = {"resource": "contact", "key": "next", "label": "next", "type": "datetime", "default": LAST}
    assert told(await house.admin("POST", "/v1/fields", body)) == {"/default": "day_out_of_range"}
