"""Custom fields of one line: the same rule as for the built-in ones, by API, import, filter and export."""

from __future__ import annotations

from typing import Any

import pytest

from daicho.fields import validation

OLD = "一\n二\u202e三"


@pytest.fixture
async def house(imports) -> Any:
    """A tenant with a field of one line and one of many."""
    made = await imports.ledger.create_house()
    for key, type_ in (("motto", "text"), ("story", "long_text")):
        await made.owner.make("/v1/fields", resource="contact", key=key, label=key, type=type_)
    return made


@pytest.fixture
async def old(house, monkeypatch) -> dict[str, Any]:
    """A contact of before the rule, whose motto has a line end and a direction mark."""
    with monkeypatch.context() as before:
        before.setattr(validation, "_line", str)
        before.setattr(validation, "_PLAIN", dict.fromkeys(validation._PLAIN, str))
        field = await house.owner.make("/v1/fields", resource="contact", key="other", type="text")
        made = await house.owner.make("/v1/contacts", family_name="山田", custom={"motto": OLD})
    answer = await house.owner("PATCH", f"/v1/fields/{field['id']}", {"label": "x"}, if_match='"v1"')
    assert answer.status_code == 200  # another revision: validators with the rule
    assert made["custom"]["motto"] == OLD
    return made


@pytest.mark.parametrize("mark", ["\n", "\r\n", "\u2028", "\x85", "\u202e", "\u2066", "\u200b", "\t"])
async def test_line_end_or_invisible_character_in_a_custom_line_is_named(house, mark) -> None:
    text = f"青空{mark}商事"
    body = {"family_name": "山田", "custom": {"motto": text, "story": "一\r\n二\u2028三"}}
    answer = await house.owner("POST", "/v1/contacts", body)
    assert answer.status_code == 422
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [
        ("/custom/motto", "control_character")
    ]
    body["custom"]["motto"] = "青空商事"
    made = await house.owner.make("/v1/contacts", **body)
    assert made["custom"]["story"] == "一\n二\n三"
    path = f"/v1/contacts/{made['id']}"
    answer = await house.owner("PATCH", path, {"custom": {"motto": text}}, if_match='"v1"')
    assert [it["pointer"] for it in answer.json()["errors"]] == ["/custom/motto"]


async def test_lines_of_a_cell_are_joined_by_blanks_in_a_custom_line(imports, house) -> None:
    data = '姓,motto,story\r\n田中,"一\n二","三\n四"\r\n鈴木,\u202a一\u200b,五\r\n'
    found = await imports.whole(house.owner, "a.csv", data.encode())
    assert (found["created"], found["rejected"]) == (2, 0)
    made = {each["family_name"]: each["custom"] for each in await imports.all_of(house.owner, "contacts")}
    assert made == {"田中": {"motto": "一 二", "story": "三\n四"}, "鈴木": {"motto": "一", "story": "五"}}


async def test_row_with_a_separator_of_lines_in_a_custom_line_is_rejected(imports, house) -> None:
    found = await imports.whole(house.owner, "a.csv", "姓,motto\r\n田中,一\u2028二\r\n".encode())
    (error,) = await imports.errors(house.owner, found["id"])
    assert (error["row"], error["column"], error["code"]) == (1, "motto", "control_character")


async def test_value_of_before_the_rule_opens_stays_beside_changes_and_is_found_and_exported(
    house, old
) -> None:
    path = f"/v1/contacts/{old['id']}"
    change = {"family_name": "山本", "custom": {"motto": OLD, "story": "新しい"}}
    answer = await house.owner("PATCH", path, change, if_match='"v1"')
    assert answer.status_code == 200, answer.text
    assert answer.json()["custom"] == {"motto": OLD, "story": "新しい"}
    answer = await house.owner("PATCH", path, {"custom": {"motto": f"{OLD}四"}}, if_match='"v2"')
    assert [it["pointer"] for it in answer.json()["errors"]] == ["/custom/motto"]
    wanted = {"filter": {"field": "custom.motto", "op": "eq", "value": OLD}}
    found = (await house.owner("POST", "/v1/contacts/search", wanted)).json()
    assert [it["id"] for it in found["items"]] == [old["id"]]
    exported = await house.owner("POST", "/v1/contacts/export", {})
    assert OLD in exported.content.decode("utf-8-sig")


async def test_default_with_a_line_end_is_refused(house) -> None:
    field = {"resource": "contact", "key": "a", "type": "text", "default": "一\n二"}
    answer = await house.owner("POST", "/v1/fields", field)
    assert [it["pointer"] for it in answer.json()["errors"]] == ["/default"]
