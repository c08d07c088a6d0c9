"""A working day in the console: what goes wrong costs nobody their work, and what can be known is not typed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from daicho.testkit.company import PASSWORD, Company
from daicho.testkit.product import Product

from .browsing import at_the_console, choose, record_in, rows_of, sign_in


@dataclass
class Desk:
    """Somebody signed in to a company with two contacts."""

    page: Page
    company: Company
    tanaka: str


@pytest.fixture(scope="module")
async def desk(browser: Browser, product: Product) -> AsyncIterator[Desk]:
    company = await product.company()
    owner = company.owner
    options = [{"value": "S"}, {"value": "A"}]
    custom = (
        {"key": "rank", "label": "ランク", "type": "select", "options": options, "default": "A"},
        {"key": "introducer", "label": "紹介者", "type": "link", "link_resource": "contact"},
    )
    for each in custom:
        await owner.post("/v1/fields", {"resource": "contact", **each})
    await owner.post("/v1/contacts", {"family_name": "佐藤", "family_name_kana": "サトウ"})
    tanaka = await owner.post(
        "/v1/contacts", {"family_name": "田中", "given_name": "健一", "family_name_kana": "タナカ"}
    )
    async with at_the_console(browser, product) as page:
        await sign_in(page, company.code, company.address("owner"))
        await expect(rows_of(page)).to_have_count(2)
        yield Desk(page, company, tanaka["id"])
    await company.client.aclose()


async def begin(desk: Desk, title: str, **values: str) -> None:
    """Open 田中 and enter values into one of the record's sections."""
    await desk.page.goto(f"/contacts/{desk.tanaka}")
    await desk.page.get_by_role("button", name=f"{title}を編集").click()
    for label, value in values.items():
        await desk.page.get_by_label(label, exact=True).fill(value)


async def test_a_session_that_ends_is_renewed_without_losing_what_was_typed(desk: Desk) -> None:
    page = desk.page
    await begin(desk, "勤務先", 役職="営業部長")
    await page.context.clear_cookies()
    await page.get_by_role("button", name="保存", exact=True).click()
    again = page.get_by_role("dialog", name="もう一度サインインしてください")
    await again.get_by_label("パスワード", exact=True).fill("wrong password")
    await again.get_by_role("button", name="サインイン", exact=True).click()
    await expect(again.get_by_text("パスワードが正しくありません。")).to_be_visible()
    await again.get_by_label("パスワード", exact=True).fill(PASSWORD)
    await again.get_by_role("button", name="サインイン", exact=True).click()
    await expect(again).to_be_hidden()
    await expect(page.get_by_label("役職", exact=True)).to_have_value("営業部長")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_role("region", name="勤務先")).to_contain_text("営業部長")


async def test_edits_that_nobody_saved_are_not_left_unasked(desk: Desk) -> None:
    page = desk.page
    await begin(desk, "勤務先", 部署="総務部")
    await page.get_by_role("link", name="取引先", exact=True).click()
    asked = page.get_by_role("dialog", name="入力内容を破棄しますか？")
    await asked.get_by_role("button", name="キャンセル").click()
    await expect(page.get_by_label("部署", exact=True)).to_have_value("総務部")
    await page.get_by_role("link", name="取引先", exact=True).click()
    await asked.get_by_role("button", name="破棄して移動").click()
    await expect(page).to_have_url(re.compile("/companies"))


async def test_what_was_deleted_comes_back_at_once_or_later(desk: Desk) -> None:
    page = desk.page

    async def delete() -> None:
        await page.goto(f"/contacts/{desk.tanaka}")
        await page.get_by_role("button", name="その他の操作").click()
        await page.get_by_role("menuitem", name="削除").click()
        await page.get_by_role("dialog").get_by_role("button", name="削除").click()
        await expect(rows_of(page)).to_have_count(1)

    await delete()
    await page.get_by_role("button", name="元に戻す").click()
    await expect(rows_of(page)).to_have_count(2)
    await delete()
    await page.goto(f"/contacts/{desk.tanaka}")
    await page.get_by_role("button", name="元に戻す").click()
    await expect(page.get_by_text("このレコードは削除されています")).to_be_hidden()
    await expect(page.get_by_role("button", name="氏名を編集")).to_be_visible()


async def test_a_service_that_is_away_is_said_and_asked_again(desk: Desk) -> None:
    page = desk.page
    away = {"status": 503, "code": "unavailable", "title": "", "detail": "ただいま利用できません。"}
    await page.route(
        "**/v1/contacts/search",
        lambda route: route.fulfill(status=503, json=away, content_type="application/problem+json"),
    )
    await page.goto("/contacts")
    await expect(page.get_by_role("alert")).to_contain_text("ただいま利用できません。")
    await page.unroute("**/v1/contacts/search")
    await page.get_by_role("button", name="もう一度試す").click()
    await expect(rows_of(page)).to_have_count(2)


async def test_who_loses_the_network_is_told_and_goes_on_when_it_is_back(desk: Desk) -> None:
    page = desk.page
    await page.goto("/contacts")
    await expect(rows_of(page)).to_have_count(2)
    await page.context.set_offline(True)
    await page.get_by_role("searchbox", name="検索", exact=True).fill("タナ")
    await expect(page.get_by_role("alert")).to_contain_text("サーバーに接続できません")
    await page.context.set_offline(False)
    await expect(rows_of(page)).to_have_count(1)
    await page.get_by_role("searchbox", name="検索", exact=True).fill("存在しない")
    await expect(page.get_by_text("条件に一致するものがありません")).to_be_visible()


async def test_the_keyboard_alone_leads_to_a_contact(desk: Desk) -> None:
    page = desk.page
    await page.goto("/contacts")
    await expect(rows_of(page)).to_have_count(2)
    await page.keyboard.press("j")
    await expect(page.get_by_role("grid")).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="田中")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.get_by_placeholder("ページを開く、顧客を探す、操作する…").fill("サト")
    await expect(page.get_by_role("dialog").get_by_text("佐藤")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_a_postal_code_fills_the_address_and_names_are_found_while_typing(desk: Desk) -> None:
    page = desk.page
    await page.goto("/contacts/new")
    await page.get_by_role("textbox", name="姓", exact=True).fill("鈴木")
    code = page.get_by_label("郵便番号", exact=True)
    await code.fill("１００－０００１")
    await expect(page.get_by_label("市区町村", exact=True)).to_have_value("千代田区")
    await expect(page.get_by_label("町名・番地", exact=True)).to_have_value("千代田")
    await code.fill("452-0961")
    await choose(page, "町域", "春日明河原")
    await expect(page.get_by_label("市区町村", exact=True)).to_have_value("清須市")
    await expect(page.get_by_label("町名・番地", exact=True)).to_have_value("春日明河原")
    await choose(page, "紹介者", "田中 健一", typed="タナ")
    await page.get_by_role("button", name="保存", exact=True).first.click()
    await expect(page.get_by_role("heading", level=1, name="鈴木")).to_be_visible()
    assert record_in(page) != desk.tanaka
    await expect(page.get_by_role("link", name="田中 健一")).to_have_attribute(
        "href", f"/contacts/{desk.tanaka}"
    )
    # What a new record has by itself was there before anybody chose.
    await expect(page.get_by_role("region", name="カスタム項目")).to_contain_text("A")


async def test_what_the_service_refuses_is_shown_at_its_field(desk: Desk) -> None:
    page = desk.page
    await page.goto("/contacts/new")
    family, email, code = (
        page.get_by_role("textbox", name=name, exact=True) for name in ("姓", "メールアドレス", "郵便番号")
    )
    await email.fill("佐藤＠")
    await code.fill("12")
    await page.get_by_role("button", name="保存", exact=True).first.click()
    for field in (family, email, code):
        await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(family).to_be_focused()


async def test_a_birthday_is_typed_in_an_era_and_what_is_no_day_is_said_at_its_field(desk: Desk) -> None:
    page = desk.page
    birthday = page.get_by_role("textbox", name="誕生日", exact=True)
    await page.goto("/contacts/new")
    await page.get_by_role("textbox", name="姓", exact=True).fill("高橋")
    await birthday.fill("昭和60年13月1日")
    await page.get_by_role("button", name="保存", exact=True).first.click()
    await expect(birthday).to_have_attribute("aria-invalid", "true")
    await birthday.fill("S60.4.1")
    await page.get_by_role("button", name="保存", exact=True).first.click()
    await expect(page.get_by_role("heading", level=1, name="高橋")).to_be_visible()
    made = await desk.company.owner.get(f"/v1/contacts/{record_in(page)}")
    assert made["birthday"] == "1985-04-01"
    await desk.company.owner("DELETE", f"/v1/contacts/{made['id']}", if_match='"v1"')


async def test_who_was_overtaken_sees_what_others_changed(desk: Desk) -> None:
    page, owner = desk.page, desk.company.owner
    before = await owner.get(f"/v1/contacts/{desk.tanaka}")
    await begin(desk, "勤務先", 役職="本部長")
    others = {"title": "課長", "notes": "要連絡"}
    await owner.patch(f"/v1/contacts/{desk.tanaka}", others, version=before["version"])
    await page.get_by_role("button", name="保存", exact=True).click()
    clash = page.get_by_role("dialog", name="ほかの人が先に変更しました")
    await expect(clash.get_by_role("radio", name="役職に残す値：自分の入力")).to_be_checked()
    await expect(clash).to_contain_text("課長")
    await expect(clash.get_by_role("region", name="このほかに変更された項目")).to_contain_text("要連絡")
    await clash.get_by_role("button", name="選んだ内容で保存").click()
    await expect(clash).to_be_hidden()
    await expect(page.get_by_role("region", name="勤務先")).to_contain_text("本部長")


async def test_a_list_is_written_into_a_file_as_it_is_filtered(desk: Desk) -> None:
    await desk.page.goto("/contacts?q=田中")
    text = await _exported(desk.page, "CSV（Shift_JIS）")
    assert "田中,健一" in text
    assert "佐藤" not in text


async def test_what_a_file_cannot_hold_is_named_and_substituted_when_asked(desk: Desk) -> None:
    made = await desk.company.owner.post("/v1/contacts", {"family_name": "𠮷田"})
    await desk.page.goto("/contacts?q=𠮷田")
    await desk.page.get_by_role("button", name="エクスポート").click()
    await desk.page.get_by_role("menuitem", name="CSV（Shift_JIS）").click()
    dialog = desk.page.get_by_role("dialog", name="Shift_JIS では保存できない文字があります")
    await expect(dialog).to_contain_text("𠮷")
    text = await _downloaded(desk.page, dialog.get_by_role("button", name="〓 に置き換えてエクスポート"))
    assert "〓田" in text
    await expect(dialog).to_be_hidden()
    await desk.company.owner("DELETE", f"/v1/contacts/{made['id']}", if_match='"v1"')


async def _exported(page: Page, kind: str) -> str:
    await page.get_by_role("button", name="エクスポート").click()
    return await _downloaded(page, page.get_by_role("menuitem", name=kind))


async def _downloaded(page: Page, button: Locator) -> str:
    async with page.expect_download() as coming:
        await button.click()
    file = Path(await (await coming.value).path())
    return (await asyncio.to_thread(file.read_bytes)).decode("cp932")


async def test_the_palette_opens_though_it_was_asked_for_before_it_arrived(desk: Desk) -> None:
    page = desk.page
    arrives = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrives.wait()
        await route.continue_()

    await page.route("**/Palette-*.js", hold)
    await page.goto("/contacts")
    await expect(rows_of(page).first).to_be_visible()
    await page.keyboard.press("Control+k")
    arrives.set()
    await expect(page.get_by_role("dialog", name="検索・移動")).to_be_visible()
    await page.unroute("**/Palette-*.js")
