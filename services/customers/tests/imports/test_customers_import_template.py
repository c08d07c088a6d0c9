"""The empty file that is filled in for an import."""

from __future__ import annotations

from typing import Any

import pytest
from import_samples import in_chunks

from daicho.customers.imports.detection import detect


async def template(caller: Any, resource: str, form: str, language: str = "ja") -> bytes:
    answer = await caller.client.get(
        "/v1/imports/template",
        params={"resource": resource, "format": form},
        headers={"accept-language": language},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith(f'-template.{form}"')
    return bytes(answer.content)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("resource", ["contact", "company"])
async def test_each_column_of_the_template_is_mapped_by_itself(
    imports, owner, form, language, resource
) -> None:
    await owner.make(
        "/v1/fields", resource="company", key=f"since_{form}_{language}", label="取引開始日", type="date"
    )
    data = await template(owner, resource, form, language)
    made = await imports.upload(owner, f"template.{form}", data, resource)
    fields = [each["suggested_field"] for each in made["columns"]]
    assert None not in fields
    assert len(set(fields)) == len(fields) > 10
    custom = {each for each in fields if each.startswith("custom.")}
    assert custom == ({f"custom.since_{form}_{language}"} if resource == "company" else CUSTOM)


async def test_template_that_is_filled_in_becomes_a_record(imports, owner) -> None:
    data = (await template(owner, "contact", "csv")).decode("utf-8-sig")
    headers = data.strip().split(",")
    cells = {"顧客番号": "T-1", "姓": "見本", "名": "一子", "累計購入額": "1200"}
    row = ",".join(cells.get(each, "") for each in headers)
    done = await imports.whole(owner, "filled.csv", f"{data}{row}\r\n".encode("utf-8-sig"))
    assert (done["created"], done["rejected"]) == (1, 0)


async def test_template_leaves_out_what_its_user_may_not_write(imports) -> None:
    house = await imports.ledger.create_house()
    for key, roles in (
        ("hidden", {"read_roles": ["owner"]}),
        ("fixed", {"write_roles": ["owner"]}),
        ("open", {}),
    ):
        await house.owner.make(
            "/v1/fields", resource="contact", key=key, label=f"項目{key}", type="text", **roles
        )
    headers = [each.name for each in detect(in_chunks(await template(house.admin, "contact", "csv"))).columns]
    assert "項目open" in headers
    assert not {"項目hidden", "項目fixed"} & set(headers)
    assert "登録日時" not in headers, "what an import leaves out"


async def test_template_needs_the_right_to_import_its_resource(imports) -> None:
    house = await imports.ledger.create_house()
    answer = await house.reader("GET", "/v1/imports/template?resource=contact")
    assert answer.status_code == 403
    unknown = await house.owner("GET", "/v1/imports/template?resource=deal")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/resource")


CUSTOM = {"custom.rank", "custom.registered_on", "custom.total_spent", "custom.consent"}
