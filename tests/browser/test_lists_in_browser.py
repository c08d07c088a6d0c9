"""Lists: left for a record and come back to, and all their columns within reach."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from daicho.testkit.product import Product

from .browsing import at_the_console, rows_of, sign_in

CONTACTS = 60


@pytest.fixture(scope="module")
async def ledger(browser: Browser, product: Product) -> AsyncIterator[Page]:
    """A person before the list of many contacts."""
    company = await product.company()
    for start in range(0, CONTACTS, 10):
        await asyncio.gather(
            *(
                company.owner.post(
                    "/v1/contacts",
                    {"family_name": "田中", "given_name": f"{number:02}", "lifecycle": "customer"},
                )
                for number in range(start, start + 10)
            )
        )
    async with at_the_console(browser, product) as page:
        await sign_in(page, company.code, company.address("owner"))
        await expect(rows_of(page).first).to_be_visible()
        yield page
    await company.client.aclose()


async def offset(page: Page) -> int:
    """How far the list is scrolled."""
    found: int = await page.get_by_role("grid").evaluate("grid => grid.scrollTop")
    return found


async def chosen(page: Page) -> str | None:
    """The place of the row that the keyboard is at."""
    return await page.get_by_role("row", selected=True).get_attribute("aria-rowindex")


@pytest.mark.parametrize("way", ["back", "chevron"])
async def test_from_a_record_one_comes_back_to_the_list_as_it_was_left(ledger: Page, way: str) -> None:
    page = ledger
    await page.goto("/contacts?lifecycle=customer&sort=updated")
    await page.get_by_role("searchbox", name="検索", exact=True).fill("田中")
    await expect(page).to_have_url(re.compile("q="))
    await expect(page.get_by_text(f"全 {CONTACTS} 件")).to_be_attached()
    grid = page.get_by_role("grid")
    await grid.focus()
    for _ in range(40):
        await page.keyboard.press("ArrowDown")
    left, place, address = await offset(page), await chosen(page), page.url
    assert left > 0
    assert place == "42"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="田中")).to_be_visible()
    if way == "back":
        await page.go_back()
    else:
        await page.get_by_role("main").get_by_role("button", name="顧客", exact=True).click()
    await expect(grid).to_be_focused()
    await expect(page).to_have_url(address)
    await expect(page.get_by_role("searchbox", name="検索", exact=True)).to_have_value("田中")
    assert (await offset(page), await chosen(page)) == (left, place)


async def test_a_list_that_is_opened_anew_begins_at_its_top(ledger: Page) -> None:
    page = ledger
    await page.goto("/contacts")
    await expect(rows_of(page).first).to_be_visible()
    await page.get_by_role("grid").press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="田中")).to_be_visible()
    await page.get_by_role("link", name="顧客", exact=True).click()
    await expect(rows_of(page).first).to_be_visible()
    assert await offset(page) == 0


async def test_the_columns_of_a_list_fit_the_window_and_the_name_stays_when_there_are_more(
    ledger: Page,
) -> None:
    page = ledger
    await page.goto("/contacts")
    grid = page.get_by_role("grid")
    await expect(rows_of(page).first).to_be_visible()
    assert await grid.evaluate("grid => grid.scrollWidth <= grid.clientWidth")
    await page.get_by_role("button", name="表示する列").click()
    for column in ("都道府県", "更新日時", "登録日時"):
        choice = page.get_by_role("menuitemcheckbox", name=column)
        await choice.click()
        await expect(choice).to_be_checked()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("columnheader", name="登録日時")).to_be_attached()
    assert await grid.evaluate("grid => grid.scrollWidth > grid.clientWidth")
    name = rows_of(page).first.get_by_role("gridcell").first
    before = await name.bounding_box()
    await grid.evaluate("grid => grid.scrollTo(9999, 0)")
    assert await name.bounding_box() == before
    await page.evaluate("localStorage.clear()")
