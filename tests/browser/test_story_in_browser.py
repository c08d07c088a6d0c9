"""A company's first minutes in the console, in Japanese: sign up, confirm, sign in, enter somebody, find him."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from daicho.testkit.company import PASSWORD
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

AXE = Path(__file__).resolve().parents[2] / "gateway/console/node_modules/axe-core/axe.min.js"


async def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = await page.evaluate(AXE.read_text() + "; axe.run()")
    return [
        f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


async def link_to(product: Product, address: str) -> str:
    """The link in the newest mail to an address."""
    async with httpx.AsyncClient(base_url=product.mail) as mail:

        async def newest() -> str:
            found = (await mail.get("/api/mails", params={"to": address})).json()
            mails = found["items"] if isinstance(found, dict) else found
            return mails[0]["id"] if mails else ""

        return str((await mail.get(f"/api/mails/{await until(newest)}")).json()["links"][0])


async def sign_up(page: Page, product: Product, code: str) -> None:
    email = f"owner@{code}.example.jp"
    await page.goto("/sign-up")
    await page.locator("input[name=company]").fill("株式会社みどり商事")
    await page.locator("input[name=code]").fill(code)
    await page.locator("input[name=name]").fill("山田 花子")
    await page.locator("input[name=email]").fill(email)
    await page.locator("input[name=password]").fill(PASSWORD)
    assert await serious(page) == []
    await page.locator("button[type=submit]").click()
    await expect(page.get_by_text(email)).to_be_visible()
    await page.goto(await link_to(product, email))
    await page.goto("/sign-in")
    await page.locator("input[name=tenant]").fill(code)
    await page.locator("input[name=email]").fill(email)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("button[type=submit]").click()
    await expect(page).to_have_url(re.compile("/contacts"))


async def test_from_sign_up_to_a_contact_that_is_found(page: Page, product: Product) -> None:
    await sign_up(page, product, "browser-story")
    await expect(page.get_by_text("顧客がまだ登録されていません")).to_be_visible()
    assert await serious(page) == []
    await page.goto("/contacts/new")
    await page.get_by_role("textbox", name="姓", exact=True).fill("田中")
    await page.get_by_role("textbox", name="名", exact=True).fill("一郎")
    await page.get_by_role("textbox", name="セイ", exact=True).fill("たなか")
    await page.locator("main button[type=submit], form button[type=submit]").first.click()
    await expect(page).to_have_url(re.compile("/contacts/[0-9a-f-]{36}"))
    await expect(page.get_by_text("タナカ").first).to_be_visible()
    assert await serious(page) == []
    await page.goto("/contacts?q=ﾀﾅ")
    await expect(page.get_by_text("田中").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_usable_on_a_phone_and_keeps_nobody_out(
    page: Page, product: Product, scheme: str
) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # light or dark
    await sign_up(page, product, f"browser-{scheme}")
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 800})
        for path in (
            "/contacts",
            "/companies",
            "/imports",
            "/settings/fields",
            "/settings/users",
            "/settings/roles",
            "/settings/teams",
            "/audit",
        ):
            await page.goto(path)
            await page.wait_for_load_state("networkidle")
            await expect(page.get_by_role("heading").first).to_be_visible()
            assert await serious(page) == [], path
            wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"{path} scrolls sideways by {wider} px at {width}"
