"""A company signs up, asks a colleague in, and both work."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from daicho.testkit.stack import running_stack
from daicho.testkit.waiting import until

from .conftest import PASSWORD, database_of, link_in_mail, sign_in


async def test_from_sign_up_to_a_colleague_at_work(stack, anonymous, make_company) -> None:
    company = await make_company("midori")
    async with company.client() as owner:
        me = (await owner.get("/v1/me")).json()
        assert (me["user"]["role"], me["tenant"]["email_confirmed"]) == ("owner", True)
        asked = [{"email": "ichiro@midori.example.jp", "role": "member"}]
        answer = await owner.post("/v1/invitations", json={"invitations": asked})
        assert answer.status_code == 201, answer.text
        token = await link_in_mail(stack, "ichiro@midori.example.jp", "invitation")
        accepted = await anonymous.post(
            "/v1/invitations/accept", json={"token": token, "display_name": "鈴木 一郎", "password": PASSWORD}
        )
        assert accepted.status_code == 201, accepted.text
        tokens = await sign_in(anonymous, "midori", "ICHIRO@midori.example.jp")
        async with company.client(tokens["access_token"]) as colleague:
            me = (await colleague.get("/v1/me")).json()
            assert me["user"]["display_name"] == "鈴木 一郎"
            assert me["permissions"]["contacts:update"] == "own"
            assert (await colleague.post("/v1/invitations", json={"invitations": asked})).status_code == 403
            roles = {each["name"]: each for each in (await owner.get("/v1/roles")).json()["items"]}
            changed = await owner.patch(
                "/v1/roles/member",
                json={"permissions": {"contacts:read": "own"}},
                headers={"if-match": f'"v{roles["member"]["version"]}"'},
            )
            assert changed.status_code == 200, changed.text
            assert (await colleague.get("/v1/me")).json()["permissions"]["contacts:read"] == "own"
            user = (await colleague.get("/v1/me")).json()["user"]
            off = await owner.patch(
                f"/v1/users/{user['id']}",
                json={"disabled": True},
                headers={"if-match": f'"v{user["version"]}"'},
            )
            assert off.status_code == 200, off.text
            assert (await colleague.get("/v1/me")).status_code == 401


async def test_twenty_parallel_refreshes_give_one_lineage_and_a_later_reuse_ends_it(
    anonymous, make_company
) -> None:
    company = await make_company("parallel")
    first = company.tokens["refresh_token"]
    answers = await asyncio.gather(
        *(anonymous.post("/v1/sessions/refresh", json={"refresh_token": first}) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    second = answers[0].json()["refresh_token"]
    third = (await anonymous.post("/v1/sessions/refresh", json={"refresh_token": second})).json()
    reused = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": first})
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    ended = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": third["refresh_token"]})
    assert ended.status_code == 401


async def test_unknown_user_and_wrong_password_answer_the_same(anonymous, make_company) -> None:
    company = await make_company("oracle")
    bodies = []
    for tenant, email in (
        ("oracle", company.email),
        ("oracle", "nobody@example.jp"),
        ("none", company.email),
    ):
        answer = await anonymous.post(
            "/v1/sessions", json={"tenant": tenant, "email": email, "password": "wrong password"}
        )
        bodies.append((answer.status_code, answer.json()))
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0][1]["code"] == "wrong_credentials"


async def test_ten_wrong_passwords_from_one_place_lock_the_address_there_whether_or_not_it_is_anybodys(
    anonymous, make_company
) -> None:
    company = await make_company("lockout")
    body = {"tenant": "lockout", "password": PASSWORD}
    came_from = {"x-forwarded-for": "192.0.2.1"}
    for email in (company.email, "nobody@lockout.example.jp"):
        for _ in range(10):
            wrong = body | {"email": email, "password": "x"}
            answer = await anonymous.post("/v1/sessions", json=wrong, headers=came_from)
            assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
        answer = await anonymous.post("/v1/sessions", json=body | {"email": email}, headers=came_from)
        assert (answer.status_code, answer.json()["code"]) == (429, "sign_in_locked")
        assert 0 < int(answer.headers["retry-after"]) <= 900
    colleague = body | {"email": "colleague@lockout.example.jp"}
    other = await anonymous.post("/v1/sessions", json=colleague, headers=came_from)
    assert other.status_code == 401, "not locked: merely nobody"


async def test_two_accepts_of_one_invitation_end_with_one_user(stack, anonymous, make_company) -> None:
    company = await make_company("twice")
    async with company.client() as owner:
        asked = [{"email": "two@twice.example.jp", "role": "member"}]
        await owner.post("/v1/invitations", json={"invitations": asked})
        token = await link_in_mail(stack, "two@twice.example.jp", "invitation")
        body = {"token": token, "display_name": "二人", "password": PASSWORD}
        answers = await asyncio.gather(
            *(anonymous.post("/v1/invitations/accept", json=body) for _ in range(2))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        assert len((await owner.get("/v1/users")).json()["items"]) == 2


async def test_a_taken_code_is_refused_and_leaves_nothing(anonymous, make_company) -> None:
    await make_company("taken")
    admin = {"email": "other@example.jp", "display_name": "他人", "password": PASSWORD}
    answer = await anonymous.post(
        "/v1/tenants", json={"code": "taken", "company_name": "他社", "admin": admin}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "code_taken")


async def test_every_wrong_member_of_a_sign_up_is_named(anonymous) -> None:
    admin = {"email": "no", "display_name": "a\r\nb", "password": "short"}
    answer = await anonymous.post("/v1/tenants", json={"code": "-", "company_name": " ", "admin": admin})
    assert answer.status_code == 422
    assert {each["pointer"] for each in answer.json()["errors"]} == {
        "/code",
        "/company_name",
        "/admin/email",
        "/admin/display_name",
        "/admin/password",
    }


async def test_a_reset_link_works_once_and_ends_every_session(stack, anonymous, make_company) -> None:
    company = await make_company("reset")
    for email in (company.email, "nobody@reset.example.jp"):
        answer = await anonymous.post(
            "/v1/password-resets", json={"tenant": "reset", "email": email}, headers={"host": "evil.example"}
        )
        assert answer.status_code == 202
    token = await link_in_mail(stack, company.email, "reset")
    body = {"token": token, "password": "another good password"}
    assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == 204
    assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == 409
    async with company.client() as owner:
        assert (await owner.get("/v1/me")).status_code == 401
    await sign_in(anonymous, "reset", company.email, "another good password")
    assert all("evil.example" not in message.as_string() for message in stack.mail.messages)


async def test_the_last_owner_stays(make_company) -> None:
    company = await make_company("lastowner")
    async with company.client() as owner:
        me = (await owner.get("/v1/me")).json()["user"]
        for change in ({"role": "member"}, {"disabled": True}):
            answer = await owner.patch(
                f"/v1/users/{me['id']}", json=change, headers={"if-match": f'"v{me["version"]}"'}
            )
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")


async def test_two_owners_who_demote_each_other_at_once_leave_one(stack, anonymous, make_company) -> None:
    company = await make_company("twoowners")
    second = "second@twoowners.example.jp"
    async with company.client() as owner:
        asked = {"invitations": [{"email": second, "role": "owner"}]}
        assert (await owner.post("/v1/invitations", json=asked)).status_code == 201
        token = await link_in_mail(stack, second, "invitation")
        body = {"token": token, "display_name": "二人目", "password": PASSWORD}
        await anonymous.post("/v1/invitations/accept", json=body)
        tokens = await sign_in(anonymous, "twoowners", second)
        async with company.client(tokens["access_token"]) as other:
            users = (await owner.get("/v1/users")).json()["items"]
            answers = await asyncio.gather(
                *(
                    caller.patch(
                        f"/v1/users/{user['id']}",
                        json=change,
                        headers={"if-match": f'"v{user["version"]}"'},
                    )
                    for caller, user, change in (
                        (owner, users[1], {"role": "member"}),
                        (other, users[0], {"disabled": True}),
                    )
                )
            )
    # The later one is refused as the last owner's, or because its sender is no owner any more.
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 403]), [
        it.text for it in answers
    ]


async def test_a_password_is_not_what_everybody_knows_of_its_owner(stack, anonymous, make_company) -> None:
    company = await make_company("wellknown")
    email = "very.long.name@wellknown.example.jp"
    async with company.client() as owner:
        await owner.post("/v1/invitations", json={"invitations": [{"email": email, "role": "member"}]})
    token = await link_in_mail(stack, email, "invitation")
    body = {"token": token, "display_name": "鈴木", "password": "Very.Long.Name"}
    refused = await anonymous.post("/v1/invitations/accept", json=body)
    assert (refused.status_code, _faults(refused)) == (422, [("/password", "password_too_common")])
    accepted = await anonymous.post("/v1/invitations/accept", json=body | {"password": PASSWORD})
    assert accepted.status_code == 201, "the link was still good"
    await anonymous.post("/v1/password-resets", json={"tenant": "wellknown", "email": email})
    body = {"token": await link_in_mail(stack, email, "reset"), "password": email}
    refused = await anonymous.post("/v1/password-resets/complete", json=body)
    assert (refused.status_code, _faults(refused)) == (422, [("/password", "password_too_common")])
    chosen = await anonymous.post(
        "/v1/password-resets/complete", json=body | {"password": "another good one"}
    )
    assert chosen.status_code == 204


def _faults(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


async def test_one_reset_spends_every_link_that_was_mailed_for_one(stack, anonymous, make_company) -> None:
    company = await make_company("manylinks")
    asked = {"tenant": "manylinks", "email": company.email}
    await anonymous.post("/v1/password-resets", json=asked)
    first = await link_in_mail(stack, company.email, "reset")
    async with database_of(stack) as database:
        await database.execute("UPDATE link SET expires_at = expires_at - interval '61 seconds'")
    await anonymous.post("/v1/password-resets", json=asked)

    async def another() -> str | None:
        newest = await link_in_mail(stack, company.email, "reset")
        return newest if newest != first else None

    second = await until(another, within=20)
    for token, status in ((second, 204), (first, 409), (second, 409)):
        body = {"token": token, "password": "another good password"}
        assert (await anonymous.post("/v1/password-resets/complete", json=body)).status_code == status


async def test_cookies_are_for_the_console_alone(anonymous, make_company) -> None:
    company = await make_company("cookies")
    body = {"tenant": "cookies", "email": company.email, "password": PASSWORD, "cookies": True}
    origin = {"origin": "http://ledger.test"}
    assert (await anonymous.post("/v1/sessions", json=body)).status_code == 403
    answer = await anonymous.post("/v1/sessions", json=body, headers=origin)
    assert answer.json() == {
        "access_token": None,
        "refresh_token": None,
        "token_type": "Bearer",
        "expires_in": 600,
    }
    assert _cookies(answer) == {
        "daicho_access": {"path": "/", "httponly": "", "samesite": "strict", "max-age": "600"},
        "daicho_refresh": {
            "path": "/v1/sessions",
            "httponly": "",
            "samesite": "strict",
            "max-age": "1209600",
        },
    }
    try:
        assert (await anonymous.get("/v1/me")).status_code == 200
        assert (await anonymous.post("/v1/sessions/refresh", json={})).status_code == 403, (
            "another site's page"
        )
        before = anonymous.cookies["daicho_refresh"]
        again = await anonymous.post("/v1/sessions/refresh", json={}, headers=origin)
        assert (again.status_code, again.json()["refresh_token"]) == (200, None)
        assert anonymous.cookies["daicho_refresh"] != before
        out = await anonymous.delete("/v1/sessions/current", headers=origin)
        assert out.status_code == 204
        assert {cookie["max-age"] for cookie in _cookies(out).values()} == {"0"}
        assert {cookie["path"] for cookie in _cookies(out).values()} == {"/", "/v1/sessions"}
        assert (await anonymous.get("/v1/me")).status_code == 401
    finally:
        anonymous.cookies.clear()


async def test_with_tls_cookies_are_bound_to_it_and_to_this_host(
    make_database, openbao_server, openbao_roles, smtp_server
) -> None:
    services, url = ["identity"], "https://ledger.test"
    async with (
        running_stack(
            services, make_database, openbao_server, openbao_roles, smtp_server, public_url=url
        ) as secure,
        secure.client("identity") as client,
    ):
        admin = {"email": "owner@tls.example.jp", "display_name": "山田", "password": PASSWORD}
        await client.post("/v1/tenants", json={"code": "tls", "company_name": "社", "admin": admin})
        body = {"tenant": "tls", "email": admin["email"], "password": PASSWORD, "cookies": True}
        answer = await client.post("/v1/sessions", json=body, headers={"origin": url})
        common = {"httponly": "", "secure": "", "samesite": "strict"}
        assert _cookies(answer) == {
            "__Host-daicho_access": {"path": "/", "max-age": "600", **common},
            "__Secure-daicho_refresh": {"path": "/v1/sessions", "max-age": "1209600", **common},
        }
        given = {each.name: each.value for each in client.cookies.jar}
        client.cookies.clear()
        for name, status in (("__Host-daicho_access", 200), ("daicho_access", 401)):
            sent = {"cookie": f"{name}={given['__Host-daicho_access']}"}
            assert (await client.get("/v1/me", headers=sent)).status_code == status, name


def _cookies(answer: httpx.Response) -> dict[str, dict[str, str]]:
    """The attributes of each cookie that is set, by its name."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        (name, _), *rest = [part.strip().partition("=")[::2] for part in line.split(";")]
        found[name] = {key.lower(): value.lower() for key, value in rest}
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me"),
        ("GET", "/v1/users"),
        ("GET", "/v1/roles"),
        ("GET", "/v1/teams"),
        ("GET", "/v1/sessions"),
        ("POST", "/v1/invitations"),
        ("POST", "/v1/teams"),
        ("DELETE", "/v1/sessions/current"),
    ],
)
async def test_nobody_gets_in_without_a_token(anonymous, method, path) -> None:
    answer = await anonymous.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_another_companys_ids_are_unknown(make_company) -> None:
    mine, theirs = await make_company("company-a"), await make_company("company-b")
    async with mine.client() as owner, theirs.client() as other:
        their_id = (await other.get("/v1/me")).json()["user"]["id"]
        unknown = "01900000-0000-7000-8000-000000000000"
        for method, tail, body in (("GET", "", None), ("PATCH", "", {"role": "member"})):
            answers = [
                await owner.request(
                    method, f"/v1/users/{each}{tail}", json=body, headers={"if-match": '"v1"'}
                )
                for each in (their_id, unknown)
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].json() == answers[1].json()
