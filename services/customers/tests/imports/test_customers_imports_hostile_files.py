"""Hostile files over HTTP: each gets a clear answer, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from typing import Any

import psutil
import pytest

from daicho.customers.imports.faults import ImportsFull, StorageUnavailable, TooManyUploads
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.customers.imports.upload_limits import PER_TENANT, UploadLimits
from daicho.keyring import FileStore
from daicho.tenancy import Actor, UserId

WAIT = 5.0
"""Seconds that another may wait here, where everything shares two cores with the tests; the bar is in tests/bench."""
LONGEST = 90.0
_MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def endless_row(rows: list[list[str]]) -> bytes:
    """A workbook whose rows are followed by one of a hundred million cells without content: half a megabyte."""
    good = b"".join(write_sheet(rows))
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(good)) as source,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            with target.open(name, "w") as part:
                data = source.read(name)
                if name != "xl/worksheets/sheet1.xml":
                    part.write(data)
                    continue
                part.write(data[: data.index(b"</sheetData>")] + b"<row>")
                for _ in range(100):
                    part.write(b"<c/>" * 1_000_000)
                part.write(b"</row></sheetData></worksheet>")
    return held.getvalue()


async def waits_of(caller: Any, until: asyncio.Event) -> list[float]:
    """Seconds that each request of ``caller`` takes, one after the other."""
    waits: list[float] = []
    while not until.is_set() or not waits:
        began = time.perf_counter()
        answer = await caller("GET", "/v1/contacts")
        assert answer.status_code == 200
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    return waits


async def test_workbook_that_reads_for_minutes_ends_at_its_limit_and_others_go_on(imports, owner) -> None:
    other = (await imports.ledger.create_house()).owner
    over = asyncio.Event()
    waiting = asyncio.create_task(waits_of(other, over))
    began = time.perf_counter()
    answer = await owner.client.post(
        "/v1/imports",
        files={"file": ("h.xlsx", endless_row([]))},
        data={"resource": "contact"},
        timeout=LONGEST,
    )
    lasted = time.perf_counter() - began
    over.set()
    assert (answer.status_code, answer.json()["code"]) == (422, "file_too_complex")
    assert "複雑" in answer.json()["title"] + answer.json().get("detail", "")
    assert lasted < LONGEST
    assert max(await waiting) < WAIT


async def test_colleague_uploads_while_hostile_files_are_read(imports, owner) -> None:
    colleague = await imports.ledger.create_user(owner.house.tenant_id, "admin")
    hostile = endless_row([])

    async def attack() -> int:
        sent = {"file": ("h.xlsx", hostile)}
        answer = await owner.client.post(
            "/v1/imports", files=sent, data={"resource": "contact"}, timeout=2 * LONGEST
        )
        return answer.status_code

    attacks = [asyncio.create_task(attack()) for _ in range(3)]
    began = time.perf_counter()
    await imports.upload(colleague, "good.csv", "姓,名\n田中,太郎\n".encode())
    assert time.perf_counter() - began < WAIT
    assert set(await asyncio.gather(*attacks)) <= {422, 503}


async def test_check_of_a_file_that_turns_hostile_fails_with_the_reason(imports, owner) -> None:
    rows = [["姓", "名"], *[["田中", f"{n}"] for n in range(100)]]
    made = await imports.upload(owner, "late.xlsx", endless_row(rows))
    answer = await owner("POST", f"/v1/imports/{made['id']}/check")
    assert answer.status_code == 202
    found = await imports.follow(owner, made["id"], "checked", seconds=LONGEST)
    assert (found["status"], found["failure"]) == ("failed", "file_too_complex")
    assert found["failure_detail"]


@pytest.mark.parametrize(
    ("header", "row", "code"),
    [
        (["姓", "担当"], ["佐藤", "\u200b" + "a" * 32_000], "unknown_user"),
        (["姓", "担当"], ["佐藤", "@" + "㌖" * 1_290], "unknown_user"),
        (["姓", "名"], ["😀" + "a" * 29_000, "😀" + "b" * 29_000], "too_long"),
    ],
    ids=["invisible", "composed", "wide"],
)
async def test_check_of_long_cells_ends_with_its_rows_rejected_and_others_go_on(
    imports, owner, header: list[str], row: list[str], code: str
) -> None:
    other = (await imports.ledger.create_house()).owner
    over, process = asyncio.Event(), psutil.Process()
    made = await imports.upload(owner, "l.xlsx", b"".join(write_sheet([header, *[row] * 200])))
    idle = process.memory_info().rss
    waiting = asyncio.create_task(waits_of(other, over))
    assert (await owner("POST", f"/v1/imports/{made['id']}/check")).status_code == 202
    found = await imports.follow(owner, made["id"], "checked", seconds=LONGEST)
    over.set()
    assert (found["status"], found["rejected"]) == ("checked", 200)
    assert {each["code"] for each in (await imports.errors(owner, made["id"], limit=200))} == {code}
    assert max(await waiting) < WAIT
    assert process.memory_info().rss - idle < 512 * 2**20


async def test_company_has_a_limit_of_uploads_at_a_time(imports, owner) -> None:
    other = (await imports.ledger.create_house()).owner
    limits: UploadLimits = imports.ledger.parts.state["imports"].uploads
    actor = Actor(tenant_id=owner.house.tenant_id, kind="user", user_id=UserId(owner.user_id))
    places = [limits.slot(actor) for _ in range(PER_TENANT)]
    for place in places:
        await place.__aenter__()
    sent = {"file": ("a.csv", "姓,名\n田中,太郎\n".encode())}
    answer = await owner.client.post("/v1/imports", files=sent, data={"resource": "contact"})
    assert (answer.status_code, answer.json()["code"]) == (429, TooManyUploads.code)
    assert int(answer.headers["retry-after"]) > 0
    await imports.upload(other, "a.csv", sent["file"][1])
    for place in places:
        await place.__aexit__(None, None, None)
    await imports.upload(owner, "a.csv", sent["file"][1])


async def test_files_that_wait_have_a_limit_of_space(imports, owner, monkeypatch) -> None:
    await imports.upload(owner, "a.csv", "姓,名\n田中,太郎\n".encode())
    actor = Actor(tenant_id=owner.house.tenant_id, kind="user", user_id=UserId(owner.user_id))
    store = FileStore(imports.folder)
    full = UploadLimits(imports.ledger.database, store, max_stored=10)
    with pytest.raises(ImportsFull):
        async with full.upload(actor):
            pass
    monkeypatch.setattr(FileStore, "free_space", lambda _: 1_000)
    with pytest.raises(StorageUnavailable):
        async with UploadLimits(imports.ledger.database, store).upload(actor):
            pass
