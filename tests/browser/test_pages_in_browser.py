"""Every page, on a desk and on a phone, by day and by night: nothing keeps people out, nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from daicho.testkit.company import Company
from daicho.testkit.product import Product

from .browsing import at_the_console, rows_of, serious, sign_in

SHEET = "姓,名,メールアドレス\r\n田中,一郎,tanaka@example.jp\r\n,二郎,wrong\r\n".encode("cp932")


@dataclass
class Furnished:
    """A company with one of everything, so that no page is an empty one."""

    company: Company
    contact: str
    firm: str
    checked: str
    mapped: str
    """An import whose columns are still to be mapped."""


@pytest.fixture(scope="module")
async def furnished(product: Product) -> AsyncIterator[Furnished]:
    company = await product.company()
    owner = company.owner
    rank = {"label": "ランク", "key": "rank", "type": "select", "options": [{"value": "S"}, {"value": "A"}]}
    await owner.post("/v1/fields", {"resource": "contact", "section": "取引", "sensitive": True, **rank})
    await owner.post("/v1/teams", {"name": "第一営業部"})
    await owner.post("/v1/invitations", {"invitations": [{"email": "x@example.jp", "role": "member"}]})
    firm = await owner.post("/v1/companies", {"name": "株式会社みどり商事", "url": "https://example.jp"})
    contact = await owner.post(
        "/v1/contacts",
        {
            "family_name": "田中",
            "given_name": "健一",
            "family_name_kana": "タナカ",
            "emails": [{"kind": "work", "address": "tanaka@example.jp"}],
            "phones": [{"kind": "mobile", "number": "090-1234-5678"}],
            "company_id": firm["id"],
            "tags": ["重要"],
            "custom": {"rank": "S"},
            "notes": "一行目\n二行目",
        },
    )
    checked = await owner.upload(SHEET, name="顧客.csv")
    mapping = [{"column": it["index"], "field": it["suggested_field"]} for it in checked["columns"]]
    await owner.company.client.patch(
        f"/v1/imports/{checked['id']}", json={"mapping": mapping}, headers=owner.bearer
    )
    await owner.post(f"/v1/imports/{checked['id']}/check")
    mapped = await owner.upload(SHEET, name="見込み.csv")
    await company.invite("mate", "member")
    yield Furnished(company, contact["id"], firm["id"], checked["id"], mapped["id"])
    await company.client.aclose()


async def opens(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()
    await expect(page.get_by_role("dialog").or_(page.get_by_role("menu")).first).to_be_visible()


async def help_opens(page: Page) -> None:
    await page.keyboard.press("Shift+?")
    await expect(page.get_by_role("dialog", name="キーボード操作")).to_be_visible()


async def palette_opens(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog", name="検索・移動")).to_be_visible()


async def entry_opens(page: Page) -> None:
    await rows_of(page).first.click()
    await expect(page.get_by_label("公開鍵")).to_be_visible()


def clicking(name: str) -> Callable[[Page], Awaitable[None]]:
    """What opens the dialog or menu behind a button."""
    return lambda page: opens(page, name)


def edits(name: str) -> Callable[[Page], Awaitable[None]]:
    """What puts a section of a record into editing."""

    async def begin(page: Page) -> None:
        await page.get_by_role("button", name=f"{name}を編集").click()
        await expect(page.get_by_role("button", name="保存", exact=True)).to_be_visible()

    return begin


def choosing(menu: str, item: str) -> Callable[[Page], Awaitable[None]]:
    """What opens the dialog behind an item of a menu."""

    async def choose_it(page: Page) -> None:
        await opens(page, menu)
        await page.get_by_role("menuitem", name=item, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()

    return choose_it


async def menu_opens(page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.get_by_role("button", name="メニューを開く").click()
    await expect(page.get_by_role("dialog", name="メインメニュー")).to_be_visible()


async def account_opens(page: Page) -> None:
    await page.get_by_role("button", name="アカウントメニュー").click()
    await expect(page.get_by_role("menu")).to_be_visible()


async def leaving_is_asked(page: Page) -> None:
    await page.get_by_label("メンバー：顧客 閲覧").select_option(label="自分の担当")
    await page.get_by_role("link", name="チーム", exact=True).click()
    await expect(page.get_by_role("dialog", name="入力内容を破棄しますか？")).to_be_visible()


async def session_ends(page: Page) -> None:
    """The last that is looked at: nobody is signed in afterwards."""
    await expect(rows_of(page).first).to_be_visible()
    await page.context.clear_cookies()
    await page.get_by_role("searchbox", name="検索", exact=True).fill("田中")
    await expect(page.get_by_role("dialog", name="もう一度サインインしてください")).to_be_visible()


def conflict_of(of: Furnished) -> Callable[[Page], Awaitable[None]]:
    """Two who change one field of the contact."""

    async def collide(page: Page) -> None:
        await edits("勤務先")(page)
        held = await of.company.owner.get(f"/v1/contacts/{of.contact}")
        await of.company.owner.patch(f"/v1/contacts/{of.contact}", {"title": "部長"}, version=held["version"])
        await page.get_by_label("役職", exact=True).fill("社長")
        await page.get_by_role("button", name="保存", exact=True).click()
        await expect(page.get_by_role("dialog", name="ほかの人が先に変更しました")).to_be_visible()

    return collide


def pages(of: Furnished) -> list[tuple[str, list[Callable[[Page], Awaitable[None]]]]]:
    """Each page with what can be opened on it; one after the other, each on the page as it first was."""
    more = "その他の操作"
    return [
        (
            "/contacts",
            [palette_opens, help_opens, menu_opens, clicking("表示する列"), account_opens],
        ),
        (
            f"/contacts/{of.contact}",
            [
                *(edits(section) for section in ("氏名", "連絡先", "住所")),
                clicking(more),
                choosing(more, "削除"),
                conflict_of(of),
            ],
        ),
        ("/contacts/new", []),
        ("/companies", []),
        (f"/companies/{of.firm}", [edits("事業情報")]),
        ("/companies/new", []),
        ("/imports", []),
        (f"/imports/{of.mapped}", []),
        (f"/imports/{of.checked}", []),
        (
            "/settings/fields",
            [clicking("項目を追加"), clicking("ランク の操作"), choosing("ランク の操作", "削除")],
        ),
        ("/settings/users", [clicking("招待する"), choosing("mate の操作", "利用を停止")]),
        ("/settings/roles", [leaving_is_asked]),
        ("/settings/teams", [clicking("チームを作成"), clicking("「第一営業部」を削除")]),
        ("/audit", [entry_opens, clicking("個人情報を消去")]),
        ("/audit/erasures", []),
        ("/account", []),
        ("/nowhere", []),
        ("/contacts", [session_ends]),
    ]


OUTSIDE = (
    "/sign-in",
    "/sign-up",
    "/forgot-password",
    "/confirm-email",
    "/accept-invitation",
    "/reset-password",
)


TWO_FRAMES = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
# The narrow ones first: a menu that only a phone has is looked at before there is room for all.
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (390, "light"),
    (390, "dark"),
    (1280, "dark"),
    (1280, "light"),
)


async def faults_of(page: Page, told: str) -> list[str]:
    """What keeps people out, on a desk and on a phone, by day and by night, and what scrolls sideways."""
    faults: list[str] = []
    for width, scheme in LOOKS:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        # Until the new colours are drawn none of them has begun to fade in, and the page seems still.
        await page.evaluate(TWO_FRAMES)
        wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        sideways = [f"scrolls sideways by {wider} px"] if wider > 0 else []
        faults += [f"{told}, {width} px, {scheme}: {each}" for each in [*await serious(page), *sideways]]
    return faults


async def visit(page: Page, path: str) -> None:
    await page.goto(path)
    await expect(page.get_by_role("heading").first).to_be_visible()
    await page.wait_for_load_state("networkidle")


async def test_a_page_and_what_opens_on_it_is_for_everybody(
    browser: Browser, product: Product, furnished: Furnished
) -> None:
    faults: list[str] = []
    async with at_the_console(browser, product) as page:
        for path in OUTSIDE:
            await visit(page, path)
            faults += await faults_of(page, path)
        await sign_in(page, furnished.company.code, furnished.company.address("owner"))
        await expect(rows_of(page).first).to_be_visible()
        for path, opened in pages(furnished):
            await visit(page, path)
            faults += await faults_of(page, path)
            for place, open_it in enumerate(opened):
                await visit(page, path)
                await open_it(page)
                faults += await faults_of(page, f"what opens on {path} ({place})")
    assert faults == []


async def test_the_console_speaks_english_to_the_last_word(
    browser: Browser, product: Product, furnished: Furnished
) -> None:
    async with at_the_console(browser, product, locale="en-GB") as page:
        await sign_in(page, furnished.company.code, furnished.company.address("owner"))
        await expect(rows_of(page).first).to_be_visible()
        await page.evaluate("localStorage.setItem('daicho.language', 'en')")
        for path in ("/imports", "/settings/users", "/settings/roles", "/settings/teams"):
            await visit(page, path)
            await expect(page.get_by_role("heading", level=1)).to_have_text(ENGLISH[path])
            shown = await page.locator("main").inner_text()
            # What people called their own things stays as they wrote it.
            for own in ("山田 花子", "山", "第一営業部", "顧客.csv", "見込み.csv", "mate"):
                shown = shown.replace(own, "")
            assert not any("\u3040" <= sign <= "\u9fff" for sign in shown), f"{path}: {shown}"


ENGLISH = {
    "/imports": "Import",
    "/settings/users": "Users",
    "/settings/roles": "Roles and permissions",
    "/settings/teams": "Teams",
}
