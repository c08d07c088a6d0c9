"""Exports over REST: who gets what, what is entered about it, how the file is written, and that an import takes it back."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from import_samples import check_file, in_chunks, sample
from service_world import outbox

from daicho.contracts.audit.events.v1.events_pb2 import Accessed
from daicho.customers.exports import service
from daicho.customers.imports.detection import detect
from daicho.customers.imports.reading import read_rows
from daicho.identity import permissions as roles
from daicho.tenancy import Scope


def table(data: bytes) -> list[dict[str, str]]:
    """The rows of a file, by header."""
    found = detect(in_chunks(data))
    names = [column.name for column in found.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in read_rows(in_chunks(data), found.file)]


async def export(caller: Any, plural: str = "contacts", **given: Any) -> bytes:
    answer = await caller("POST", f"/v1/{plural}/export", given)
    assert answer.status_code == 200, answer.text
    return answer.content


async def refused(caller: Any, status: int = 422, **given: Any) -> Any:
    answer = await caller("POST", "/v1/contacts/export", given)
    assert answer.status_code == status, answer.text
    return answer.json()


async def entries(imports: Any, house: Any) -> list[Accessed]:
    """What the access log says of exports of ``house``."""
    rows = await outbox(imports.ledger, "access_outbox")
    found = [Accessed.FromString(each.payload) for each in rows if each.tenant_id == house.tenant_id.bytes]
    return [each for each in found if each.action.endswith(".export")]


@pytest_asyncio.fixture(loop_scope="session")
async def house(imports):
    return await imports.ledger.create_house()


async def test_the_sample_exported_and_imported_again_changes_nothing(imports, owner) -> None:
    first = await imports.whole(owner, "contacts-small.csv", sample("contacts-small.csv").read_bytes())
    assert first["status"] == "done"
    assert first["created"] == 268
    before = await imports.all_of(owner, "contacts")
    for given, match_on in (
        ({"format": "csv"}, "customer_code"),
        ({"format": "csv", "encoding": "cp932"}, "customer_code"),
        ({"format": "xlsx", "sort": "kana"}, "customer_code"),
    ):
        data = await export(owner, **given)
        again = await imports.whole(
            owner, f"again.{given['format']}", data, match_on=match_on, on_match="update"
        )
        assert (again["rows"], again["rejected"], again["created"]) == (268, 0, 0), again
    assert await imports.all_of(owner, "contacts") == before


async def test_companies_exported_and_imported_again_change_nothing(imports, house) -> None:
    await house.owner.make(
        "/v1/companies", name="株式会社みどり商事", capital={"amount": 10_000_000}, tags=["得意先"]
    )
    await house.owner.make("/v1/companies", name="=1+1", phone="03-1234-5678", closing_month=3)
    before = await imports.all_of(house.owner, "companies")
    data = await export(house.owner, "companies")
    again = await imports.whole(house.owner, "again.csv", data, "company", match_on="name", on_match="update")
    assert (again["rejected"], again["created"]) == (0, 0), await imports.errors(house.owner, again["id"])
    assert await imports.all_of(house.owner, "companies") == before


async def test_a_contact_without_code_is_found_again_by_its_e_mail(imports, house) -> None:
    for name, code in (("一", "C-1"), ("二", None)):
        emails = [{"address": f"{ord(name)}@example.jp"}]
        await house.owner.make("/v1/contacts", family_name=name, customer_code=code, emails=emails)
    before = await imports.all_of(house.owner, "contacts")
    data = await export(house.owner)
    again = await imports.whole(house.owner, "again.csv", data, match_on="email", on_match="update")
    assert (again["rows"], again["rejected"], again["created"]) == (2, 0, 0), await imports.errors(
        house.owner, again["id"]
    )
    assert await imports.all_of(house.owner, "contacts") == before
    new = "顧客番号,姓,メールアドレス\r\n,三,3@example.jp\r\n".encode()
    told = await imports.whole(house.owner, "new.csv", new, match_on="email", on_match="update")
    assert told["rejected"] == 1


async def test_export_holds_only_records_that_may_be_read_and_exported(imports, house) -> None:
    members = dict(roles.defaults("member"))
    people = ("owner", "manager", "member", "mate")
    for name in people:
        await house.people[name].make("/v1/contacts", family_name=name)
    for read, may, expected in (
        (Scope.ALL, Scope.ALL, set(people)),
        (Scope.ALL, Scope.TEAM, {"manager", "member", "mate"}),
        (Scope.TEAM, Scope.ALL, {"manager", "member", "mate"}),
        (Scope.ALL, Scope.OWN, {"member"}),
        (Scope.OWN, Scope.ALL, {"member"}),
        (Scope.TEAM, Scope.OWN, {"member"}),
        (Scope.OWN, Scope.TEAM, {"member"}),
    ):
        scopes = members | {"contacts:read": read, "contacts:export": may}
        await imports.ledger.set_role(house.tenant_id, "member", scopes)
        got = {row["姓"] for row in table(await export(house.member))}
        assert got == expected, (read, may)
    for scopes in (
        members | {"contacts:export": Scope.NONE},
        members | {"contacts:read": Scope.NONE, "contacts:export": Scope.ALL},
    ):
        await imports.ledger.set_role(house.tenant_id, "member", scopes)
        assert (await refused(house.member, 403))["code"] == "forbidden"


async def test_a_deleted_record_and_another_companys_stay_where_they_are(imports, house) -> None:
    other = await imports.ledger.create_house()
    await other.owner.make("/v1/contacts", family_name="隣人")
    kept = await house.owner.make("/v1/contacts", family_name="残留")
    gone = await house.owner.make("/v1/contacts", family_name="削除")
    await house.owner("DELETE", f"/v1/contacts/{gone['id']}", **{"if-match": '"v1"'})
    assert [row["ID"] for row in table(await export(house.owner))] == [kept["id"]]


async def test_a_sensitive_field_is_in_the_file_of_those_who_may_read_it_alone(imports, house) -> None:
    await house.owner.make(
        "/v1/fields",
        resource="contact",
        key="secret",
        type="text",
        label="秘密",
        sensitive=True,
        read_roles=["owner"],
    )
    await house.owner.make("/v1/contacts", family_name="田中", custom={"secret": "ないしょ"})
    assert table(await export(house.owner))[0]["秘密"] == "ないしょ"
    of_admin = await export(house.admin)
    assert "秘密" not in of_admin.decode("utf-8-sig")
    assert "ないしょ" not in of_admin.decode("utf-8-sig")


@pytest.mark.parametrize("sort", [None, "oldest", "updated", "kana", "custom.points", "-custom.points"])
@pytest.mark.parametrize("q", [None, "商事"])
async def test_the_file_has_what_the_list_has_in_its_order(imports, owner, monkeypatch, sort, q) -> None:
    monkeypatch.setattr(service, "BATCH", 3)
    await owner.make("/v1/fields", resource="contact", key="points", type="integer", sortable=True)
    for number in range(12):
        await owner.make(
            "/v1/contacts",
            family_name=f"田中{number}",
            family_name_kana=["タナカ", "アオキ", None][number % 3],
            company_name=["みどり商事", None][number % 2],
            lifecycle=["lead", "customer"][number % 4 // 2],
            custom={"points": number % 4} if number % 5 else {},
        )
    for tree in (
        None,
        {"field": "lifecycle", "op": "eq", "value": "lead"},
        {"field": "family_name", "op": "contains", "value": "中1"},
    ):
        asked = {"q": q, "filter": tree, "sort": sort}
        listed = (await owner("POST", "/v1/contacts/search", asked)).json()["items"]
        assert [row["ID"] for row in table(await export(owner, **asked))] == [
            item["id"] for item in listed
        ], asked


async def test_who_exported_what_is_entered_before_it_leaves_1000_ids_an_entry(
    imports, house, monkeypatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    made = [(await house.owner.make("/v1/contacts", family_name=f"名{number}"))["id"] for number in range(5)]
    await export(house.owner, q="名", format="xlsx")
    found = await entries(imports, house)
    assert [each.action for each in found] == ["contact.export"] * 3
    assert [[str(UUID(bytes=each)) for each in entry.ids] for entry in found] == [
        made[3:],
        made[1:3],
        made[:1],
    ]
    assert all(entry.sealed_query for entry in found)
    assert service.BATCH <= 1_000
    await export(house.owner, q="誰もいない")
    assert [len(each.ids) for each in await entries(imports, house)] == [2, 2, 1, 0]


async def test_nothing_leaves_when_it_cannot_be_entered(imports, house, monkeypatch) -> None:
    from daicho.events.access_log import AccessLogUnavailable

    await house.owner.make("/v1/contacts", family_name="田中")
    log = imports.ledger.rails.access_log

    async def fail(*_: Any, **__: Any) -> None:
        raise AccessLogUnavailable

    monkeypatch.setattr(log, "record", fail)
    answer = await house.owner("POST", "/v1/contacts/export", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "access_log_unavailable")


async def test_an_export_ends_when_its_reader_loses_the_right(imports, house, monkeypatch) -> None:
    """The batch that was under way is the last; the connection breaks, so nobody takes the file for whole."""
    monkeypatch.setattr(service, "BATCH", 1)
    for number in range(3):
        await house.owner.make("/v1/contacts", family_name=f"名{number}")
    ledger, admin = imports.ledger, house.admin
    record = ledger.rails.access_log.record

    async def demote(*args: Any, **given: Any) -> None:
        await record(*args, **given)
        await ledger.set_role(house.tenant_id, "admin", {"contacts:read": Scope.ALL})

    monkeypatch.setattr(ledger.rails.access_log, "record", demote)
    got = bytearray()

    async def download() -> None:
        async with admin.client.stream("POST", "/v1/contacts/export", json={}) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_bytes():
                got.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        await download()
    text = got.decode("utf-8-sig")
    assert "名2" in text
    assert "名1" not in text


async def test_a_field_that_is_restricted_or_goes_while_a_file_is_written_is_empty_from_then_on(
    imports, house, monkeypatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 1)
    fields = {
        key: await house.owner.make("/v1/fields", resource="contact", key=key, label=key, type="text")
        for key in ("pay", "gone", "kept")
    }
    for number in range(3):
        custom = dict.fromkeys(fields, f"値{number}")
        await house.owner.make("/v1/contacts", family_name=f"名{number}", custom=custom)
    record, entered = imports.ledger.rails.access_log.record, []

    async def restrict(*args: Any, **given: Any) -> None:
        await record(*args, **given)
        if not entered:
            entered.append(args)
            roles = {"read_roles": ["owner"], "write_roles": ["owner"]}
            path = f"/v1/fields/{fields['pay']['id']}"
            assert (await house.owner("PATCH", path, roles, if_match='"v1"')).status_code == 200
            path = f"/v1/fields/{fields['gone']['id']}"
            assert (await house.owner("DELETE", path, if_match='"v1"')).status_code == 204

    monkeypatch.setattr(imports.ledger.rails.access_log, "record", restrict)
    rows = table(await export(house.admin))
    assert [(row["姓"], row["pay"], row["gone"], row["kept"]) for row in rows] == [
        ("名2", "値2", "値2", "値2"),
        ("名1", "", "", "値1"),
        ("名0", "", "", "値0"),
    ]


async def test_a_character_that_came_since_the_look_at_the_whole_is_written_as_its_twin_or_a_geta(
    house, monkeypatch
) -> None:
    made = await house.owner.make("/v1/contacts", family_name="吉田", given_name="一")
    look = service.Export.lacking

    async def and_then_somebody_writes(self: Any, encoding: str) -> set[str]:
        found = await look(self, encoding)
        body = {"family_name": "𠮷田", "given_name": "〜"}
        answer = await house.owner("PATCH", f"/v1/contacts/{made['id']}", body, if_match='"v1"')
        assert answer.status_code == 200
        return found

    monkeypatch.setattr(service.Export, "lacking", and_then_somebody_writes)
    assert "〓田,～" in (await export(house.owner, encoding="cp932")).decode("cp932")


async def test_too_many_records_are_refused_with_the_way_out(house, monkeypatch) -> None:
    monkeypatch.setattr(service, "MOST", 2)
    for number in range(3):
        await house.owner.make("/v1/contacts", family_name=f"名{number}")
    [error] = (await refused(house.owner))["errors"]
    assert (error["pointer"], error["code"]) == ("/filter", "too_many_records")
    assert "2 件まで" in error["detail"]
    assert len(table(await export(house.owner, q="名1"))) == 1


async def test_what_cp932_lacks_is_named_or_substituted_as_asked(house) -> None:
    await house.owner.make("/v1/contacts", family_name="𠮷田", given_name="〜", notes="髙﨑Ⅲ㎝①㈱")
    [error] = (await refused(house.owner, encoding="cp932"))["errors"]
    assert (error["pointer"], error["code"]) == ("/encoding", "characters_lacking")
    assert "〜 𠮷" in error["detail"]
    assert "substitute" in error["detail"]
    text = (await export(house.owner, encoding="cp932", substitute="〓")).decode("cp932")
    assert "〓田,～" in text
    assert "髙﨑Ⅲ㎝①㈱" in text
    for given, pointer in (
        ({"encoding": "cp932", "substitute": "𠮷"}, "/substitute"),
        ({"substitute": "〓"}, "/substitute"),
        ({"format": "xlsx", "encoding": "cp932"}, "/encoding"),
        ({"sort": "nobody"}, "/sort"),
        ({"filter": {"field": "nobody", "op": "eq", "value": 1}}, "/filter/field"),
    ):
        assert [each["pointer"] for each in (await refused(house.owner, **given))["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("given", "kind", "beginning"),
    [
        ({}, "text/csv; charset=utf-8", b"\xef\xbb\xbf"),
        ({"encoding": "utf-8"}, "text/csv; charset=utf-8", "顧客番号".encode()),
        (
            {"format": "tsv", "encoding": "cp932"},
            "text/tab-separated-values; charset=shift_jis",
            "顧客番号\t".encode("cp932"),
        ),
        ({"format": "xlsx"}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
    ],
)
async def test_the_answer_says_what_it_is(house, given, kind, beginning) -> None:
    answer = await house.owner("POST", "/v1/contacts/export", given)
    assert answer.headers["content-type"] == kind
    assert answer.content.startswith(beginning)
    assert answer.headers["content-disposition"].startswith('attachment; filename="contacts-2')
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_formula_is_no_formula_in_the_file_and_comes_back_as_it_was(imports, house) -> None:
    from openpyxl import load_workbook

    await house.owner.make(
        "/v1/contacts", family_name="=1+1", given_name="'=1+1", customer_code="0012", title="@x"
    )
    text = (await export(house.owner)).decode("utf-8-sig")
    assert "0012,'=1+1,''=1+1," in text
    assert ",'@x," in text
    sheet = load_workbook(io.BytesIO(await export(house.owner, format="xlsx"))).active
    cells = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
    assert cells["=1+1"] != "f"
    for given in ({"format": "csv"}, {"format": "xlsx"}):
        [row] = check_file(await export(house.owner, **given), "contact", ())
        assert (row.values["family_name"], row.values["given_name"]) == ("=1+1", "'=1+1")


async def test_owners_are_named_so_that_an_import_finds_them(imports, house) -> None:
    imports.users.emails[house.owner.user_id] = "hana@example.jp"
    imports.users.by_name["hana@example.jp"] = [house.owner.user_id]
    made = await house.owner.make("/v1/contacts", family_name="田中", customer_code="C-1")
    data = await export(house.owner)
    assert table(data)[0]["担当"] == "hana@example.jp"
    again = await imports.whole(house.owner, "a.csv", data, match_on="customer_code", on_match="update")
    assert again["rejected"] == 0
    assert (await house.owner("GET", f"/v1/contacts/{made['id']}")).json()["version"] == 1
