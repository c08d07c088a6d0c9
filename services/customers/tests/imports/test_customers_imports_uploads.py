"""Uploads that are sent twice, that a crash cut off, that nobody runs; files and mappings that cannot work."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from test_customers_imports_pipeline import table

from daicho.customers.imports.sweeping import GRACE, KEPT, SWEEP, Sweeping
from daicho.jobs import Job
from daicho.keyring import FileStore
from daicho.runtime import utc_now
from daicho.tenancy import uuid7


def files_of(imports: Any, owner: Any) -> list[str]:
    folder = imports.folder / str(owner.house.tenant_id)
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def send(owner: Any, data: bytes, key: str, name: str = "a.csv", resource: str = "contact") -> Any:
    return await owner.client.post(
        "/v1/imports",
        files={"file": (name, data)},
        data={"resource": resource},
        headers={"idempotency-key": key},
    )


async def test_the_same_upload_under_the_same_key_is_the_same_import(imports, owner) -> None:
    data = table("I-1,田中,,,,,,")
    first, again = await send(owner, data, "k1"), await send(owner, data, "k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert first.request.headers["content-type"] != again.request.headers["content-type"], "another boundary"
    assert files_of(imports, owner) == [f"{first.json()['id']}.sealed"], "the second file is not kept"
    items = (await owner("GET", "/v1/imports")).json()["items"]
    assert [each["id"] for each in items] == [first.json()["id"]]
    assert (await imports.whole(owner, "a.csv", data))["created"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"data": table("I-2,鈴木,,,,,,")},
        {"name": "b.csv"},
        {"resource": "company"},
    ],
    ids=["file", "name", "resource"],
)
async def test_another_upload_under_the_same_key_is_refused_and_leaves_nothing(imports, owner, other) -> None:
    given = {"data": table("I-1,田中,,,,,,"), "key": "k1"}
    first = await send(owner, **given)
    answer = await send(owner, **given | other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert files_of(imports, owner) == [f"{first.json()['id']}.sealed"]


async def test_two_uploads_at_once_under_one_key_make_one_import(imports, owner) -> None:
    data = table("I-1,田中,,,,,,")
    answers = await asyncio.gather(*(send(owner, data, "k1") for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(files_of(imports, owner)) == 1


async def sweeps_of(imports: Any, owner: Any) -> list[Any]:
    """Subject and delay of the sweeps that wait for the tenant."""
    async with imports.ledger.database.tenantless() as tx:
        rows = await tx.driver.fetch(
            "SELECT payload, execute_after - now() AS after FROM pgqueuer WHERE entrypoint = $1 ORDER BY id",
            SWEEP,
        )
    mine = owner.house.tenant_id.bytes
    return [
        (str(UUID(bytes=row["payload"][16:])), row["after"]) for row in rows if row["payload"][:16] == mine
    ]


def sweeping(imports: Any, later: timedelta = timedelta()) -> Sweeping:
    """Sweeps, so much later."""
    return Sweeping(imports.ledger.database, FileStore(imports.folder), lambda: utc_now() + later)


def job(owner: Any, import_id: str) -> Job:
    return Job(SWEEP, owner.house.tenant_id, UUID(import_id), 0)


@pytest.mark.parametrize("ending", [".sealed", ".part"])
async def test_a_file_that_a_crash_left_without_an_import_is_swept(imports, owner, ending: str) -> None:
    kept = await imports.upload(owner, "a.csv", table("S-1,田中,,,,,,"))
    orphan = str(uuid7())
    path = imports.folder / str(owner.house.tenant_id) / (orphan + ending)
    path.write_bytes(b"sealed")
    await sweeping(imports).sweep(job(owner, orphan))
    assert files_of(imports, owner) == [f"{kept['id']}.sealed"]


async def test_a_sweep_is_put_down_before_the_first_byte_is_written(imports, owner) -> None:
    answer = await owner.client.post(
        "/v1/imports", files={"file": ("a.pdf", b"%PDF-1.7")}, data={"resource": "contact"}
    )
    assert answer.status_code == 422
    ((_, after),) = await sweeps_of(imports, owner)
    assert GRACE - timedelta(minutes=5) < after <= GRACE


async def test_an_import_that_nobody_runs_expires_with_all_that_it_staged(imports, owner) -> None:
    made = await imports.upload(owner, "a.csv", table("S-1,田中,,,,,,", "S-2,,,,,,,"))
    await imports.check(owner, made["id"])
    await sweeping(imports, KEPT - timedelta(minutes=5)).sweep(job(owner, made["id"]))
    assert (await owner("GET", f"/v1/imports/{made['id']}")).json()["status"] == "checked"
    assert [each for each, _ in await sweeps_of(imports, owner)] == [made["id"]] * 2, "it looks again later"

    await sweeping(imports, KEPT + timedelta(minutes=5)).sweep(job(owner, made["id"]))
    found = (await owner("GET", f"/v1/imports/{made['id']}", accept_language="en")).json()
    assert (found["status"], found["failure"]) == ("failed", "expired")
    assert (
        found["failure_detail"]
        == "Nothing was done with it for 30 days, so the file was deleted. Upload it again."
    )
    assert files_of(imports, owner) == []
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        for name in ("import_row", "import_rejected", "import_company"):
            assert await tx.driver.fetchval(f"SELECT count(*) FROM {name}") == 0  # noqa: S608 our own names


async def test_a_sweep_leaves_what_was_run_but_for_its_file(imports, owner) -> None:
    done = await imports.whole(owner, "a.csv", table("S-1,田中,,,,,,", "S-2,,,,,,,"))
    left = imports.folder / str(owner.house.tenant_id) / f"{done['id']}.sealed"
    left.write_bytes(b"a crash came before it was deleted")
    await sweeping(imports, 2 * KEPT).sweep(job(owner, done["id"]))
    found = (await owner("GET", f"/v1/imports/{done['id']}")).json()
    assert (found["status"], found["created"]) == ("done", 1)
    assert len(await imports.errors(owner, done["id"])) == 1
    assert not left.exists()


@pytest.mark.parametrize("data", [table(), table("", ",,,,,,,")], ids=["nothing", "blank lines"])
async def test_a_file_with_a_header_alone_fails_its_check_and_says_so(imports, owner, data: bytes) -> None:
    made = await imports.upload(owner, "h.csv", data)
    checked = await imports.check(owner, made["id"])
    assert (checked["status"], checked["failure"], checked["rows"]) == ("failed", "file_empty", 0)
    assert checked["failure_detail"] == "ファイルに行がありません。"
    answer = await owner("POST", f"/v1/imports/{made['id']}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_unchecked")


async def test_gigabytes_are_refused_before_they_are_sent(imports, owner) -> None:
    url = owner.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        "POST /v1/imports HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {owner.client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2147483648\r\n\r\n--x\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(10):
        assert (await reader.readline()).split()[1] == b"413"
    writer.close()
    assert files_of(imports, owner) == []


async def test_a_row_of_a_megabyte_is_refused_alone(imports, owner) -> None:
    header = "顧客番号,姓,備考"
    data = table("L-1,田中,短い", f"L-2,鈴木,{'長' * 1_000_001}", "L-3,佐藤,", header=header)
    found = await imports.whole(owner, "l.csv", data)
    assert (found["created"], found["rejected"]) == (2, 1)
    (error,) = await imports.errors(owner, found["id"])
    assert (error["row"], error["column"], error["code"], error["detail"]) == (
        2,
        None,
        "too_long",
        "行が長すぎます。",
    )


MAIL, NAME = 4, 1
CASES: list[tuple[dict[str, Any], str, str, str, str]] = [
    (
        {"mapping": [{"column": NAME, "field": "family_name"}, {"column": NAME, "field": "email"}]},
        "/mapping/1/column",
        "column_twice",
        "列「姓」が 2 回指定されています。",
        "The column “姓” is named twice.",
    ),
    (
        {"mapping": [{"column": NAME, "field": "family_name"}, {"column": 2, "field": "family_name"}]},
        "/mapping/1/field",
        "field_twice",
        "列「姓」と列「名」が同じ項目に割り当てられています。どちらかを外してください。",
        "The columns “姓” and “名” go into the same field. Leave one of them out.",
    ),
    (
        {"mapping": [{"column": MAIL, "field": "email"}]},
        "/mapping",
        "name_unmapped",
        "姓または氏名に列を割り当ててください。",
        "Map a column to the family name or to the full name.",
    ),
    (
        {"mapping": [{"column": NAME, "field": "family_name"}], "match_on": "email"},
        "/match_on",
        "unmapped_key",
        "照合に使う項目に、ファイルの列が割り当てられていません。",
        "No column of the file is mapped to the field that records are matched by.",
    ),
    (
        {"match_on": "family_name"},
        "/match_on",
        "not_matchable",
        "この項目ではレコードを照合できません。使えるのは次の項目です：customer_code, email, mobile, phone",
        "Records cannot be matched by this field. They can by: customer_code, email, mobile, phone.",
    ),
    (
        {"mapping": [{"column": 99, "field": "family_name"}]},
        "/mapping/0/column",
        "unknown_column",
        "この列はファイルにありません。",
        "The file has no such column.",
    ),
]


@pytest.mark.parametrize(("patch", "pointer", "code", "ja", "en"), CASES, ids=[case[2] for case in CASES])
async def test_a_mapping_that_cannot_work_says_what_is_wrong(
    imports, owner, patch, pointer, code, ja, en
) -> None:
    made = await imports.upload(owner, "m.csv", table("M-1,田中,,,,,,"))
    for language, detail in (("ja", ja), ("en", en)):
        answer = await owner("PATCH", f"/v1/imports/{made['id']}", patch, accept_language=language)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"], error["detail"]) == (pointer, code, detail)
    after = (await owner("GET", f"/v1/imports/{made['id']}")).json()
    assert after["mapping"] == made["mapping"], "nothing of it is kept"


async def test_a_required_field_without_a_column_is_named_before_the_check(imports, owner) -> None:
    made = await imports.upload(owner, "m.csv", table("M-1,田中,,,,,,"))
    await owner.make("/v1/fields", resource="contact", key="area", type="text", label="地区", required=True)
    answer = await owner("POST", f"/v1/imports/{made['id']}/check")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["code"], error["detail"]) == (
        "field_unmapped",
        "必須項目「地区」に列を割り当ててください。",
    )


async def test_a_file_of_keys_and_changes_updates_without_naming_anybody(imports, owner) -> None:
    await imports.whole(owner, "a.csv", table("U-1,田中,,,,,,"))
    data = table("U-1,03-1234-5678", "U-2,03-1234-5679", header="顧客番号,電話番号")
    found = await imports.whole(owner, "u.csv", data, match_on="customer_code", on_match="update")
    assert (found["updated"], found["created"], found["rejected"]) == (1, 0, 1)
    errors = await imports.errors(owner, found["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [(2, None, "unmatched")]


async def test_an_import_is_run_once(imports, owner) -> None:
    made = await imports.upload(owner, "r.csv", table("R-1,田中,,,,,,"))
    path = f"/v1/imports/{made['id']}"
    answer = await owner("POST", f"{path}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_unchecked")
    await imports.check(owner, made["id"])
    both = await asyncio.gather(*(owner("POST", f"{path}/run") for _ in range(2)))
    assert sorted(each.status_code for each in both) == [202, 409]
    (refused,) = (each for each in both if each.status_code == 409)
    assert refused.json()["code"] in {"import_busy", "import_finished"}
    done = await imports.follow(owner, made["id"], "done")
    assert (done["status"], done["created"]) == ("done", 1)
    answer = await owner("POST", f"{path}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_finished")
    assert answer.json()["detail"] == "このインポートは完了しています。"


@pytest.mark.parametrize("on_match", ["update", "skip"])
async def test_a_key_that_stands_twice_in_the_file_counts_once(imports, owner, on_match: str) -> None:
    await imports.whole(owner, "a.csv", table("D-1,田中,,,,,,"))
    data = table("D-1,田中,一郎,,,,,", "D-1,田中,二郎,,,,,", "D-2,森,,,,,,", "D-2,林,,,,,,")
    found = await imports.whole(owner, "d.csv", data, match_on="customer_code", on_match=on_match)
    errors = [
        (each["row"], each["column"], each["code"]) for each in await imports.errors(owner, found["id"])
    ]
    if on_match == "update":
        assert (found["updated"], found["created"], found["skipped"]) == (1, 1, 0)
        assert errors == [(2, "顧客番号", "repeated_in_file"), (4, "顧客番号", "repeated_in_file")]
    else:
        assert (found["updated"], found["created"], found["skipped"]) == (0, 1, 3)
        assert errors == []


@pytest.mark.parametrize("name", ["wide.csv", "wide.xlsx"])
async def test_file_with_more_columns_than_are_read_is_refused_with_the_limit(owner, name) -> None:
    header = ["姓", *(f"列{number}" for number in range(500)), "メールアドレス"]
    rows = [header, ["山田", *["x"] * 500, "far@example.jp"]]
    if name.endswith(".csv"):
        data = "".join(",".join(row) + "\r\n" for row in rows).encode()
    else:
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        held = io.BytesIO()
        book.save(held)
        data = held.getvalue()
    answer = await send(owner, data, f"wide {name}", name)
    assert (answer.status_code, answer.json()["code"]) == (422, "file_too_wide")
    assert "500" in answer.json()["detail"]
