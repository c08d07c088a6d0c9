"""Rows that wait between check and run while the index key rotates are found like any other."""

from __future__ import annotations

import pytest

from daicho.customers.reindexing import rewrite_tokens

FILE = "姓,セイ,会社名\r\n輪番待,リンバンマチ,輪番待商事\r\n輪番次,,\r\n".encode()
COMPANIES = "会社名,設立日\r\n輪番待工業,2001-02-03\r\n".encode()


async def rotate(ledger, tenant_id) -> None:
    """From the first command to the last: afterwards the old key is gone."""

    async def pass_time() -> None:
        async with ledger.database.transaction(tenant_id) as tx:
            await tx.driver.execute(
                "UPDATE data_key SET created_at = created_at - interval '15 minutes 1 second'"
            )
        ledger.keyring.forget(tenant_id)

    await ledger.keyring.begin_index_rotation(tenant_id)
    await pass_time()
    await rewrite_tokens(ledger.database, ledger.keyring, tenant_id)
    assert await ledger.keyring.finish_index_rotation(tenant_id)
    await pass_time()
    await rewrite_tokens(ledger.database, ledger.keyring, tenant_id)


async def tokens_of(ledger, tenant_id, table: str) -> list[list[int]]:
    async with ledger.database.reading(tenant_id) as tx:
        rows = await tx.driver.fetch(f"SELECT tokens FROM {table} ORDER BY id")  # noqa: S608 one of two of ours
    return [row["tokens"] for row in rows]


@pytest.mark.parametrize(
    ("resource", "plural", "file", "count"),
    [("contact", "contacts", FILE, 2), ("company", "companies", COMPANIES, 1)],
)
async def test_what_was_checked_before_and_run_after_a_rotation_is_found(
    imports, resource, plural, file, count
) -> None:
    ledger = imports.ledger
    house = await ledger.create_house()
    made = await imports.upload(house.owner, "a.csv", file, resource)
    checked = await imports.check(house.owner, made["id"])
    assert (checked["status"], checked["valid"]) == ("checked", count)
    await rotate(ledger, house.tenant_id)
    done = await imports.run(house.owner, made["id"])
    assert (done["status"], done["created"]) == ("done", count)
    for words in ("輪番", "輪番待"):
        answer = await house.owner("POST", f"/v1/{plural}/search", {"q": words})
        assert len(answer.json()["items"]) == (count if words == "輪番" else 1)
    tokens = await tokens_of(ledger, house.tenant_id, resource)
    assert await rewrite_tokens(ledger.database, ledger.keyring, house.tenant_id) == 0, (
        "they are as a rotation leaves them"
    )
    assert await tokens_of(ledger, house.tenant_id, resource) == tokens
