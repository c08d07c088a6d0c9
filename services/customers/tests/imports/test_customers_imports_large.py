"""Large imports have places of their own: a small one never waits for their end."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from daicho.customers.imports.job_types import CHECK, LARGE, LARGE_BYTES, LARGE_ROWS

HEADER = "顧客番号,姓,名,備考\r\n"


def people(count: int, note: str = "") -> bytes:
    rows = (f"C-{number:06},田中,太郎{number},{note}\r\n" for number in range(count))
    return (HEADER + "".join(rows)).encode()


async def claims(admin: asyncpg.Connection[Any], entrypoint: str) -> int:
    return int(
        await admin.fetchval(
            "SELECT count(*) FROM pgqueuer_log WHERE entrypoint = $1 AND status = 'picked'", entrypoint
        )
    )


async def test_a_check_that_meets_many_rows_goes_on_as_a_large_one(imports, owner) -> None:
    count = LARGE_ROWS + 1_500
    data = people(count)
    assert len(data) < LARGE_BYTES
    admin = await asyncpg.connect(imports.ledger.made.admin_url)
    before = await claims(admin, LARGE)
    found = await imports.whole(owner, "many.csv", data)
    after = await claims(admin, LARGE)
    await admin.close()
    assert (found["rows"], found["created"], found["rejected"]) == (count, count, 0)
    assert after - before == 2  # the rest of the check, and the run


async def test_a_small_import_passes_while_large_ones_hold_all_their_places(imports, owner) -> None:
    admin = await asyncpg.connect(imports.ledger.made.admin_url)
    note = "あ" * 30
    data = people(LARGE_BYTES // len(note.encode()) + 1, note)
    before = await claims(admin, CHECK)
    async with admin.transaction():
        for _ in range(2):
            loud = (await imports.ledger.create_house()).owner
            made = await imports.upload(loud, "large.csv", data)
            answer = await loud("POST", f"/v1/imports/{made['id']}/check")
            assert answer.status_code == 202, answer.text
            # The check moves the import's row with each of its chunks, so it waits at the next one.
            await admin.execute('SELECT FROM "import" WHERE id = $1 FOR UPDATE', made["id"])
        async with asyncio.timeout(60):
            found = await imports.whole(owner, "small.csv", people(1_500))
        waiting = await admin.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1", LARGE)
    after = await claims(admin, CHECK)
    await admin.close()
    assert (found["created"], waiting) == (1_500, 2)
    assert (
        after - before == 1
    )  # the small one's: a file that is large by its size never takes a place of small ones
