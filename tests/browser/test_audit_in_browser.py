"""The audit page: who did what to whom, by name; and taking one person's data out of the log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, Request, expect

from daicho.testkit.company import Company
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

from .browsing import at_the_console, choose, rows_of, sign_in


@dataclass
class Auditing:
    """The owner at the audit page of a company in which something happened."""

    page: Page
    company: Company
    tanaka: str


@pytest.fixture(scope="module")
async def auditing(browser: Browser, product: Product) -> AsyncIterator[Auditing]:
    company = await product.company()
    owner = company.owner
    tanaka = await owner.post("/v1/contacts", {"family_name": "田中", "given_name": "健一"})
    sato = await owner.post("/v1/contacts", {"family_name": "佐藤", "given_name": "葵"})
    for contact in (tanaka, sato):
        await owner.get(f"/v1/contacts/{contact['id']}")
    await owner.patch(f"/v1/contacts/{tanaka['id']}", {"title": "部長"}, version=1)
    await owner.post("/v1/contacts/search", {"q": "田中"})
    gone = await owner("DELETE", f"/v1/contacts/{sato['id']}", if_match='"v1"')
    assert gone.status_code == 204

    async def has_arrived() -> bool:
        found = await owner.post("/v1/audit/entries/search", {"action": "contact.deleted"})
        return bool(found["items"])

    await until(has_arrived, within=30)
    async with at_the_console(browser, product) as page:
        await sign_in(page, company.code, company.address("owner"))
        await expect(rows_of(page)).to_have_count(1)
        yield Auditing(page, company, tanaka["id"])
    await company.client.aclose()


async def test_records_are_called_by_name_and_one_search_names_all(auditing: Auditing) -> None:
    page = auditing.page
    asked: list[str] = []

    def note(request: Request) -> None:
        if re.search("/v1/contacts", request.url):
            asked.append(request.url)

    page.on("request", note)
    await page.goto("/audit?show=changes")
    await expect(rows_of(page).filter(has_text="顧客の変更")).to_contain_text("田中 健一")
    # Who is deleted has no name any more, but an end of an id.
    await expect(rows_of(page).filter(has_text="顧客の削除")).to_contain_text(
        re.compile("顧客.*…[0-9a-f]{8}")
    )
    page.remove_listener("request", note)
    assert [url.rpartition("/")[2] for url in asked] == ["search"]


async def test_what_the_console_reads_by_itself_is_shown_only_when_asked_for(auditing: Auditing) -> None:
    page = auditing.page
    await page.goto("/audit")
    await expect(rows_of(page).filter(has_text="顧客の閲覧").first).to_be_visible()
    await expect(rows_of(page).filter(has_text="監査ログの検索")).to_have_count(0)
    await choose(page, "表示する記録", "すべて（自動の読み込みを含む）")
    await expect(rows_of(page).filter(has_text="監査ログの検索").first).to_be_visible()
    await choose(page, "表示する記録", "一覧・検索を除く")
    await expect(rows_of(page).filter(has_text="顧客の閲覧").first).to_be_visible()
    await expect(rows_of(page).filter(has_text="顧客の一覧表示")).to_have_count(0)


async def test_an_entry_reads_as_words_and_its_json_is_behind_a_toggle(auditing: Auditing) -> None:
    page = auditing.page
    await page.goto("/audit?action=contact.updated")
    await rows_of(page).first.click()
    entry = page.get_by_role("dialog", name="記録の詳細")
    await expect(entry.get_by_role("link", name="田中 健一")).to_be_visible()
    await expect(entry.get_by_role("definition").filter(has_text=re.compile("^役職$"))).to_be_visible()
    await expect(entry.get_by_text('"payload_digest"')).to_be_hidden()
    await entry.get_by_text("元のデータ（JSON）").click()
    await expect(entry.get_by_text('"payload_digest"')).to_be_visible()
    await page.goto("/audit?action=contact.search")
    await rows_of(page).last.click()
    await expect(entry).to_contain_text("「田中」")


async def test_the_entries_of_one_record_are_found_by_its_name(auditing: Auditing) -> None:
    page = auditing.page
    await page.goto("/audit")
    await choose(page, "顧客・取引先を名前で探す", "田中 健一", typed="田中")
    await expect(page).to_have_url(re.compile(f"record={auditing.tanaka}"))
    await expect(rows_of(page).filter(has_text="顧客の削除")).to_have_count(0)
    await expect(rows_of(page).filter(has_text="顧客の変更")).to_have_count(1)


async def test_a_persons_data_is_erased_by_whoever_types_it_and_the_register_says_so(
    auditing: Auditing,
) -> None:
    page = auditing.page
    await page.goto("/audit")
    await page.get_by_role("button", name="個人情報を消去").click()
    dialog = page.get_by_role("dialog", name="監査ログから個人情報を消去")
    await choose(page, "対象の顧客", "田中 健一", typed="田中")
    await choose(page, "理由", "本人からの請求")
    submit = dialog.get_by_role("button", name="消去する")
    await expect(submit).to_be_disabled()
    await dialog.get_by_label("確認のため「消去する」と入力してください").fill("消去する")
    await submit.click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("link", name="消去の記録").click()
    row = page.get_by_role("row").filter(has_text="本人からの請求")
    await expect(row).to_contain_text(auditing.tanaka[-8:])
    await page.goto("/audit?action=contact.updated")
    await rows_of(page).first.click()
    entry = page.get_by_role("dialog", name="記録の詳細")
    await expect(entry).to_contain_text("個人情報の消去により取り除かれています")


async def test_who_may_not_erase_is_not_offered_it(
    auditing: Auditing, browser: Browser, product: Product
) -> None:
    await auditing.company.invite("auditor", "admin")
    async with at_the_console(browser, product) as page:
        await sign_in(page, auditing.company.code, auditing.company.address("auditor"))
        await expect(rows_of(page).first).to_be_visible()
        await page.goto("/audit/erasures")
        await expect(page.get_by_role("row").filter(has_text="本人からの請求")).to_be_visible()
        await expect(page.get_by_role("button", name="個人情報を消去")).to_have_count(0)
