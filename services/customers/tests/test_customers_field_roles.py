"""Who may let others read or write a custom field, and what a field means for roles that may not use it."""

from __future__ import annotations

from typing import Any

import pytest
from service_world import outbox

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.definitions import service


async def make_field(house: Any, key: str, caller: str = "owner", **members: Any) -> dict[str, Any]:
    body = {"resource": "contact", "key": key, "type": "text", **members}
    return await getattr(house, caller).make("/v1/fields", **body)


async def change(house: Any, caller: str, field: dict[str, Any], **members: Any) -> Any:
    return await getattr(house, caller)("PATCH", f"/v1/fields/{field['id']}", members, if_match='"v1"')


@pytest.mark.parametrize("roles", [["owner", "admin"], None, ["admin"]])
async def test_admin_outside_read_roles_cannot_let_themselves_read(house, roles) -> None:
    field = await make_field(house, f"pay_{len(roles or '')}{(roles or 'x')[0][0]}", read_roles=["owner"])
    contact = await house.owner.make("/v1/contacts", family_name="田中", custom={field["key"]: "9000000"})
    answer = await change(house, "admin", field, read_roles=roles)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_among_roles")
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/read_roles", "not_among_readers")
    ]
    seen = (await house.admin("GET", f"/v1/contacts/{contact['id']}")).json()
    assert field["key"] not in seen["custom"]


async def test_admin_outside_write_roles_cannot_let_themselves_write(house) -> None:
    field = await make_field(house, "grade", write_roles=["owner"])
    answer = await change(house, "admin", field, write_roles=["owner", "admin"])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "not_among_writers")


async def test_reader_and_owner_let_further_roles_read(house, ledger) -> None:
    by_reader = await make_field(house, "bonus", read_roles=["owner", "admin"])
    assert (
        await change(house, "admin", by_reader, read_roles=["owner", "admin", "manager"])
    ).status_code == 200
    by_owner = await make_field(house, "stock", read_roles=["manager"])
    assert (await change(house, "owner", by_owner, read_roles=None)).status_code == 200
    told = [
        events_pb2.FieldDefinitionChanged.FromString(each.payload)
        for each in await outbox(ledger)
        if each.type.endswith("FieldDefinitionChanged")
    ]
    widened = {each.key: list(each.readers_widened_from) for each in told if each.readers_widened_from}
    assert widened["bonus"] == ["owner", "admin"]
    assert widened["stock"] == ["manager"]
    assert [list(each.read_roles) for each in told if each.key == "bonus"][-1] == [
        "owner",
        "admin",
        "manager",
    ]


async def test_admin_outside_read_roles_may_narrow_them_and_change_the_rest(house) -> None:
    field = await make_field(house, "rating", read_roles=["owner", "manager"])
    answer = await change(house, "admin", field, read_roles=["owner"], help="評価")
    assert (answer.status_code, answer.json()["read_roles"]) == (200, ["owner"])


@pytest.mark.parametrize("member", ["read_roles", "write_roles"])
async def test_admin_outside_the_roles_of_a_field_cannot_rename_it(house, member) -> None:
    field = await make_field(house, f"named_{member}", label=f"給与 {member}", **{member: ["owner"]})
    answer = await change(house, "admin", field, label="昔の給与")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_among_roles")
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/label"]
    assert (await change(house, "owner", field, label=f"月給 {member}")).status_code == 200


@pytest.mark.parametrize(
    ("number", "label"), list(enumerate(["査定", " 査定※", "査定（必須）", "ASSESSED", "ａｓｓｅｓｓｅｄ"]))
)
async def test_label_of_another_field_is_refused(house, number, label) -> None:
    if (await house.owner("GET", "/v1/fields?resource=contact")).text.find('"assessed"') == -1:
        await make_field(house, "assessed", label="査定", read_roles=["owner"])
    body = {"resource": "contact", "key": "open_one", "type": "text", "label": label}
    answer = await house.admin("POST", "/v1/fields", body)
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/label", "not_unique")]
    field = await make_field(house, f"open_{number}", label=f"自由{number}番")
    answer = await change(house, "admin", field, label=label)
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/label", "not_unique")]
    body["resource"] = "company"
    made = await house.admin("POST", "/v1/fields", {**body, "key": f"open_{number}", "label": label})
    assert made.status_code == 201, made.text
    assert (
        await house.owner("DELETE", f"/v1/fields/{made.json()['id']}", if_match='"v1"')
    ).status_code == 204


async def test_field_that_shares_its_label_already_is_changed_in_all_else(house, monkeypatch) -> None:
    await make_field(house, "twin_a", label="双子")
    with monkeypatch.context() as before:
        before.setattr(service, "header_key", lambda _: "")
        field = await make_field(house, "twin_b", label="双子")
    assert (await change(house, "admin", field, help="?", label="双子")).status_code == 200


@pytest.mark.parametrize("member", ["read_roles", "write_roles"])
async def test_admin_outside_the_roles_of_a_field_cannot_delete_it(house, member) -> None:
    field = await make_field(house, f"kept_{member}", **{member: ["owner"]})
    answer = await house.admin("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')
    assert (answer.status_code, answer.json()["code"]) == (403, "not_among_roles")
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/{member}"]
    answer = await house.owner("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')
    assert answer.status_code == 204


async def test_admin_outside_the_roles_of_a_field_changes_neither_its_values_nor_its_sealing(house) -> None:
    sealing, values = {"sensitive": False}, {"default": "X", "required": True}
    unread = await make_field(house, "worth", read_roles=["owner"], sensitive=True)
    answer = await change(house, "admin", unread, **sealing, **values)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_among_roles")
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/sensitive", "/default", "/required"}
    unwritten = await make_field(house, "merit", write_roles=["owner"], sensitive=True)
    answer = await change(house, "admin", unwritten, **values)
    assert {each["code"] for each in answer.json()["errors"]} == {"not_among_writers"}
    assert (await change(house, "admin", unwritten, help="?", **sealing)).status_code == 200
    assert (await change(house, "owner", unread, **sealing, **values)).status_code == 200


@pytest.mark.parametrize("member", ["read_roles", "write_roles"])
@pytest.mark.parametrize(("roles", "code"), [([], "too_few"), (["owner", "boss"], "unknown_option")])
async def test_roles_that_are_none_or_unknown_are_refused(house, member, roles, code) -> None:
    body = {"resource": "contact", "key": "odd", "type": "text", member: roles}
    answer = await house.owner("POST", "/v1/fields", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == f"/{member}"
    field = await make_field(house, f"odd_{member}_{code}")
    answer = await change(house, "owner", field, **{member: roles})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize("member", ["read_roles", "write_roles"])
async def test_required_field_that_a_role_may_not_fill_does_not_stop_it_from_creating(house, member) -> None:
    field = await make_field(house, f"must_{member}", required=True, **{member: ["owner"]})
    answer = await house.member("POST", "/v1/contacts", {"family_name": "鈴木"})
    assert answer.status_code == 201, answer.text
    assert (await house.member("POST", "/v1/contacts", {})).text.find(field["key"]) == -1
    for_owner = await house.owner("POST", "/v1/contacts", {"family_name": "鈴木"})
    assert f"/custom/{field['key']}" in [each["pointer"] for each in for_owner.json()["errors"]]
    await house.owner("DELETE", f"/v1/fields/{field['id']}", if_match='"v1"')


async def test_options_of_all_fields_of_a_resource_are_bounded(house, monkeypatch) -> None:
    monkeypatch.setattr(service, "MOST_OPTIONS", 6)
    options = [{"value": str(n)} for n in range(4)]
    field = await make_field(house, "first", type="select", options=options, resource="company")
    body = {"resource": "company", "key": "second", "type": "select", "options": options}
    answer = await house.owner("POST", "/v1/fields", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many")
    answer = await change(house, "owner", field, options=[{"value": str(n)} for n in range(7)])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many")
