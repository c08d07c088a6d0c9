"""The main job in the console, in Japanese: from sign-up to a proof that verifies offline.

One story told in steps; each test stands on what the ones before it did.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from daicho.cli.__main__ import main as daicho
from daicho.testkit.company import PASSWORD
from daicho.testkit.product import Product
from daicho.testkit.waiting import until
from tests.e2e.samples import expected, sample

from .browsing import at_the_console, choose, link_to, picture, record_in, rows_of, serious, sign_in

CODE = "browser-story"
HANAKO = f"hanako@{CODE}.example.jp"
ICHIRO = f"ichiro@{CODE}.example.jp"
# Every third row of the file belongs to the colleague.
EVERY = 3


@dataclass
class Story:
    """The two people at their browsers, and what the steps hand on."""

    hanako: Page
    ichiro: Page
    contact: str = ""
    """The one that is edited, handed over, and looked up in the audit."""


@pytest.fixture(scope="module")
async def story(browser: Browser, product: Product) -> AsyncIterator[Story]:
    async with at_the_console(browser, product) as hanako, at_the_console(browser, product) as ichiro:
        yield Story(hanako, ichiro)


def file_with_owners() -> bytes:
    """``contacts-small.csv`` with a column that names the owner of every third row by their address."""
    rows = list(csv.reader(io.StringIO(sample("contacts-small.csv").decode("cp932"), newline="")))
    for place, row in enumerate(rows):
        row.append("営業担当" if place == 0 else ICHIRO if place % EVERY == 0 else "")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("cp932")


async def test_a_company_signs_up_and_confirms_by_the_mailed_link(story: Story, product: Product) -> None:
    page = story.hanako
    await page.goto("/sign-up")
    await page.locator("input[name=company]").fill("株式会社みどり商事")
    await page.locator("input[name=code]").fill(CODE)
    await page.locator("input[name=name]").fill("山田 花子")
    await page.locator("input[name=email]").fill(HANAKO)
    await page.locator("input[name=password]").fill(PASSWORD)
    assert await serious(page) == []
    await page.get_by_role("button", name="登録する").click()
    await expect(page.get_by_text(HANAKO)).to_be_visible()
    await page.get_by_role("button", name="確認メールをもう一度送る").click()
    await expect(page.get_by_text("確認メールの送信を受け付けました")).to_be_visible()
    await page.goto(await link_to(product, HANAKO, "confirm-email"))
    await expect(page.get_by_role("heading", name="メールアドレスを確認しました")).to_be_visible()
    await sign_in(page, CODE, HANAKO)
    await expect(page.get_by_text("顧客がまだ登録されていません")).to_be_visible()


async def test_a_code_that_is_taken_is_said_at_its_field(page: Page, product: Product) -> None:
    await page.goto("/sign-up")
    await page.locator("input[name=company]").fill("株式会社みどり")
    await page.locator("input[name=code]").fill(CODE)
    await page.locator("input[name=name]").fill("別人")
    await page.locator("input[name=email]").fill("other@example.jp")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="登録する").click()
    code = page.locator("input[name=code]")
    await expect(code).to_have_attribute("aria-invalid", "true")
    await expect(code).to_be_focused()


async def test_a_colleague_is_invited_accepts_and_signs_in(story: Story, product: Product) -> None:
    page = story.hanako
    await page.get_by_role("link", name="ユーザー").click()
    await page.get_by_role("button", name="招待する").click()
    await page.get_by_label("メールアドレス", exact=True).fill(f"鈴木 一郎 <{ICHIRO}>")
    assert await serious(page) == []
    await page.get_by_role("button", name="1 人を招待").click()
    await expect(page.get_by_role("listitem").filter(has_text=ICHIRO)).to_be_visible()

    page = story.ichiro
    await page.goto(await link_to(product, ICHIRO, "accept-invitation"))
    await page.locator("input[name=name]").fill("鈴木 一郎")
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="利用を開始").click()
    await expect(page).to_have_url(re.compile("/sign-in"))
    await sign_in(page, CODE, ICHIRO)
    await expect(page.get_by_text("顧客がまだ登録されていません")).to_be_visible()


async def test_the_ledger_gets_fields_of_its_own(story: Story) -> None:
    page = story.hanako
    await page.get_by_role("link", name="カスタム項目").click()
    for key, label, kind in (
        ("rank", "ランク", "選択（1 つ）"),
        ("registered_on", "登録日", "日付"),
        ("total_spent", "累計購入額", "金額"),
        ("consent", "メール配信同意", "はい・いいえ"),
    ):
        await page.get_by_role("button", name="項目を追加").first.click()
        drawer = page.get_by_role("dialog", name="項目を追加")
        await drawer.get_by_label("項目名", exact=True).fill(label)
        await drawer.get_by_role("button", name="詳細").click()
        await drawer.get_by_label("キー", exact=True).fill(key)
        await drawer.get_by_label("種類", exact=True).and_(page.locator("input:visible")).click()
        # Each choice is its name and a line that explains it.
        await page.get_by_role("option", name=kind).and_(page.locator(":visible")).click()
        for place, rank in enumerate("SABC" if key == "rank" else ""):
            await drawer.get_by_role("button", name="選択肢を追加").click()
            await drawer.get_by_label("表示名", exact=True).nth(place).fill(rank)
        if key == "rank":
            assert await serious(page) == []
            await picture(page, "field")
        await drawer.get_by_role("button", name="保存").click()
        await expect(drawer).to_be_hidden()
        await expect(page.get_by_role("cell", name=label, exact=True)).to_be_visible()


async def test_excels_file_is_recognised_and_can_be_read_otherwise(story: Story) -> None:
    page = story.hanako
    await page.get_by_role("link", name="インポート").click()
    await page.locator("input[type=file]").set_input_files(
        {"name": "顧客一覧.csv", "mimeType": "text/csv", "buffer": file_with_owners()}
    )
    encoding = page.get_by_label("文字コード", exact=True).and_(page.locator("input:visible"))
    await expect(encoding).to_have_value("Shift_JIS（CP932）")
    await expect(page.get_by_label("「姓」を取り込む項目").first).to_have_value("姓")
    await expect(page.get_by_label("「営業担当」を取り込む項目").first).to_have_value("担当")

    # Whoever thinks that the guess is wrong changes it, sees what comes of it, and changes it back.
    await choose(page, "文字コード", "UTF-16（LE）")
    await page.get_by_role("button", name="読み直す").click()
    await expect(page.get_by_label("「姓」を取り込む項目")).to_have_count(0)
    await choose(page, "文字コード", "Shift_JIS（CP932）")
    await page.get_by_role("button", name="読み直す").click()
    await expect(page.get_by_label("「姓」を取り込む項目").first).to_have_value("姓")
    # The same file again changes what it brought the first time, and doubles nobody.
    await expect(page.get_by_label("照合に使う項目").and_(page.locator("input:visible"))).to_have_value(
        "顧客番号"
    )
    await expect(page.get_by_role("radio", name="更新する")).to_be_checked()
    assert await serious(page) == []
    await picture(page, "mapping")


async def test_the_check_says_what_is_wrong_row_by_row_and_writes_nothing(story: Story) -> None:
    page = story.hanako
    await page.get_by_role("button", name="内容を確認する").click()
    rows = expected("contacts-small.expected.json")["rows"]
    bad = [row for row in rows if row["outcome"] == "rejected"]
    await expect(page.get_by_role("button", name=f"{len(rows) - len(bad)} 行を取り込む")).to_be_visible()
    table = page.get_by_role("table")
    first = bad[0]
    line = table.get_by_role("row", name=re.compile(rf"^{first['line']} "))
    await expect(line).to_contain_text(first["errors"][0]["column"])
    await expect(line).to_contain_text("メールアドレス")
    await expect(table.get_by_role("row")).to_have_count(1 + sum(len(row["errors"]) for row in bad))
    assert await serious(page) == []
    await picture(page, "import")
    await story.ichiro.goto("/contacts")
    await expect(story.ichiro.get_by_text("顧客がまだ登録されていません")).to_be_visible()


async def test_the_good_rows_enter_the_ledger_and_the_bad_ones_come_back_as_a_file(
    story: Story, tmp_path: Path
) -> None:
    page = story.hanako
    rows = expected("contacts-small.expected.json")["rows"]
    good = [row for row in rows if row["outcome"] == "accepted"]
    await page.get_by_role("button", name="行を取り込む").click()
    await expect(page.get_by_text("取り込みが完了しました")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="取り込めない行をダウンロード").click()
    file = tmp_path / "rejected.csv"
    await (await download.value).save_as(file)
    rejected = list(csv.reader(io.StringIO(file.read_bytes().decode("cp932"), newline="")))
    assert len(rejected) == 1 + len(rows) - len(good)

    await page.get_by_role("link", name="顧客一覧を見る").click()
    await expect(rows_of(page).first).to_be_visible()
    await picture(page, "contacts")
    await choose(page, "担当", "鈴木 一郎")
    theirs = [row for row in good if row["row"] % EVERY == 0]
    await expect(page.get_by_text(f"全 {len(theirs)} 件")).to_be_attached()


@pytest.mark.parametrize("word", ["タナ", "ﾀﾅ", "たな"])
async def test_tanaka_is_found_by_a_part_of_the_name_in_any_kana(story: Story, word: str) -> None:
    page = story.hanako
    answers = {each["query"]: each["match"] for each in expected("search.expected.json")["queries"]}
    await page.goto("/contacts")
    await page.get_by_role("searchbox", name="検索", exact=True).fill(word)
    await expect(page.get_by_text(f"全 {len(answers['タナ'])} 件")).to_be_attached()
    await expect(rows_of(page)).to_have_count(len(answers["タナ"]))


async def test_a_contact_is_opened_edited_and_handed_over(story: Story) -> None:
    page = story.hanako
    await rows_of(page).filter(has_text="タナカ").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("田中")
    story.contact = record_in(page)
    await edit(page, "勤務先", 役職="営業部長")
    await page.get_by_role("button", name="担当・ステータスを編集").click()
    await choose(page, "担当", "鈴木 一郎", typed="鈴木")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_role("button", name="担当・ステータスを編集")).to_be_visible()
    await expect(section(page, "担当・ステータス")).to_contain_text("鈴木 一郎")
    assert await serious(page) == []
    await picture(page, "contact")


async def test_its_history_has_the_values_before_and_after(story: Story) -> None:
    page = story.hanako
    await page.get_by_role("tab", name="変更履歴").click()
    change = page.get_by_role("row", name=re.compile("^担当"))
    await expect(change.get_by_role("cell").nth(1)).to_have_text("山田 花子")
    await expect(change.get_by_role("cell").nth(2)).to_have_text("鈴木 一郎")
    await expect(page.get_by_role("row", name=re.compile("^役職")).first).to_contain_text("営業部長")
    assert await serious(page) == []
    await picture(page, "history")


async def test_two_editors_are_told_of_each_other_and_choose(story: Story) -> None:
    hanako, ichiro = story.hanako, story.ichiro
    await ichiro.goto(f"/contacts/{story.contact}")
    await ichiro.get_by_role("button", name="勤務先を編集").click()
    await hanako.get_by_role("tab", name="詳細").click()
    await edit(hanako, "勤務先", 部署="営業企画部", 役職="本部長")

    await ichiro.get_by_label("部署", exact=True).fill("第一営業部")
    await ichiro.get_by_label("役職", exact=True).fill("執行役員")
    await ichiro.get_by_role("button", name="保存", exact=True).click()
    dialog = ichiro.get_by_role("dialog", name="ほかの人が先に変更しました")
    await expect(dialog).to_contain_text("本部長")
    assert await serious(ichiro) == []
    await picture(ichiro, "conflict")
    await dialog.get_by_role("radio", name="部署に残す値：保存済みの内容").check()
    await dialog.get_by_role("radio", name="役職に残す値：自分の入力").check()
    await dialog.get_by_role("button", name="選んだ内容で保存").click()
    await expect(dialog).to_be_hidden()
    for page in (ichiro, hanako):
        await page.reload()
        await expect(section(page, "勤務先")).to_contain_text("営業企画部")
        await expect(section(page, "勤務先")).to_contain_text("執行役員")


async def test_slower_editor_can_discard_their_changes(story: Story) -> None:
    hanako, ichiro = story.hanako, story.ichiro
    await ichiro.get_by_role("button", name="勤務先を編集").click()
    await edit(hanako, "勤務先", 役職="取締役")
    await ichiro.get_by_label("役職", exact=True).fill("監査役")
    await ichiro.get_by_role("button", name="保存", exact=True).click()
    dialog = ichiro.get_by_role("dialog", name="ほかの人が先に変更しました")
    await dialog.get_by_role("button", name="自分の変更を破棄").click()
    await expect(section(ichiro, "勤務先")).to_contain_text("取締役")


async def test_the_colleague_is_limited_to_their_own_contacts(story: Story) -> None:
    hanako, ichiro = story.hanako, story.ichiro
    rows = expected("contacts-small.expected.json")["rows"]
    accepted = [row for row in rows if row["outcome"] == "accepted"]
    await ichiro.goto("/contacts")
    await ichiro.get_by_role("grid").press("End")
    await expect(ichiro.get_by_text(f"全 {len(accepted)} 件")).to_be_attached()
    elses = await hanako.evaluate(OF_OTHERS, story.contact)

    await hanako.get_by_role("link", name="役割と権限").click()
    cell = hanako.get_by_label("メンバー：顧客 閲覧")
    await cell.select_option(label="自分の担当")
    await hanako.get_by_role("button", name="保存").click()
    await expect(hanako.get_by_role("button", name="保存")).to_be_hidden()
    assert await serious(hanako) == []
    await picture(hanako, "roles")

    theirs = {row["row"] for row in accepted if row["row"] % EVERY == 0}

    async def sees_only_his() -> bool:
        await ichiro.goto("/contacts")
        await expect(rows_of(ichiro).first).to_be_visible()
        return len(theirs) <= await count_of(ichiro) <= len(theirs) + 1

    await until(sees_only_his)
    await ichiro.goto(f"/contacts/{elses}")
    await expect(ichiro.get_by_role("alert")).to_contain_text("見つかりません")
    await ichiro.goto(f"/contacts/{story.contact}")
    await expect(ichiro.get_by_role("heading", level=1)).to_contain_text("田中")


async def test_the_audit_says_who_saw_what_and_proves_it_offline(story: Story, tmp_path: Path) -> None:
    page = story.hanako

    async def has_arrived() -> bool:
        await page.goto(f"/audit?record={story.contact}&action=contact.open")
        await expect(
            page.get_by_role("grid").or_(page.get_by_text("該当する記録がありません"))
        ).to_be_visible()
        return await rows_of(page).filter(has_text="鈴木 一郎").count() > 0

    await until(has_arrived, within=30)
    await choose(page, "操作した人", "鈴木 一郎", typed="鈴木")
    await expect(rows_of(page).filter(has_text="山田 花子")).to_have_count(0)
    await rows_of(page).first.click()
    entry = page.get_by_role("dialog", name="記録の詳細")
    await expect(entry).to_contain_text("顧客の閲覧")
    assert await serious(page) == []
    await picture(page, "audit")

    proof = tmp_path / "proof.json"
    async with page.expect_download() as download:
        await entry.get_by_role("button", name="証明書をダウンロード").click()
    await (await download.value).save_as(proof)
    key = await entry.get_by_label("公開鍵").text_content()
    assert daicho(["audit", "verify", str(proof), "--key", key or ""], {}) == 0
    proof.write_text(proof.read_text().replace("contact.open", "contact.list"))
    assert daicho(["audit", "verify", str(proof), "--key", key or ""], {}) == 1


OF_OTHERS = """async (own) => {
  const answer = await fetch("/v1/contacts?limit=200");
  const me = await (await fetch("/v1/me")).json();
  const mine = (await answer.json()).items.filter((each) => each.owner_id === me.user.id && each.id !== own);
  return mine[0].id;
}"""


async def edit(page: Page, title: str, **values: str) -> None:
    """Change a section of the record that is open, and save it."""
    await page.get_by_role("button", name=f"{title}を編集").click()
    for label, value in values.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.get_by_role("button", name=f"{title}を編集")).to_be_visible()


def section(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


async def count_of(page: Page) -> int:
    """How many records the open list holds, from the line below it; 0 while there are more to come."""
    said = re.search(r"全 ([\d,]+) 件", await page.get_by_role("main").inner_text())
    return int(said[1].replace(",", "")) if said else 0
