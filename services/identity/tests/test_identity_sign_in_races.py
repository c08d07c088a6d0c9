"""Sign-ins that are under way while the password is reset, the user disabled or the company closed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest
from argon2 import PasswordHasher

from daicho.contracts.identity.events.v1 import events_pb2
from daicho.testkit.waiting import until

from .conftest import PASSWORD, Company, database_of, link_in_mail, sign_in

NEW_PASSWORD: Final = "another good password"
SIGN_INS: Final = 3  # an address has four public requests in progress at most, and one is the reset

HOLD: Final = """
    SELECT pg_advisory_lock(hashtextextended('attempt:' || encode(email_digest, 'hex'), 0)) FROM account WHERE id = $1
"""
"""Takes the lock that a sign-in waits for after verifying the password and before opening its session."""
RELEASE: Final = "SELECT pg_advisory_unlock_all()"
WAITING: Final = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
LIVE: Final = "SELECT count(*) FROM session WHERE user_id = $1 AND ended_at IS NULL"


@asynccontextmanager
async def sign_ins_under_way(
    company: Company, anonymous: Any, database: asyncpg.Connection[Any], user: dict[str, Any]
) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Sign-ins of ``user`` with the right password, held until the block ends."""
    body = {"tenant": company.code, "email": user["email"], "password": PASSWORD}
    await database.execute(HOLD, user["id"])
    tasks = [asyncio.create_task(anonymous.post("/v1/sessions", json=body)) for _ in range(SIGN_INS)]

    async def all_wait() -> bool:
        return bool(await database.fetchval(WAITING) == SIGN_INS)

    try:
        await until(all_wait)
        yield tasks
    finally:
        await database.execute(RELEASE)


async def join(company: Company, anonymous: Any, owner: Any) -> dict[str, Any]:
    """A colleague who has never signed in."""
    email = f"colleague@{secrets.token_hex(4)}.example.jp"
    asked = await owner.post("/v1/invitations", json={"invitations": [{"email": email, "role": "member"}]})
    assert asked.status_code == 201, asked.text
    token = await link_in_mail(company.stack, email, "invitation")
    body = {"token": token, "display_name": "鈴木 一郎", "password": PASSWORD}
    accepted = await anonymous.post("/v1/invitations/accept", json=body)
    assert accepted.status_code == 201, accepted.text
    return dict((await owner.get(f"/v1/users/{accepted.json()['user_id']}")).json())


async def disable(owner: Any, user: dict[str, Any], *, disabled: bool = True) -> dict[str, Any]:
    """The user as they are after the change."""
    now = (await owner.get(f"/v1/users/{user['id']}")).json()
    answer = await owner.patch(
        f"/v1/users/{user['id']}",
        json={"disabled": disabled},
        headers={"if-match": f'"v{now["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def reset(company: Company, anonymous: Any, email: str, password: str = NEW_PASSWORD) -> None:
    """Choose a new password by a mailed link."""
    await anonymous.post("/v1/password-resets", json={"tenant": company.code, "email": email})
    body = {"token": await link_in_mail(company.stack, email, "reset"), "password": password}
    done = await anonymous.post("/v1/password-resets/complete", json=body)
    assert done.status_code == 204, done.text


def statuses(tasks: list[asyncio.Task[Any]]) -> set[tuple[int, str]]:
    return {(task.result().status_code, task.result().json().get("code", "")) for task in tasks}


async def test_password_reset_refuses_sign_ins_under_way(stack, anonymous, make_company) -> None:
    company = await make_company("race-reset")
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        async with sign_ins_under_way(company, anonymous, database, user) as tasks:
            await reset(company, anonymous, user["email"])
        await asyncio.gather(*tasks)
        assert statuses(tasks) == {(401, "wrong_credentials")}
        assert await database.fetchval(LIVE, user["id"]) == 0
    await sign_in(anonymous, company.code, user["email"], NEW_PASSWORD)


async def test_disabling_refuses_sign_ins_under_way_even_if_the_user_is_enabled_again(
    stack, anonymous, make_company
) -> None:
    company = await make_company("race-disable")
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        async with sign_ins_under_way(company, anonymous, database, user) as tasks:
            await disable(owner, user)
            await disable(owner, user, disabled=False)
        await asyncio.gather(*tasks)
        assert statuses(tasks) == {(401, "wrong_credentials")}
        assert await database.fetchval(LIVE, user["id"]) == 0
    await sign_in(anonymous, company.code, user["email"])


async def test_closing_the_company_refuses_sign_ins_under_way(stack, anonymous, make_company) -> None:
    company = await make_company("race-close")
    close = "UPDATE tenant SET status = $2 WHERE code = $1"
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        async with sign_ins_under_way(company, anonymous, database, user) as tasks:
            await database.execute(close, company.code, events_pb2.TenantChanged.STATUS_CLOSED)
        await asyncio.gather(*tasks)
        assert statuses(tasks) == {(401, "wrong_credentials")}
        assert await database.fetchval(LIVE, user["id"]) == 0


async def test_sign_in_under_way_does_not_restore_the_old_password_with_a_new_hash(
    stack, anonymous, make_company
) -> None:
    """A sign-in replaces a hash that was made with older parameters, and the reset happens in between."""
    company = await make_company("race-rehash")
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        older = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
        await database.execute("UPDATE account SET password_hash = $2 WHERE id = $1", user["id"], older)
        async with sign_ins_under_way(company, anonymous, database, user) as tasks:
            await reset(company, anonymous, user["email"])
        await asyncio.gather(*tasks)
    await sign_in(anonymous, company.code, user["email"], NEW_PASSWORD)
    body = {"tenant": company.code, "email": user["email"], "password": PASSWORD}
    assert (await anonymous.post("/v1/sessions", json=body)).status_code == 401


@pytest.mark.parametrize("way", ["reset", "disable"])
async def test_no_session_outlives_a_change_that_waits_beside_sign_ins(
    stack, anonymous, make_company, way: str
) -> None:
    """Sign-ins and the change wait for the same row and then run in whatever order the database chooses."""
    company = await make_company(f"race-row-{way}")
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        body = {"tenant": company.code, "email": user["email"], "password": PASSWORD}
        if way == "reset":
            await anonymous.post("/v1/password-resets", json={"tenant": company.code, "email": user["email"]})
            token = await link_in_mail(stack, user["email"], "reset")
            change = anonymous.post(
                "/v1/password-resets/complete", json={"token": token, "password": NEW_PASSWORD}
            )
        else:
            change = disable(owner, user)
        async with database.transaction():
            await database.execute("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", user["id"])
            first = [asyncio.create_task(anonymous.post("/v1/sessions", json=body)) for _ in range(2)]
            changing = asyncio.create_task(change)
            last = [asyncio.create_task(anonymous.post("/v1/sessions", json=body)) for _ in range(2)]

            async def both_wait() -> bool:
                return bool(await database.fetchval(WAITING) >= 2)

            await until(both_wait)
        await asyncio.gather(*first, changing, *last)
        assert await database.fetchval(LIVE, user["id"]) == 0
        for task in first + last:
            if task.result().status_code == 201:
                token = task.result().json()["refresh_token"]
                again = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": token})
                assert again.status_code == 401


async def test_refresh_under_way_gives_nothing_after_the_company_closed(
    stack, anonymous, make_company
) -> None:
    company = await make_company("race-refresh")
    async with database_of(stack) as database:
        async with database.transaction():
            await database.execute(
                "UPDATE tenant SET status = $2 WHERE code = $1",
                company.code,
                events_pb2.TenantChanged.STATUS_CLOSED,
            )
            body = {"refresh_token": company.tokens["refresh_token"]}
            refreshing = asyncio.create_task(anonymous.post("/v1/sessions/refresh", json=body))

            async def done_or_waits() -> bool:
                return refreshing.done() or bool(await database.fetchval(WAITING))

            await until(done_or_waits)
        assert (await refreshing).status_code == 401


async def test_session_of_an_older_credential_is_worth_nothing(stack, anonymous, make_company) -> None:
    """Even one that nobody ended: its tokens are refused and not renewed."""
    company = await make_company("race-generation")
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        tokens = await sign_in(anonymous, company.code, user["email"])
        await disable(owner, user)
        await disable(owner, user, disabled=False)
        revive = "UPDATE session SET ended_at = NULL, end_reason = NULL WHERE user_id = $1"
        await database.execute(revive, user["id"])
    async with company.client(tokens["access_token"]) as colleague:
        assert (await colleague.get("/v1/me")).status_code == 401
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await anonymous.post("/v1/sessions/refresh", json=body)).status_code == 401


async def test_reset_link_from_before_a_disabling_stays_dead_when_the_user_is_enabled_again(
    stack, anonymous, make_company
) -> None:
    company = await make_company("race-link")
    async with company.client() as owner:
        user = await join(company, anonymous, owner)
        await anonymous.post("/v1/password-resets", json={"tenant": company.code, "email": user["email"]})
        token = await link_in_mail(stack, user["email"], "reset")
        body = {"token": token, "password": NEW_PASSWORD}
        await disable(owner, user)
        assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == 409
        await disable(owner, user, disabled=False)
        assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == 409
    await sign_in(anonymous, company.code, user["email"])


async def test_confirmation_link_of_a_disabled_user_confirms_nothing(stack, anonymous, make_company) -> None:
    company = await make_company("race-confirm")
    unconfirm = "UPDATE tenant SET confirmed_at = NULL WHERE code = $1"
    async with company.client() as owner, database_of(stack) as database:
        user = await join(company, anonymous, owner)
        await database.execute(unconfirm, company.code)
        asked = {"tenant": company.code, "email": user["email"]}
        await anonymous.post("/v1/email-confirmations/requests", json=asked)
        token = await link_in_mail(stack, user["email"], "confirmation")
        await disable(owner, user)
        refused = await anonymous.post("/v1/email-confirmations", json={"token": token})
        assert (refused.status_code, refused.json()["code"]) == (409, "link_invalid")
        confirmed = "SELECT confirmed_at FROM tenant WHERE code = $1"
        assert await database.fetchval(confirmed, company.code) is None
