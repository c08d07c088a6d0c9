"""What somebody who signs up or invites can make the product mail to people who have not asked for it."""

from __future__ import annotations

import re
import secrets
from email.message import Message
from typing import Any

import pytest

from daicho.identity.mail import limits
from daicho.identity.mail.texts import SHOWN, without_links, write_mail
from daicho.runtime import utc_now
from daicho.tenancy import Database, TenantId, uuid7
from daicho.testkit.waiting import until

from .conftest import PASSWORD, database_of

ADDRESS = re.compile(r"https?://\S+|www\.\S|\w[.．。｡․﹒︒]\ufe0f?\w|\S[@＠]\S")
"""What programs that show mail make a link of."""


async def sign_up(anonymous: Any, email: str, **texts: str) -> int:
    """The status of the answer."""
    admin = {"email": email, "display_name": texts.get("name", "山田 花子"), "password": PASSWORD}
    body = {
        "code": f"s{secrets.token_hex(6)}",
        "company_name": texts.get("company", "株式会社"),
        "admin": admin,
    }
    answer = await anonymous.post("/v1/tenants", json=body)
    return int(answer.status_code)


def text_of(message: Message) -> str:
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


@pytest.mark.parametrize(
    "name",
    [
        *("Prize: http://evil.example/x", "www.evil.example", "evil.example/win", "https：／／evil。example"),
        *("mail a@evil.example", "ａ＠evil．example", "192.0.2.7", "//evil.example"),
        *("evil․example", "evil.\ufe0fexample", "evil﹒example"),
    ],
)
def test_names_become_no_links(name: str) -> None:
    assert not ADDRESS.search(without_links(name)), without_links(name)


@pytest.mark.parametrize(
    "name", ["株式会社みどり商事", "Co.,Ltd.", "山田 花子", "O'Brien & Sons", "{link.__class__}"]
)
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert without_links(name) == name


def test_names_are_cut_in_every_mail() -> None:
    for kind in ("confirmation", "invitation", "reset"):
        for language in ("ja", "en"):
            subject, text = write_mail(
                kind, language, name="n" * 100, company="c" * 200, link="L", code="x", sign_in="S"
            )
            assert "n" * (SHOWN + 1) not in text
            assert "c" * (SHOWN + 1) not in subject + text


async def test_sign_up_mails_a_stranger_neither_links_nor_the_companys_name(stack, anonymous) -> None:
    email = f"victim@{secrets.token_hex(4)}.example.jp"
    texts = {"company": "You won: http://evil.example/claim", "name": "claim at evil.example"}
    assert await sign_up(anonymous, email, **texts) == 201

    async def arrived() -> list[Message]:
        found: list[Message] = stack.mail.sent_to(email)
        return found

    [message] = await until(arrived, within=30)
    lines = text_of(message).splitlines()
    [sign_in] = [line for line in lines if line.startswith("サインイン：")]
    [confirm] = [line for line in lines if "/confirm-email#token=" in line]
    assert sign_in == f"サインイン：{confirm.partition('/confirm-email#')[0]}/sign-in"
    words = [line for line in lines if line not in (confirm, sign_in)]
    assert not ADDRESS.search("\n".join(words))
    assert "You won" not in text_of(message)
    assert "evil.example" not in message.as_string()


async def test_an_address_gets_so_many_mails_a_day_from_all_companies_and_every_sign_up_answers_alike(
    stack, anonymous, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "RECIPIENT", 3)
    email = f"flooded@{secrets.token_hex(4)}.example.jp"
    spellings = [email, email.upper(), email, email.replace("flooded", "FLOODED"), email.replace("@", "+5@")]
    assert [await sign_up(anonymous, each) for each in spellings] == [201] * 5
    async with database_of(stack) as database:

        async def all_left() -> bool:
            return not await database.fetchval("SELECT count(*) FROM mail")

        await until(all_left, within=30)
        sent = [message for each in set(spellings) for message in stack.mail.sent_to(each)]
        assert len(sent) == 3
        digests = await database.fetch("SELECT subject FROM mail_count")
        assert not [row for row in digests if b"flooded" in row["subject"]]


def test_spellings_of_a_domain_and_tags_lead_to_one_mailbox() -> None:
    assert limits.mailbox_of("Hanako+shop@BÜCHER.example") == "hanako@xn--bcher-kva.example"
    assert limits.mailbox_of("hanako@xn--bcher-kva.example") == "hanako@xn--bcher-kva.example"
    assert limits.mailbox_of("+@example.jp") == "+@example.jp"
    assert limits.mailbox_of(f"a@{'ü' * 70}.example") == f"a@{'ü' * 70}.example"


@pytest.fixture
async def counting(stack):
    database = await Database.open(stack.databases["identity"].app_url)
    yield database
    await database.close()


async def test_a_company_and_everybody_together_send_so_many_a_day_and_the_rest_waits(
    counting: Database, monkeypatch
) -> None:
    first, second = TenantId(uuid7()), TenantId(uuid7())

    async def admit(tenant: TenantId) -> str:
        async with counting.transaction(tenant) as tx:
            return await limits.admit(tx, f"{secrets.token_hex(6)}@example.jp", utc_now())

    monkeypatch.setattr(limits, "TENANT", 2)
    assert [await admit(first) for _ in range(4)] == ["send", "send", "later", "later"]
    assert await admit(second) == "send"
    monkeypatch.setattr(limits, "EVERYBODY", 0)
    assert await admit(second) == "later"


async def test_what_was_counted_is_forgotten_with_its_salt(stack, counting: Database) -> None:
    async with database_of(stack) as database:
        old = "INSERT INTO {} SELECT day - 3, {} FROM {} ON CONFLICT DO NOTHING"
        async with counting.transaction(TenantId(uuid7())) as tx:
            await limits.admit(tx, "somebody@example.jp", utc_now())
        await database.execute(old.format("mail_salt", "salt", "mail_salt"))
        await database.execute(old.format("mail_count", "subject, sent", "mail_count"))
        async with counting.tenantless() as tx:
            await limits.forget(tx, utc_now().date())
        for table in ("mail_salt", "mail_count"):
            days = await database.fetch(f"SELECT DISTINCT day FROM {table}")  # noqa: S608 - names of ours
            assert [row["day"] for row in days] == [utc_now().date()], table
