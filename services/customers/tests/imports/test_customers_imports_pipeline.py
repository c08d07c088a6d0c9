"""A file from its upload to the ledger, over REST, on real servers."""

from __future__ import annotations

from typing import Any

from import_samples import CONTACT_NAMES, expected, plain, sample

from daicho.customers.imports import error_list
from daicho.tenancy import Scope


def flat(contact: dict[str, Any]) -> dict[str, Any]:
    """A contact as the API shows it, by the names of the sample's answers."""
    values = {**contact, **{f"custom.{key}": value for key, value in contact["custom"].items()}}
    values |= {f"address.{key}": value for key, value in contact["address"].items()}
    values["email"] = contact["emails"][0]["address"] if contact["emails"] else None
    for name, kind in (("phone", "work"), ("mobile", "mobile")):
        values[name] = next((each["number"] for each in contact["phones"] if each["kind"] == kind), None)
    return values


async def test_the_small_sample_becomes_contacts_with_exactly_the_expected_values(imports, owner) -> None:
    answer = expected("contacts-small.expected.json")
    found = await imports.whole(owner, "contacts-small.csv", sample("contacts-small.csv").read_bytes())
    assert (found["rows"], found["created"], found["rejected"]) == (300, 268, 32)
    wanted_errors = [
        (row["row"], row["line"], error["column"], error["code"])
        for row in answer["rows"]
        for error in row.get("errors", [])
    ]
    errors = await imports.errors(owner, found["id"], limit=7)
    assert [(e["row"], e["line"], e["column"], e["code"]) for e in errors] == wanted_errors
    assert all(error["detail"] for error in errors)
    contacts = {each["customer_code"]: each for each in await imports.all_of(owner, "contacts")}
    accepted = [row["values"] for row in answer["rows"] if row["outcome"] == "accepted"]
    assert len(contacts) == len(accepted) == 268
    for values in accepted:
        got = flat(contacts[values["customer_code"]])
        for name, value in values.items():
            if not name.startswith("company_"):
                assert plain(got.get(CONTACT_NAMES.get(name, name))) == value, (values["customer_code"], name)


HEADER = "顧客番号,姓,名,会社名,メールアドレス,電話番号,担当,タグ"


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows, ""]).encode("cp932")


async def test_companies_become_companies(imports, owner) -> None:
    answer = expected("companies.expected.json")
    await owner.make(
        "/v1/fields",
        resource="company",
        key="industry",
        type="select",
        label="業種",
        options=[{"value": each} for each in answer["industry_options"]],
    )
    found = await imports.whole(owner, "companies.csv", sample("companies.csv").read_bytes(), "company")
    accepted = [row["values"] for row in answer["rows"] if row["outcome"] == "accepted"]
    rejected = [row for row in answer["rows"] if row["outcome"] == "rejected"]
    repeated = len(accepted) - found["created"]
    errors = await imports.errors(owner, found["id"])
    wanted = [(row["row"], e["column"], e["code"]) for row in rejected for e in row["errors"]]
    got = [(e["row"], e["column"], e["code"]) for e in errors if e["code"] != "repeated_in_file"]
    assert got == wanted
    assert repeated == sum(error["code"] == "repeated_in_file" for error in errors)
    names = {error["row"] for error in errors}
    shown = await imports.all_of(owner, "companies")
    by_name = {}
    for company in shown:
        by_name.setdefault(company["name"], []).append(company)
    for row in answer["rows"]:
        if row["row"] in names:
            continue
        values = row["values"]
        assert any(_is_company(company, values) for company in shown), values


def _is_company(company: dict[str, Any], values: dict[str, Any]) -> bool:
    got = {**company, **company["address"], "industry": company["custom"].get("industry")}
    return all(
        plain(got.get({"company": "name", "company_kana": "name_kana", "block": "street"}.get(name, name)))
        == value
        for name, value in values.items()
        if not name.startswith("company_") or name == "company_kana"
    )


async def test_rows_find_their_records_by_key_and_change_what_they_hold(imports, owner) -> None:
    first = table("K-1,田中,一郎,㈱青空,tanaka@example.jp,03-1234-5678,,得意先", "K-2,鈴木,花子,,,,,")
    await imports.whole(owner, "first.csv", first)
    second = table("K-1,田中,次郎,㈱白雲,jiro@example.jp,,,VIP", "K-3,佐藤,,㈱青空,,,,", "K-2,鈴木,花子,,,,,")
    found = await imports.whole(owner, "second.csv", second, match_on="customer_code", on_match="update")
    assert (found["created"], found["updated"], found["rejected"]) == (1, 2, 0)
    contacts = {each["customer_code"]: each for each in await imports.all_of(owner, "contacts")}
    tanaka = contacts["K-1"]
    assert (tanaka["given_name"], tanaka["company_name"]) == ("次郎", "㈱白雲")
    assert [each["address"] for each in tanaka["emails"]] == ["jiro@example.jp", "tanaka@example.jp"]
    assert [each["number"] for each in tanaka["phones"]] == ["+81312345678"]
    assert sorted(tanaka["tags"]) == ["VIP", "得意先"]
    assert contacts["K-2"]["version"] == 1, "a row that changes nothing leaves its record as it is"
    history = (await owner("GET", f"/v1/contacts/{tanaka['id']}/history")).json()["items"]
    assert [(step["kind"], step["cause_id"] is not None) for step in history] == [
        ("updated", True),
        ("created", True),
    ]
    assert history[0]["cause_id"] == found["id"]
    assert history[0]["changes"]["given_name"] == ["一郎", "次郎"]
    found_by_words = await owner("POST", "/v1/contacts/search", {"q": "次郎"})
    assert [each["id"] for each in found_by_words.json()["items"]] == [tanaka["id"]]


async def test_rows_whose_record_exists_can_be_skipped_and_are_refused_otherwise(imports, owner) -> None:
    data = table("S-1,田中,,,same@example.jp,,,", "S-2,鈴木,,,,,,")
    await imports.whole(owner, "a.csv", data)
    again = await imports.whole(owner, "a.csv", data, match_on="customer_code", on_match="skip")
    assert (again["created"], again["skipped"], again["rejected"]) == (0, 2, 0)
    refused = await imports.whole(owner, "a.csv", data)
    assert (refused["created"], refused["rejected"]) == (0, 2)
    errors = await imports.errors(owner, refused["id"])
    assert {(each["column"], each["code"]) for each in errors} == {("顧客番号", "not_unique")}
    by_mail = table("S-9,別人,,,SAME@example.jp,,,", "S-8,新人,,,new@example.jp,,,")
    updated = await imports.whole(owner, "b.csv", by_mail, match_on="email", on_match="update")
    assert (updated["created"], updated["updated"]) == (1, 1)


async def test_a_value_that_stands_twice_in_the_file_is_taken_once(imports, owner) -> None:
    data = table("D-1,田中,,,,,,", "D-1,鈴木,,,,,,", "D-2,佐藤,,,bad@@mail,,,", "D-2,高橋,,,,,,")
    found = await imports.whole(owner, "d.csv", data)
    errors = [(each["row"], each["code"]) for each in await imports.errors(owner, found["id"])]
    assert errors == [(2, "repeated_in_file"), (3, "invalid_email")]
    assert found["created"] == 2, "a rejected row takes no value"


async def test_a_column_names_the_owner(imports, owner) -> None:
    house = owner.house
    imports.users.by_name = {
        "mate@example.jp": [house.mate.user_id],
        "佐藤 次郎": [house.member.user_id],
        "同名": [house.mate.user_id, house.member.user_id],
    }
    rows = (
        "O-1,田中,,,,,mate@example.jp,",
        "O-2,鈴木,,,,,佐藤 次郎,",
        "O-3,林,,,,,同名,",
        "O-4,森,,,,,だれか,",
        "O-5,原,,,,,,",
    )
    found = await imports.whole(owner, "o.csv", table(*rows))
    errors = [
        (each["row"], each["column"], each["code"]) for each in await imports.errors(owner, found["id"])
    ]
    assert errors == [(3, "担当", "unknown_user"), (4, "担当", "unknown_user")]
    owners = {each["customer_code"]: each["owner_id"] for each in await imports.all_of(owner, "contacts")}
    assert owners == {
        "O-1": str(house.mate.user_id),
        "O-2": str(house.member.user_id),
        "O-5": str(owner.user_id),
    }


async def test_rejected_rows_come_back_as_a_file_that_can_be_corrected_and_imported(imports, owner) -> None:
    data = table("R-1,髙橋,,㈱①,broken@@mail,,,", "R-2,鈴木,,,,,,", "R-3,,,,,,,=1+1")
    found = await imports.whole(owner, "名簿.csv", data)
    assert (found["created"], found["rejected"]) == (1, 2)
    answer = await owner("GET", f"/v1/imports/{found['id']}/rejected")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E5%90%8D")
    text = answer.content.decode("cp932")
    assert "㈱①" in text
    assert "'=1+1" in text
    fixed = text.replace("broken@@mail", "fixed@example.jp").replace("R-3,,", "R-3,林,").encode("cp932")
    again = await imports.whole(owner, "again.csv", fixed)
    assert (again["created"], again["rejected"]) == (2, 0)
    contacts = {each["customer_code"]: each for each in await imports.all_of(owner, "contacts")}
    assert contacts["R-1"]["company_name"] == "㈱①"
    assert contacts["R-3"]["tags"] == ["=1+1"]


async def test_what_was_detected_can_be_corrected(imports, owner) -> None:
    data = "見出しのない表\r\n".encode("cp932") + table("C-1,田中,,,,,,")
    made = await imports.upload(owner, "c.csv", data)
    path = f"/v1/imports/{made['id']}"
    answer = await owner("PATCH", path, {"encoding": "klingon", "header_row": -1})
    assert answer.status_code == 422
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/encoding", "/header_row"}
    answer = await owner("PATCH", path, {"header_row": 2, "encoding": "Shift_JIS"})
    assert [column["name"] for column in answer.json()["columns"]] == HEADER.split(",")
    mapping = [{"column": 0, "field": None}, {"column": 1, "field": "family_name"}]
    answer = await owner("PATCH", path, {"mapping": [*mapping, {"column": 2, "field": "custom.nothing"}]})
    assert answer.json()["errors"][0]["pointer"] == "/mapping/2/field"
    answer = await owner("PATCH", path, {"mapping": mapping, "match_on": "customer_code"})
    assert answer.json()["errors"][0] | {"detail": ""} == {
        "pointer": "/match_on",
        "code": "unmapped_key",
        "detail": "",
    }
    answer = await owner("PATCH", path, {"mapping": mapping})
    assert answer.status_code == 200
    assert (await owner("POST", f"{path}/run")).json()["code"] == "import_unchecked"
    assert (await imports.check(owner, made["id"]))["valid"] == 1
    assert (await imports.run(owner, made["id"]))["created"] == 1
    assert (await owner("PATCH", path, {"mapping": mapping})).json()["code"] == "import_finished"


async def test_uploads_that_are_no_file_are_refused(imports, owner) -> None:
    client = owner.client
    for answer, status, code in (
        (await client.post("/v1/imports", json={}), 400, "upload_malformed"),
        (await client.post("/v1/imports", data={"resource": "contact"}), 400, "upload_malformed"),
        (
            await client.post("/v1/imports", files={"file": ("a.csv", b"")}, data={"resource": "contact"}),
            422,
            "file_empty",
        ),
        (
            await client.post("/v1/imports", files={"file": ("a.csv", table())}, data={"resource": "deal"}),
            422,
            "invalid",
        ),
        (
            await client.post(
                "/v1/imports", files={"file": ("a.pdf", b"%PDF-1.7 ...")}, data={"resource": "contact"}
            ),
            422,
            "file_unsupported",
        ),
        (
            await client.post(
                "/v1/imports",
                content=b"x" * 64_000_001,
                headers={"content-type": "multipart/form-data; boundary=x"},
            ),
            413,
            "too_large",
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not list(imports.folder.rglob("*.part"))


async def test_only_whom_it_concerns_sees_an_import(imports, owner) -> None:
    made = await imports.upload(owner, "x.csv", table("X-1,田中,,,,,,"))
    house, stranger = owner.house, (await imports.ledger.create_house()).owner
    paths = ("", "/errors", "/rejected", "/events")
    for path in paths:
        url = f"/v1/imports/{made['id']}{path}"
        assert (await stranger("GET", url)).status_code == 404
        assert (await house.member("GET", url)).status_code == 403
        assert (await imports.ledger.anonymous()("GET", url)).status_code == 401
    for verb in ("check", "run"):
        assert (await stranger("POST", f"/v1/imports/{made['id']}/{verb}")).status_code == 404
    assert (await stranger("DELETE", f"/v1/imports/{made['id']}")).status_code == 404
    assert (await stranger("GET", "/v1/imports")).json()["items"] == []
    assert [each["id"] for each in (await owner("GET", "/v1/imports")).json()["items"]] == [made["id"]]
    assert (await owner("DELETE", f"/v1/imports/{made['id']}")).status_code == 204
    assert (await owner("GET", f"/v1/imports/{made['id']}")).status_code == 404


async def test_import_of_another_is_deleted_by_those_alone_who_manage_the_company(imports, owner) -> None:
    house = owner.house
    of_owner = await imports.upload(owner, "x.csv", table("X-1,田中,,,,,,"))
    checked = await imports.check(owner, of_owner["id"])
    answer = await house.manager("DELETE", f"/v1/imports/{of_owner['id']}")
    assert (answer.status_code, answer.json()["code"]) == (403, "import_deletion_of_another")
    assert (await owner("GET", f"/v1/imports/{of_owner['id']}")).json() == checked
    of_manager = await imports.upload(house.manager, "y.csv", table("Y-1,佐藤,,,,,,"))
    assert (await house.admin("DELETE", f"/v1/imports/{of_manager['id']}")).status_code == 204
    of_manager = await imports.upload(house.manager, "y.csv", table("Y-1,佐藤,,,,,,"))
    assert (await house.manager("DELETE", f"/v1/imports/{of_manager['id']}")).status_code == 204


async def test_page_of_errors_opens_a_bounded_number_of_rows_for_who_may_see_none(
    imports, owner, monkeypatch
) -> None:
    house, ledger = owner.house, imports.ledger
    rights = {"contacts:import": Scope.ALL, "contacts:read": Scope.OWN, "contacts:create": Scope.OWN}
    await ledger.set_role(house.tenant_id, "sees_none", rights)
    reader = await ledger.create_user(house.tenant_id, "sees_none")
    found = await imports.upload(owner, "x.csv", table(*("X-1,,,,,,," for _ in range(7))))
    assert (await imports.check(owner, found["id"]))["rejected"] == 7
    opened: list[int] = []
    open_rejection = error_list.open_rejection

    def counted(keys: Any, import_id: Any, number: int, sealed: bytes) -> Any:
        opened.append(number)
        return open_rejection(keys, import_id, number, sealed)

    monkeypatch.setattr(error_list, "open_rejection", counted)
    monkeypatch.setattr(error_list, "_ROWS", 1)
    monkeypatch.setattr(error_list, "_ROW", 1_000_000)
    monkeypatch.setattr(error_list, "_MOST_BYTES", 3_000_000)
    page = (await reader("GET", f"/v1/imports/{found['id']}/errors")).json()
    assert (page["items"], len(opened)) == ([], 3)
    assert page["next_cursor"] is not None
    assert await imports.errors(reader, found["id"]) == []
    assert len(await imports.errors(owner, found["id"])) >= 7


async def test_progress_is_told_as_events_and_goes_on_where_a_client_stopped(imports, owner) -> None:
    found = await imports.whole(owner, "p.csv", table("P-1,田中,,,,,,"))
    path = f"/v1/imports/{found['id']}/events"
    first = (await owner("GET", path)).text
    assert "event: progress" in first
    assert '"status":"done"' in first
    last_id = first.rpartition("id: ")[2].partition("\n")[0]
    assert int(last_id) > 1
    again = await owner("GET", path, last_event_id=last_id)
    assert again.text.count("event: progress") == 1


async def test_what_somebody_took_between_check_and_run_is_refused_and_can_be_corrected(
    imports, owner
) -> None:
    made = await imports.upload(owner, "c.csv", table("T-1,田中,,,,,,", "T-2,鈴木,,,,,,"))
    await imports.check(owner, made["id"])
    await owner.make("/v1/contacts", family_name="先客", customer_code="T-1")
    done = await imports.run(owner, made["id"])
    assert (done["status"], done["created"], done["valid"], done["rejected"]) == ("done", 1, 1, 1)
    errors = await imports.errors(owner, made["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [(1, "顧客番号", "not_unique")]
    answer = await owner("GET", f"/v1/imports/{made['id']}/rejected")
    assert "T-1,田中" in answer.content.decode("cp932")


async def test_fields_that_changed_since_the_check_ask_for_another(imports, owner) -> None:
    made = await imports.upload(owner, "f.csv", table("F-1,田中,,,,,,"))
    await imports.check(owner, made["id"])
    await owner.make("/v1/fields", resource="contact", key="later", type="text", label="後")
    answer = await owner("POST", f"/v1/imports/{made['id']}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_unchecked")


async def test_who_may_make_no_company_names_only_those_that_are_there(imports, owner) -> None:
    house = owner.house
    granted = ("contacts:import", "contacts:create", "contacts:read", "companies:read")
    await imports.ledger.set_role(house.tenant_id, "member", dict.fromkeys(granted, Scope.ALL))
    await owner.make("/v1/companies", name="㈱あるある")
    found = await imports.whole(
        house.member, "n.csv", table("N-1,田中,,㈱あるある,,,,", "N-2,鈴木,,㈱ないない,,,,")
    )
    errors = await imports.errors(owner, found["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [
        (2, "会社名", "not_permitted")
    ]
    assert found["created"] == 1
