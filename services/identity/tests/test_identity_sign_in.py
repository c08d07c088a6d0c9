"""Signing in, going on and out, under attack."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from daicho.identity import opaque
from daicho.identity.opaque import Link, RefreshToken
from daicho.tenancy import SessionId, TenantId, uuid7

from .conftest import PASSWORD, database_of, link_in_mail, sign_in


async def refresh(anonymous, token: str):
    return await anonymous.post("/v1/sessions/refresh", json={"refresh_token": token})


async def test_a_refresh_token_used_as_an_access_token_is_refused(stack, make_company) -> None:
    company = await make_company("asaccess")
    async with stack.client("identity", company.tokens["refresh_token"]) as client:
        assert (await client.get("/v1/me")).status_code == 401


async def test_an_access_token_used_as_a_refresh_token_is_refused(anonymous, make_company) -> None:
    company = await make_company("asrefresh")
    assert (await refresh(anonymous, company.tokens["access_token"])).status_code in (401, 422)


async def test_a_guessed_refresh_token_neither_works_nor_ends_the_session(anonymous, make_company) -> None:
    company = await make_company("guessed")
    token = RefreshToken.read(company.tokens["refresh_token"])
    assert token is not None
    for guess in (
        RefreshToken(token.tenant_id, token.family, 0, b"\0" * 32),
        RefreshToken(token.tenant_id, token.family, 5, token.mac),
        RefreshToken(token.tenant_id, SessionId(uuid7()), 0, token.mac),
        RefreshToken(TenantId(uuid7()), token.family, 0, token.mac),
    ):
        answer = await refresh(anonymous, str(guess))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await refresh(anonymous, str(token))).status_code == 200


async def test_a_caller_who_lost_the_answer_gets_the_same_successor_for_ten_seconds_and_no_longer(
    stack, anonymous, make_company
) -> None:
    company = await make_company("lost")
    first = company.tokens["refresh_token"]
    successor = (await refresh(anonymous, first)).json()["refresh_token"]
    assert (await refresh(anonymous, first)).json()["refresh_token"] == successor
    async with database_of(stack) as database:
        await database.execute("UPDATE session SET rotated_at = rotated_at - interval '11 seconds'")
    reused = await refresh(anonymous, first)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    assert (await refresh(anonymous, successor)).status_code == 401
    async with company.client() as owner:
        assert (await owner.get("/v1/me")).status_code == 401


async def test_a_session_that_nobody_used_for_two_weeks_is_over(stack, anonymous, make_company) -> None:
    company = await make_company("idle")
    async with database_of(stack) as database:
        await database.execute("UPDATE session SET rotated_at = rotated_at - interval '15 days'")
    assert (await refresh(anonymous, company.tokens["refresh_token"])).status_code == 401


async def test_signing_out_ends_one_session_and_no_other(anonymous, make_company) -> None:
    company = await make_company("signout")
    other = await sign_in(anonymous, "signout", company.email)
    async with company.client() as owner, company.client(other["access_token"]) as elsewhere:
        sessions = (await owner.get("/v1/sessions")).json()["items"]
        assert [each["current"] for each in sessions].count(True) == 1
        assert (await owner.delete("/v1/sessions/current")).status_code == 204
        assert (await owner.get("/v1/me")).status_code == 401
        assert (await refresh(anonymous, company.tokens["refresh_token"])).status_code == 401
        assert (await elsewhere.get("/v1/me")).status_code == 200


async def test_a_disabled_users_sessions_end_and_each_is_told(stack, anonymous, make_company) -> None:
    company = await make_company("disabled")
    email = f"leaver@{secrets.token_hex(4)}.example.jp"
    async with company.client() as owner:
        asked = {"invitations": [{"email": email, "role": "member"}]}
        await owner.post("/v1/invitations", json=asked)
        body = {
            "token": await link_in_mail(stack, email, "invitation"),
            "display_name": "退職 予定",
            "password": PASSWORD,
        }
        await anonymous.post("/v1/invitations/accept", json=body)
        tokens = [await sign_in(anonymous, "disabled", email) for _ in range(2)]
        users = (await owner.get("/v1/users")).json()["items"]
        user = next(each for each in users if each["email"] == email)
        successor = next(each for each in users if each["email"] == company.email)
        nobody = await owner.patch(
            f"/v1/users/{user['id']}",
            json={"disabled": True, "successor_id": user["id"]},
            headers={"if-match": f'"v{user["version"]}"'},
        )
        assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (422, "/successor_id")
        gone = await owner.patch(
            f"/v1/users/{user['id']}",
            json={"disabled": True, "successor_id": successor["id"]},
            headers={"if-match": f'"v{user["version"]}"'},
        )
        assert (gone.status_code, gone.json()["successor_id"]) == (200, successor["id"])
    for each in tokens:
        async with company.client(each["access_token"]) as leaver:
            assert (await leaver.get("/v1/me")).status_code == 401
        assert (await refresh(anonymous, each["refresh_token"])).status_code == 401
    body = {"tenant": "disabled", "email": email, "password": PASSWORD}
    answer = await anonymous.post("/v1/sessions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    async with database_of(stack) as database:
        reasons = await database.fetch(
            "SELECT end_reason FROM session WHERE user_id = $1 AND ended_at IS NOT NULL", user["id"]
        )
    assert len(reasons) == 2


async def test_many_guesses_sent_at_once_are_no_more_than_were_let_one_by_one(
    stack, anonymous, make_company
) -> None:
    """Ten guesses are answered; the right password among the rest opens nothing."""
    company = await make_company("burst")
    guesses = [{"tenant": "burst", "email": company.email, "password": f"wrong {n}"} for n in range(30)]
    answers = await asyncio.gather(*(anonymous.post("/v1/sessions", json=body) for body in guesses))
    assert [answer.status_code for answer in answers].count(401) == 10
    assert {answer.status_code for answer in answers} == {401, 429}
    right = {"tenant": "burst", "email": company.email, "password": PASSWORD}
    assert (await anonymous.post("/v1/sessions", json=right)).status_code == 429


async def test_credential_stuffing_of_many_users_from_one_address_is_limited(
    stack, anonymous, make_company
) -> None:
    company = await make_company("stuffing")
    async with database_of(stack) as database:
        tenant = await database.fetchval("SELECT tenant_id FROM tenant WHERE code = 'stuffing'")
        wrong = {"tenant": "stuffing", "email": "first@example.jp", "password": "x"}
        here = {"x-forwarded-for": "192.0.2.77"}
        await anonymous.post("/v1/sessions", json=wrong, headers=here)
        # As if forty-eight others had been tried from here already.
        await database.execute("UPDATE attempt SET failures = failures + 48 WHERE tenant_id = $1", tenant)
        await database.execute("DELETE FROM attempt WHERE tenant_id = $1 AND failures < 49", tenant)
        second = {**wrong, "email": "second@example.jp"}
        assert (await anonymous.post("/v1/sessions", json=second, headers=here)).status_code == 401
        right = {"tenant": "stuffing", "email": company.email, "password": PASSWORD}
        locked = await anonymous.post("/v1/sessions", json=right, headers=here)
        assert (locked.status_code, locked.json()["code"]) == (429, "sign_in_locked")
        forged = {"x-forwarded-for": "198.51.100.9, 192.0.2.77"}
        assert (await anonymous.post("/v1/sessions", json=right, headers=forged)).status_code == 429
        elsewhere = {"x-forwarded-for": "192.0.2.78"}
        assert (await anonymous.post("/v1/sessions", json=right, headers=elsewhere)).status_code == 201


def from_(place: str) -> dict[str, str]:
    return {"x-forwarded-for": place}


async def test_wrong_passwords_lock_out_the_stranger_and_not_the_user(anonymous, make_company) -> None:
    company = await make_company("dos")
    wrong = {"tenant": "dos", "email": company.email, "password": "wrong"}
    right = {**wrong, "password": PASSWORD}
    stranger = from_("192.0.2.66")
    for _ in range(10):
        assert (await anonymous.post("/v1/sessions", json=wrong, headers=stranger)).status_code == 401
    assert (await anonymous.post("/v1/sessions", json=right, headers=stranger)).status_code == 429
    assert (await anonymous.post("/v1/sessions", json=right, headers=from_("192.0.2.67"))).status_code == 201


async def test_a_stranger_with_many_addresses_shuts_out_neither_a_known_place_nor_who_reads_the_users_mail(
    stack, anonymous, make_company
) -> None:
    company = await make_company("many")
    wrong = {"tenant": "many", "email": company.email, "password": "wrong"}
    right = {**wrong, "password": PASSWORD}
    office, hotel = from_("192.0.2.10"), from_("2001:db8:1:2::10")
    assert (await anonymous.post("/v1/sessions", json=right, headers=office)).status_code == 201
    for place in range(5):
        for _ in range(10):
            await anonymous.post("/v1/sessions", json=wrong, headers=from_(f"2001:db8:66:{place}::1"))
    locked = await anonymous.post("/v1/sessions", json=right, headers=hotel)
    assert (locked.status_code, locked.json()["code"]) == (429, "sign_in_locked")
    assert (await anonymous.post("/v1/sessions", json=right, headers=office)).status_code == 201
    await anonymous.post("/v1/password-resets", json={"tenant": "many", "email": company.email})
    token = await link_in_mail(stack, company.email, "reset")
    fresh = {"token": token, "password": "another good password"}
    done = await anonymous.post("/v1/password-resets/complete", json=fresh, headers=hotel)
    assert done.status_code == 204
    right["password"] = fresh["password"]
    neighbour = from_("2001:db8:1:2::99")  # the same network, a new address for privacy's sake
    assert (await anonymous.post("/v1/sessions", json=right, headers=neighbour)).status_code == 201
    elsewhere = from_("2001:db8:1:3::10")
    assert (await anonymous.post("/v1/sessions", json=right, headers=elsewhere)).status_code == 429


async def test_a_place_is_known_for_ninety_days(stack, anonymous, make_company) -> None:
    company = await make_company("stale")
    right = {"tenant": "stale", "email": company.email, "password": PASSWORD}
    office = from_("192.0.2.20")
    assert (await anonymous.post("/v1/sessions", json=right, headers=office)).status_code == 201
    await anonymous.post("/v1/sessions", json={**right, "password": "wrong"}, headers=from_("192.0.2.21"))
    async with database_of(stack) as database:
        await database.execute("UPDATE attempt SET locked_until = now() + interval '1 hour'")
        assert (await anonymous.post("/v1/sessions", json=right, headers=office)).status_code == 201
        await database.execute("UPDATE known_place SET seen_at = seen_at - interval '91 days'")
    assert (await anonymous.post("/v1/sessions", json=right, headers=office)).status_code == 429


@pytest.mark.parametrize(
    ("path", "prefix", "more"),
    [
        ("/v1/email-confirmations", opaque.CONFIRMATION, {}),
        ("/v1/password-resets/complete", opaque.RESET, {"password": PASSWORD}),
        ("/v1/invitations/accept", opaque.INVITATION, {"password": PASSWORD, "display_name": "誰か"}),
    ],
)
async def test_a_guessed_link_answers_as_one_that_was_used(
    stack, anonymous, make_company, path, prefix, more
) -> None:
    company = await make_company(f"link-{prefix}")
    async with database_of(stack) as database:
        tenant = await database.fetchval("SELECT tenant_id FROM tenant WHERE code = $1", company.code)
    seen = set()
    for token in (
        str(Link.draw(prefix, TenantId(tenant))),
        str(Link.draw(prefix, TenantId(uuid7()))),
        f"{prefix}_garbage",
        "",
    ):
        answer = await anonymous.post(path, json={"token": token, **more})
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 409


async def test_an_expired_invitation_lets_nobody_in(stack, anonymous, make_company) -> None:
    company = await make_company("expired")
    email = f"late@{secrets.token_hex(4)}.example.jp"
    async with company.client() as owner:
        await owner.post("/v1/invitations", json={"invitations": [{"email": email, "role": "member"}]})
    token = await link_in_mail(stack, email, "invitation")
    async with database_of(stack) as database:
        await database.execute("UPDATE invitation SET expires_at = expires_at - interval '8 days'")
    body = {"token": token, "display_name": "遅刻", "password": PASSWORD}
    assert (await anonymous.post("/v1/invitations/accept", json=body)).status_code == 409


async def test_user_signs_in_right_after_a_reset_and_stays_in(stack, anonymous, make_company) -> None:
    company = await make_company("after")
    await anonymous.post("/v1/password-resets", json={"tenant": "after", "email": company.email})
    token = await link_in_mail(stack, company.email, "reset")
    body = {"token": token, "password": "another good password"}
    assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == 204
    tokens = await sign_in(anonymous, "after", company.email, "another good password")
    async with company.client(tokens["access_token"]) as owner:
        assert (await owner.get("/v1/me")).status_code == 200
    assert (await refresh(anonymous, company.tokens["refresh_token"])).status_code == 401
