"""An import shows its readers no field that their role may not read, and no row of a record out of their scope."""

from __future__ import annotations

from typing import Any

import pytest

from daicho.tenancy import Scope

SECRET = "9000000"
HEADER = "顧客番号,姓,メールアドレス,給与,社内メモ,担当"


def table(*lines: str, header: str = HEADER) -> bytes:
    return ("\r\n".join([header, *lines]) + "\r\n").encode()


@pytest.fixture
async def salary(owner) -> dict[str, Any]:
    return await owner.make(
        "/v1/fields", resource="contact", key="salary", type="integer", label="給与", read_roles=["owner"]
    )


async def everything(caller: Any, import_id: str) -> str:
    """Every answer about an import, as one text."""
    path = f"/v1/imports/{import_id}"
    answers = [
        await caller("GET", each) for each in (path, f"{path}/errors", f"{path}/rejected", "/v1/imports")
    ]
    assert {each.status_code for each in answers} == {200}
    async with caller.client.stream("GET", f"{path}/events") as events:
        first = await anext(events.aiter_text())
    return "\n".join([*(each.text for each in answers), first])


async def test_column_of_unreadable_field_is_shown_nowhere(imports, owner, salary) -> None:
    made = await imports.upload(
        owner, "s.csv", table(f"S-1,田中,tanaka@,{SECRET},x,", f"S-2,田中,a@example.jp,{SECRET}x,x,")
    )
    checked = await imports.check(owner, made["id"])
    assert checked["rejected"] == 2
    admin = owner.house.admin
    seen = await everything(admin, made["id"])
    assert SECRET not in seen
    assert "給与" not in seen
    assert "salary" not in seen
    errors = await imports.errors(admin, made["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [
        (1, "メールアドレス", "invalid_email"),
        (2, None, "withheld"),
    ]
    rejected = (await admin("GET", f"/v1/imports/{made['id']}/rejected")).text.splitlines()
    assert rejected[0] == "エラー内容,顧客番号,姓,メールアドレス,担当"
    assert rejected[1].endswith(",S-1,田中,tanaka@,")
    assert SECRET in await everything(owner, made["id"])


async def test_column_of_a_field_younger_than_the_import_is_shown_to_its_uploader_alone(
    imports, owner
) -> None:
    made = await imports.upload(owner, "y.csv", table(f"Y-1,田中,tanaka@,{SECRET},x,"))
    await owner.make("/v1/fields", resource="contact", key="wage", type="integer", label="賃金")
    targets = ["customer_code", "family_name", "email", "custom.wage"]
    mapping = [{"column": n, "field": name} for n, name in enumerate(targets)]
    await owner("PATCH", f"/v1/imports/{made['id']}", {"mapping": mapping})
    assert (await imports.check(owner, made["id"]))["rejected"] == 1
    assert SECRET not in await everything(owner.house.admin, made["id"])
    assert SECRET in await everything(owner, made["id"])


async def test_column_that_is_not_mapped_is_shown_to_its_uploader_alone(imports, owner, salary) -> None:
    made = await imports.upload(owner, "u.csv", table(f"U-1,田中,tanaka@,{SECRET},内緒,"))
    mapping = [{"column": 0, "field": "customer_code"}, {"column": 1, "field": "family_name"}]
    mapping.append({"column": 2, "field": "email"})
    await owner("PATCH", f"/v1/imports/{made['id']}", {"mapping": mapping})
    await imports.check(owner, made["id"])
    seen = await everything(owner.house.admin, made["id"])
    assert SECRET not in seen
    assert "給与" not in seen
    assert "内緒" not in seen
    assert "社内メモ" in seen
    own = await everything(owner, made["id"])
    assert SECRET in own
    assert "内緒" in own


async def test_uploader_whose_role_loses_a_field_no_longer_sees_its_column(imports, owner) -> None:
    field = await owner.make("/v1/fields", resource="contact", key="grade", type="integer", label="給与")
    admin = owner.house.admin
    made = await imports.upload(admin, "l.csv", table(f"L-1,田中,tanaka@,{SECRET},x,"))
    await imports.check(admin, made["id"])
    assert SECRET in await everything(admin, made["id"])
    changed = await owner("PATCH", f"/v1/fields/{field['id']}", {"read_roles": ["owner"]}, if_match='"v1"')
    assert changed.status_code == 200, changed.text
    seen = await everything(admin, made["id"])
    assert SECRET not in seen
    assert "給与" not in seen


async def test_row_whose_cells_are_not_under_their_columns_is_shown_without_cells(
    imports, owner, salary
) -> None:
    made = await imports.upload(owner, "c.csv", table(f"C-1,{SECRET}", f'C-2,田中,"{SECRET}'))
    await imports.check(owner, made["id"])
    assert SECRET not in await everything(owner.house.admin, made["id"])


async def test_rows_out_of_scope_are_shown_in_no_answer(imports, owner) -> None:
    house, ledger = owner.house, imports.ledger
    mate = house.mate
    imports.users.by_name["営業一"] = [mate.user_id]
    imports.users.by_name["社長"] = [owner.user_id]
    await ledger.set_role(
        house.tenant_id, "member", {"contacts:import": Scope.ALL, "contacts:read": Scope.TEAM}
    )
    made = await imports.upload(
        owner,
        "r.csv",
        table(
            "R-1,田中,tanaka@,,x,営業一",
            "R-2,鈴木,suzuki@,,x,社長",
            "R-3,高橋,takahashi@,,x,",
            "R-4,伊藤,ito@,,x,誰か",
        ),
    )
    assert (await imports.check(owner, made["id"]))["rejected"] == 4
    member = house.member
    seen = await everything(member, made["id"])
    assert "tanaka@" in seen
    assert not [name for name in ("suzuki", "takahashi", "ito@", "鈴木", "高橋", "伊藤") if name in seen]
    assert {each["row"] for each in await imports.errors(member, made["id"], limit=1)} == {1}
    assert {each["row"] for each in await imports.errors(owner, made["id"], limit=2)} == {1, 2, 3, 4}


async def test_rejected_row_of_a_record_out_of_scope_is_not_shown(imports, owner) -> None:
    house, ledger = owner.house, imports.ledger
    await owner.make("/v1/contacts", family_name="社長", customer_code="K-1")
    await ledger.set_role(
        house.tenant_id, "member", {"contacts:import": Scope.ALL, "contacts:read": Scope.TEAM}
    )
    made = await imports.upload(
        owner, "k.csv", table("K-1,変更,henkou@", header="顧客番号,姓,メールアドレス")
    )
    patch = {"match_on": "customer_code", "on_match": "update"}
    assert (await owner("PATCH", f"/v1/imports/{made['id']}", patch)).status_code == 200
    assert (await imports.check(owner, made["id"]))["rejected"] == 1
    assert "henkou" not in await everything(house.member, made["id"])
    assert "henkou" in await everything(house.admin, made["id"])


async def test_required_field_that_a_role_may_not_read_is_not_named(imports, owner) -> None:
    hidden = {"required": True, "read_roles": ["owner"], "unique": True}
    await owner.make("/v1/fields", resource="contact", key="badge", type="text", label="社員証", **hidden)
    admin = owner.house.admin
    made = await imports.upload(admin, "q.csv", table("Q-1,田中", header="顧客番号,姓"))
    assert (await imports.check(admin, made["id"]))["valid"] == 1
    refused = await admin("PATCH", f"/v1/imports/{made['id']}", {"match_on": "none"})
    assert refused.status_code == 422
    assert "badge" not in refused.text
