"""What the browser tests share: people at the console, pictures for the guides, and what axe says."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, Locator, Page, expect

from daicho.testkit.company import PASSWORD
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

_AXE: Final = Path(__file__).resolve().parents[2] / "gateway/console/node_modules/axe-core/axe.min.js"
_IS_STILL: Final = """document.getAnimations().every(
  (each) => each.playState !== "running" || each.effect.getComputedTiming().iterations === Infinity
)"""
# What a test makes fail is said by the browser as well; everything else that it complains of is a fault of ours.
_EXPECTED: Final = ("Failed to load resource", "net::ERR_INTERNET_DISCONNECTED")

# Two cores, and other tests beside this one: a page may take its time, the test does not guess how long.
expect.set_options(timeout=30_000)


@asynccontextmanager
async def at_the_console(browser: Browser, product: Product, **more: Any) -> AsyncIterator[Page]:
    """Somebody with a browser of their own, in Japanese; what it complains of (CSP, script errors) fails the test."""
    settings: dict[str, Any] = {
        "base_url": product.url,
        "locale": "ja-JP",
        "timezone_id": "Asia/Tokyo",
        "viewport": {"width": 1280, "height": 800},
        "color_scheme": "light",
    }
    context = await browser.new_context(**(settings | more))
    context.set_default_timeout(30_000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and not any(known in message.text for known in _EXPECTED)
            else None
        ),
    )
    try:
        yield page
    finally:
        await context.close()
    assert complaints == []


async def sign_in(page: Page, code: str, email: str) -> None:
    """Fill the page for signing in that is open, or open it."""
    if not page.url.partition("?")[0].endswith("/sign-in"):
        await page.goto("/sign-in")
    await page.locator("input[name=tenant]").fill(code)
    await page.locator("input[name=email]").fill(email)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("form button[type=submit]").click()


async def link_to(product: Product, address: str, page: str) -> str:
    """The link to ``page`` in the newest mail to an address, once it has arrived."""
    async with httpx.AsyncClient(base_url=product.mail) as mail:

        async def newest() -> str:
            mails = (await mail.get("/api/mails", params={"to": address})).json()
            return next((link for each in mails for link in each["links"] if f"/{page}#" in link), "")

        return await until(newest, within=30)


async def choose(page: Page, label: str, option: str, *, typed: str = "") -> None:
    """Choose from a select by its label."""
    field = page.get_by_label(label, exact=True).and_(page.locator("input:visible"))
    await field.click()
    if typed:
        await field.fill(typed)
    await page.get_by_role("option", name=option, exact=True).and_(page.locator(":visible")).click()


def rows_of(page: Page) -> Locator:
    """The rows of a list that are drawn; its head is none of them."""
    return page.get_by_role("grid").get_by_role("rowgroup").get_by_role("row")


async def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    # Colours in the middle of fading are nobody's colours.
    await until(lambda: page.evaluate(_IS_STILL))
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE.read_text())
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


async def picture(page: Page, name: str) -> None:
    """Save what is to be seen as ``name``.png into PICTURES, the folder of the guides' pictures, if that is set."""
    folder = os.environ.get("PICTURES")
    if folder is None:
        return
    await page.evaluate("document.activeElement?.blur(); document.querySelector('main').scrollTo(0, 0)")
    await page.mouse.move(0, 0)
    await expect(page.locator(".mantine-Notification-root")).to_have_count(0)
    await page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def record_in(page: Page) -> str:
    """The id of the record whose page is open."""
    found = re.search(r"/(?:contacts|companies)/([0-9a-f-]{36})", page.url)
    assert found is not None, page.url
    return found[1]
