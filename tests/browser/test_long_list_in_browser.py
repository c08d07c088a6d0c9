"""Ten thousand contacts: brought in under the eyes of a person, and scrolled through to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from playwright.async_api import Page, expect

from daicho.testkit.product import Product

from .browsing import rows_of, sign_in

ROWS = 10_000
# What fits into the window, and what is kept ready above and below it.
DRAWN = 60


def sheet() -> bytes:
    """A file whose last row, which enters last, is 田中 10000."""
    lines = (f"田中,{number},タナカ" for number in range(1, ROWS + 1))
    return "\r\n".join(["姓,名,セイ", *lines, ""]).encode("cp932")


@asynccontextmanager
async def second_lane_held(product: Product, tenant_id: str, import_id: str) -> AsyncIterator[None]:
    """While the block runs, a run of the import comes to its middle and no further: its second lane's row is ours."""
    database = await asyncpg.connect(product.database_url("customers"))
    try:
        lane = database.transaction()
        await lane.start()
        await database.execute(
            "INSERT INTO import_lane (tenant_id, import_id, lane, next) VALUES ($1, $2, 1, 1)",
            tenant_id,
            import_id,
        )
        yield
        await lane.rollback()
    finally:
        await database.close()


async def test_ten_thousand_rows_are_imported_live_and_scrolled_to_the_end(
    page: Page, product: Product
) -> None:
    company = await product.company()
    streams: list[str] = []
    page.on("request", lambda sent: streams.append(sent.url) if sent.url.endswith("/events") else None)
    await sign_in(page, company.code, company.address("owner"))
    await expect(page.get_by_text("顧客がまだ登録されていません")).to_be_visible()

    await page.goto("/imports")
    await page.locator("input[type=file]").set_input_files(
        {"name": "一万人.csv", "mimeType": "text/csv", "buffer": sheet()}
    )
    await page.get_by_role("button", name="内容を確認する").click()
    run = page.get_by_role("button", name="10,000 行を取り込む")
    await expect(run).to_be_visible(timeout=120_000)
    async with second_lane_held(product, company.tenant_id, page.url.rsplit("/", 1)[-1]):
        await run.click()
        # The stream brings the figures, and those between none and all are there to be seen.
        bar = page.get_by_role("progressbar", name="取り込んでいます…")
        await expect(bar).to_have_attribute("aria-valuenow", "50", timeout=60_000)
        await expect(page.get_by_text("5,000 / 10,000 行")).to_be_visible()
        assert len(streams) >= 1
    await expect(page.get_by_text("取り込みが完了しました")).to_be_visible(timeout=180_000)
    await company.client.aclose()

    await page.get_by_role("link", name="顧客一覧を見る").click()
    grid = page.get_by_role("grid")
    await expect(rows_of(page).first).to_be_visible()
    assert await rows_of(page).count() <= DRAWN
    await grid.press("End")
    await expect(page.get_by_text("全 10,000 件")).to_be_in_viewport(timeout=120_000)
    assert await rows_of(page).count() <= DRAWN
    await expect(rows_of(page).last).to_have_attribute("aria-rowindex", str(ROWS + 1))
    await expect(rows_of(page).last).to_be_in_viewport()
    await grid.press("Home")
    await expect(rows_of(page).first).to_have_attribute("aria-rowindex", "2")
    await expect(rows_of(page).first).to_be_in_viewport()
    assert await rows_of(page).count() <= DRAWN
