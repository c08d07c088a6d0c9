"""Mail waits sealed, leaves once, and not before the company's address is confirmed."""

from __future__ import annotations

import asyncio
import secrets

import asyncpg

from daicho.identity.mail.texts import write_mail
from daicho.testkit.waiting import until

from .conftest import PASSWORD, database_of, link_in_mail, sign_in


async def is_empty(database: asyncpg.Connection, table: str) -> bool:
    return not await database.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 a name of ours


async def has_two(stack, email: str) -> bool:
    return len(stack.mail.sent_to(email)) == 2


async def sign_up(anonymous, code: str) -> str:
    email = f"owner@{secrets.token_hex(4)}.{code}.example.jp"
    admin = {"email": email, "display_name": "山田 花子", "password": PASSWORD}
    body = {"code": code, "company_name": f"株式会社{code}", "admin": admin}
    assert (await anonymous.post("/v1/tenants", json=body)).status_code == 201
    return email


async def test_an_unconfirmed_company_sends_nothing_but_its_confirmation(stack, anonymous) -> None:
    email = await sign_up(anonymous, "waiting")
    confirmation = await link_in_mail(stack, email, "confirmation")
    tokens = await sign_in(anonymous, "waiting", email)
    guest = f"guest@{secrets.token_hex(4)}.example.jp"
    async with stack.client("identity", tokens["access_token"]) as owner:
        asked = {"invitations": [{"email": guest, "role": "member"}]}
        assert (await owner.post("/v1/invitations", json=asked)).status_code == 201
    await anonymous.post("/v1/password-resets", json={"tenant": "waiting", "email": email})
    database = await asyncpg.connect(stack.databases["identity"].admin_url)
    try:
        await until(lambda: is_empty(database, "pgqueuer"), within=20)
        assert not stack.mail.sent_to(guest)
        waiting = await database.fetch("SELECT kind, sealed FROM mail ORDER BY kind")
        assert [row["kind"] for row in waiting] == ["invitation", "reset"]
        assert not [row for row in waiting if guest.encode() in row["sealed"] or b"dci_" in row["sealed"]]
        assert (
            await anonymous.post("/v1/email-confirmations", json={"token": confirmation})
        ).status_code == 204
        assert await link_in_mail(stack, guest, "invitation")
        assert await link_in_mail(stack, email, "reset")
        await until(lambda: is_empty(database, "mail"), within=20)
    finally:
        await database.close()
    assert len(stack.mail.sent_to(guest)) == 1


async def test_past_the_grace_nobody_works_until_the_address_is_confirmed_and_another_mail_comes(
    stack, anonymous
) -> None:
    email = await sign_up(anonymous, "overdue")
    first = await link_in_mail(stack, email, "confirmation")
    tokens = await sign_in(anonymous, "overdue", email)
    database = await asyncpg.connect(stack.databases["identity"].admin_url)
    try:
        await database.execute(
            "UPDATE tenant SET created_at = created_at - interval '73 hours' WHERE code = 'overdue'"
        )
        await database.execute("UPDATE link SET expires_at = expires_at - interval '73 hours'")
    finally:
        await database.close()
    body = {"tenant": "overdue", "email": email, "password": PASSWORD}
    for _ in range(2):
        answer = await anonymous.post("/v1/sessions", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "email_unconfirmed")
    answer = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unconfirmed")
    await until(lambda: has_two(stack, email), within=20)
    again = await link_in_mail(stack, email, "confirmation")
    assert again != first
    assert (await anonymous.post("/v1/email-confirmations", json={"token": again})).status_code == 204
    await sign_in(anonymous, "overdue", email)
    assert len(stack.mail.sent_to(email)) == 2


async def test_the_confirmation_is_mailed_again_when_asked_for_and_not_to_a_nuisance(
    stack, anonymous
) -> None:
    email = await sign_up(anonymous, "again")
    first = await link_in_mail(stack, email, "confirmation")
    asked = {"tenant": "again", "email": email.upper()}
    async with database_of(stack) as database:

        async def ask(*, at_once: int = 1) -> None:
            sent = (anonymous.post("/v1/email-confirmations/requests", json=asked) for _ in range(at_once))
            assert {answer.status_code for answer in await asyncio.gather(*sent)} == {202}
            await until(lambda: is_empty(database, "mail"), within=20)

        async def a_while_later() -> None:
            await database.execute("UPDATE link SET expires_at = expires_at - interval '61 seconds'")

        await ask()
        assert len(stack.mail.sent_to(email)) == 1, "the one of the sign-up has just left"
        await a_while_later()
        await ask(at_once=4)
        assert len(stack.mail.sent_to(email)) == 2, "of many who ask at once one is heard"
        for _ in range(6):
            await a_while_later()
            await ask()
        assert len(stack.mail.sent_to(email)) == 5, "no more in an hour"
        newest = await link_in_mail(stack, email, "confirmation")
        assert (await anonymous.post("/v1/email-confirmations", json={"token": newest})).status_code == 204
        for spent in (first, newest):
            answer = await anonymous.post("/v1/email-confirmations", json={"token": spent})
            assert answer.status_code == 409, "with one link all are spent"
        await database.execute("UPDATE link SET expires_at = expires_at - interval '1 day'")
        await ask()
    assert len(stack.mail.sent_to(email)) == 5, "there is nothing left to confirm"


async def test_asking_for_a_confirmation_says_nothing_about_anybody(stack, anonymous) -> None:
    email = await sign_up(anonymous, "silent")
    seen = set()
    async with database_of(stack) as database:
        before = await database.fetchval("SELECT count(*) FROM link")
        for tenant, address in (("silent", email), ("silent", "nobody@example.jp"), ("no-such", email)):
            body = {"tenant": tenant, "email": address}
            answer = await anonymous.post("/v1/email-confirmations/requests", json=body)
            seen.add((answer.status_code, answer.text))
        assert [status for status, _ in seen] == [202]
        assert await database.fetchval("SELECT count(*) FROM link") == before + 2, (
            "the same is written for nobody"
        )
        await until(lambda: is_empty(database, "mail"), within=20)
    assert not stack.mail.sent_to("nobody@example.jp")


def test_a_mail_says_the_same_in_both_languages() -> None:
    for kind in ("confirmation", "invitation", "reset", "field_readers"):
        texts = [
            write_mail(
                kind,
                language,
                name="山田 花子",
                company="株式会社みどり商事",
                link="https://x/#token=t",
                code="midori",
                sign_in="https://x/sign-in",
            )
            for language in ("ja", "en")
        ]
        assert all("https://x/#token=t" in text and "山田 花子" in text for _, text in texts)
        assert all("midori" in text and "https://x/sign-in" in text for _, text in texts)
        assert texts[0] != texts[1]


def test_braces_in_a_name_are_text() -> None:
    _, text = write_mail("reset", "ja", name="{link.__class__}", company="", link="L", code="c", sign_in="S")
    assert "{link.__class__}" in text
