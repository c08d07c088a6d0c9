"""The settings and one's own account: what nobody saved is not lost by a slip, and one sees where one is signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from daicho.testkit.company import Company
from daicho.testkit.product import Product

from .browsing import at_the_console, link_to, serious, sign_in


@dataclass
class Office:
    """The owner of a company at the console."""

    page: Page
    company: Company


@pytest.fixture(scope="module")
async def office(browser: Browser, product: Product) -> AsyncIterator[Office]:
    company = await product.company()
    await company.owner.post("/v1/teams", {"name": "第一営業部"})
    async with at_the_console(browser, product) as page:
        await sign_in(page, company.code, company.address("owner"))
        await expect(page.get_by_text("顧客がまだ登録されていません")).to_be_visible()
        yield Office(page, company)
    await company.client.aclose()


async def test_changes_of_roles_that_nobody_saved_are_not_left_unasked(office: Office) -> None:
    page = office.page
    await page.goto("/settings/roles")
    cell = page.get_by_label("メンバー：顧客 閲覧")
    await cell.select_option(label="自分の担当")
    await page.get_by_role("link", name="チーム", exact=True).click()
    asked = page.get_by_role("dialog", name="入力内容を破棄しますか？")
    await asked.get_by_role("button", name="キャンセル").click()
    await expect(cell).to_have_value("own")
    await page.get_by_role("link", name="チーム", exact=True).click()
    await asked.get_by_role("button", name="破棄して移動").click()
    await expect(page).to_have_url(re.compile("/settings/teams"))


@pytest.mark.parametrize(
    ("path", "opener", "dialog", "label"),
    [
        ("/settings/fields", "項目を追加", "項目を追加", "項目名"),
        ("/settings/teams", "チームを作成", "チームを作成", "チーム名"),
        ("/settings/users", "招待する", "ユーザーを招待", "メールアドレス"),
    ],
)
async def test_a_dialog_that_was_typed_into_is_not_closed_by_a_slip(
    office: Office, path: str, opener: str, dialog: str, label: str
) -> None:
    page = office.page
    await page.goto(path)
    await page.get_by_role("button", name=opener, exact=True).first.click()
    opened = page.get_by_role("dialog", name=dialog, exact=True)
    field = opened.get_by_label(label, exact=True)
    await field.fill("途中の入力")
    await page.keyboard.press("Escape")
    asked = page.get_by_role("dialog", name="入力内容を破棄しますか？")
    await expect(asked).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(asked).to_be_hidden()
    await expect(field).to_have_value("途中の入力")
    await opened.get_by_role("button", name="閉じる").click()
    await asked.get_by_role("button", name="破棄して閉じる").click()
    await expect(opened).to_be_hidden()


async def test_field_of_others_offers_no_step_that_is_refused(
    office: Office, browser: Browser, product: Product
) -> None:
    company = office.company
    bonus = {
        "resource": "contact",
        "key": "bonus",
        "label": "賞与",
        "type": "integer",
        "write_roles": ["owner"],
    }
    await company.owner.post("/v1/fields", bonus)
    await company.owner.post("/v1/fields", {**bonus, "key": "memo", "label": "メモ", "write_roles": None})
    admin = await company.invite("designer", "admin")
    async with at_the_console(browser, product) as page:
        await sign_in(page, company.code, admin.email)
        await page.get_by_role("link", name="カスタム項目").click()
        await page.get_by_role("button", name="メモ の操作").click()
        await expect(page.get_by_role("menuitem", name="削除")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("menuitem")).to_have_count(0)
        await page.get_by_role("button", name="賞与 の操作").click()
        await expect(page.get_by_role("menuitem", name="編集")).to_be_visible()
        await expect(page.get_by_role("menuitem", name="削除")).to_have_count(0)
        await page.get_by_role("menuitem", name="編集").click()
        drawer = page.get_by_role("dialog", name="項目を編集")
        await expect(drawer.get_by_text("この項目に入力できる役割の人とオーナーだけ")).to_be_visible()
        await expect(drawer.get_by_role("switch", name=re.compile("^必須"))).to_be_disabled()
        await expect(drawer.get_by_label("項目名", exact=True)).to_be_disabled()
        await drawer.get_by_label("入力のヒント", exact=True).fill("年 2 回")
        await drawer.get_by_role("button", name="保存").click()
        await expect(drawer).to_be_hidden()
        await expect(page.get_by_role("cell", name="賞与", exact=True)).to_be_visible()
        assert await serious(page) == []


async def test_invitation_of_demoted_admin_is_marked_and_sent_again(office: Office) -> None:
    page, company = office.page, office.company
    admin = await company.invite("inviter", "admin")
    address = company.address("invited")
    await admin.post("/v1/invitations", {"invitations": [{"email": address, "role": "admin"}]})
    user = await company.owner.get(f"/v1/users/{admin.user_id}")
    await company.owner.patch(f"/v1/users/{admin.user_id}", {"role": "member"}, version=user["version"])
    await page.goto("/settings/users")
    invitation = page.get_by_role("listitem").filter(has_text=address)
    await expect(invitation).to_contain_text("無効（招待した人の権限が変わりました")
    await invitation.get_by_role("button", name=f"{address} をもう一度招待").click()
    await expect(invitation).to_contain_text("まで有効")
    assert await serious(page) == []


async def test_import_of_a_colleague_offers_no_step_that_is_refused(office: Office) -> None:
    page = office.page
    colleague = await office.company.invite("importer", "admin")
    uploaded = await colleague.upload("姓,名\n山田,太郎\n".encode(), name="名簿.csv")
    await page.goto(f"/imports/{uploaded['id']}")
    await expect(page.get_by_text("importer さんがアップロードしたインポートです")).to_be_visible()
    await expect(page.get_by_role("link", name="自分でファイルをアップロードする")).to_be_visible()
    await expect(page.get_by_role("button", name="内容を確認する")).to_have_count(0)
    assert await serious(page) == []


async def test_an_address_that_leads_nowhere_keeps_the_menu(office: Office) -> None:
    page = office.page
    await page.goto("/nowhere")
    await expect(page.get_by_role("heading", name="ページが見つかりません")).to_be_visible()
    await page.get_by_role("link", name="チーム", exact=True).click()
    await expect(page.get_by_role("cell", name="第一営業部", exact=True)).to_be_visible()


async def test_changing_ones_own_name_changes_the_account_menu(office: Office) -> None:
    page = office.page
    await page.get_by_role("button", name="アカウントメニュー").click()
    await page.get_by_role("menuitem", name="アカウント").click()
    await expect(page.get_by_role("region", name="プロフィール")).to_contain_text(
        office.company.address("owner")
    )
    await page.get_by_label("名前", exact=True).fill("")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_label("名前", exact=True)).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("名前", exact=True).fill("山田 桜子")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_role("button", name="アカウントメニュー")).to_contain_text("山田 桜子")
    await expect(page.get_by_role("button", name="保存", exact=True)).to_be_disabled()


async def test_a_session_elsewhere_is_ended_from_ones_own_account(
    office: Office, browser: Browser, product: Product
) -> None:
    page = office.page
    async with at_the_console(browser, product) as elsewhere:
        await sign_in(elsewhere, office.company.code, office.company.address("owner"))
        await expect(elsewhere.get_by_text("顧客がまだ登録されていません")).to_be_visible()
        await page.goto("/account")
        sessions = page.get_by_role("region", name="サインイン中の端末")
        await expect(sessions.get_by_text("この端末", exact=True)).to_have_count(1)
        await sessions.get_by_role("button", name="ほかの端末をすべてサインアウト").click()
        await page.get_by_role("dialog").get_by_role("button", name="サインアウト", exact=True).click()
        await expect(sessions.get_by_role("listitem")).to_have_count(1)
        await elsewhere.goto("/companies")
        await expect(elsewhere).to_have_url(re.compile("/sign-in"))


async def test_a_new_password_is_asked_for_by_mail(office: Office, product: Product) -> None:
    page = office.page
    await page.get_by_role("button", name="再設定メールを送る").click()
    assert await link_to(product, office.company.address("owner"), "reset-password")
