"""An invitation is worth what its inviter may give when it is accepted; others' invitations are left alone."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from daicho.testkit.waiting import until

from .conftest import PASSWORD, Company, database_of, link_in_mail, sign_in

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def invitation(email: str, role: str, **more: Any) -> dict[str, Any]:
    return {"invitations": [{"email": email, "role": role, **more}]}


def address() -> str:
    return f"guest@{secrets.token_hex(4)}.example.jp"


async def accept(company: Company, anonymous: Any, email: str) -> httpx.Response:
    """Accept the newest invitation of ``email``."""
    body = {
        "token": await link_in_mail(company.stack, email, "invitation"),
        "display_name": "招待 された人",
        "password": PASSWORD,
    }
    answer: httpx.Response = await anonymous.post("/v1/invitations/accept", json=body)
    return answer


async def invite(caller: httpx.AsyncClient, email: str, role: str, **more: Any) -> str:
    """The id of a new invitation."""
    answer = await caller.post("/v1/invitations", json=invitation(email, role, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["items"][0]["id"])


async def colleague(
    company: Company, anonymous: Any, role: str, **more: Any
) -> tuple[str, httpx.AsyncClient]:
    """A new user with ``role``: id, and a client as them."""
    email = address()
    async with company.client() as owner:
        await invite(owner, email, role, **more)
    accepted = await accept(company, anonymous, email)
    assert accepted.status_code == 201, accepted.text
    tokens = await sign_in(anonymous, company.code, email)
    return accepted.json()["user_id"], company.client(tokens["access_token"])


async def change_user(owner: httpx.AsyncClient, user_id: str, **patch: Any) -> httpx.Response:
    version = (await owner.get(f"/v1/users/{user_id}")).json()["version"]
    return await owner.patch(f"/v1/users/{user_id}", json=patch, headers={"if-match": f'"v{version}"'})


async def change_role(owner: httpx.AsyncClient, name: str, **scopes: str) -> None:
    roles = {each["name"]: each for each in (await owner.get("/v1/roles")).json()["items"]}
    wanted = {"permissions": {action.replace("_", ":"): scope for action, scope in scopes.items()}}
    answer = await owner.patch(
        f"/v1/roles/{name}", json=wanted, headers={"if-match": f'"v{roles[name]["version"]}"'}
    )
    assert answer.status_code == 200, answer.text


async def listed(owner: httpx.AsyncClient, invitation_id: str) -> dict[str, Any]:
    """An invitation as the list shows it."""
    items = (await owner.get("/v1/invitations")).json()["items"]
    return next(each for each in items if each["id"] == invitation_id)


@pytest.mark.parametrize("patch", [{"disabled": True}, {"role": "manager"}], ids=["disabled", "demoted"])
async def test_disabled_or_demoted_inviter_invalidates_invitation(
    stack, anonymous, make_company, patch: dict[str, Any]
) -> None:
    company = await make_company(f"inviter-{secrets.token_hex(3)}")
    admin_id, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin:
        sent = await invite(admin, email, "admin")
        assert (await listed(owner, sent))["valid"] is True
        assert (await change_user(owner, admin_id, **patch)).status_code == 200
        assert (await listed(owner, sent))["valid"] is False
        refused = await accept(company, anonymous, email)
        assert (refused.status_code, refused.json()["code"]) == (409, "link_invalid")
        users = (await owner.get("/v1/users")).json()["items"]
        assert email not in {each["email"] for each in users}


async def test_owner_confirms_an_invitation_by_sending_it_again(stack, anonymous, make_company) -> None:
    company = await make_company("confirming")
    admin_id, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin:
        await invite(admin, email, "admin")
        old = await link_in_mail(stack, email, "invitation")
        await change_user(owner, admin_id, disabled=True)
        sent = await invite(owner, email, "admin")

        async def mailed_again() -> bool:
            return await link_in_mail(stack, email, "invitation") != old

        await until(mailed_again, within=20)
        assert (await listed(owner, sent))["valid"] is True
        accepted = await accept(company, anonymous, email)
        assert accepted.status_code == 201, accepted.text
        assert (await owner.get(f"/v1/users/{accepted.json()['user_id']}")).json()["role"] == "admin"


async def test_invitation_beyond_what_the_inviters_role_was_narrowed_to_lets_nobody_in(
    stack, anonymous, make_company
) -> None:
    company = await make_company("narrowed")
    _, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin:
        await invite(admin, email, "manager")
        await change_role(owner, "admin", contacts_export="none")
        assert (await accept(company, anonymous, email)).status_code == 409
        await change_role(owner, "admin", contacts_export="all")
        assert (await accept(company, anonymous, email)).status_code == 201


async def test_invitation_into_a_team_that_the_inviter_has_left_lets_nobody_in(
    stack, anonymous, make_company
) -> None:
    """The inviter reaches records by the team, and so would the guest."""
    company = await make_company("leftteam")
    async with company.client() as owner:
        teams = [
            (await owner.post("/v1/teams", json={"name": name})).json()["id"] for name in ("一課", "二課")
        ]
        await change_role(owner, "admin", contacts_update="team", contacts_delete="team")
        await change_role(owner, "admin", companies_update="team", companies_delete="team")
        admin_id, admin = await colleague(company, anonymous, "admin", team_id=teams[0])
        email = address()
        async with admin:
            refused = await admin.post("/v1/invitations", json=invitation(email, "manager", team_id=teams[1]))
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
                422,
                "/invitations/0/team_id",
            )
            await invite(admin, email, "manager", team_id=teams[0])
            assert (await change_user(owner, admin_id, team_id=teams[1])).status_code == 200
            assert (await accept(company, anonymous, email)).status_code == 409


async def test_disabling_the_inviter_wins_over_an_acceptance_that_waits_behind_it(
    stack, anonymous, make_company
) -> None:
    company = await make_company("accepting")
    admin_id, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin, database_of(stack) as database:
        await invite(admin, email, "admin")
        await link_in_mail(stack, email, "invitation")

        async def wait(count: int) -> None:
            async def reached() -> bool:
                return bool(await database.fetchval(WAITING) == count)

            await until(reached)

        async with database.transaction():
            await database.execute("SELECT 1 FROM tenant WHERE code = $1 FOR UPDATE", company.code)
            disabling = asyncio.create_task(change_user(owner, admin_id, disabled=True))
            await wait(1)
            accepting = asyncio.create_task(accept(company, anonymous, email))
            await wait(2)
        assert (await disabling).status_code == 200
        assert (await accepting).status_code == 409
        users = (await owner.get("/v1/users")).json()["items"]
        assert email not in {each["email"] for each in users}


async def test_an_invitation_that_waits_behind_the_inviters_demotion_is_not_sent(
    stack, anonymous, make_company
) -> None:
    company = await make_company("inviting")
    admin_id, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin, database_of(stack) as database:
        async with database.transaction():
            await database.execute("SELECT 1 FROM tenant WHERE code = $1 FOR UPDATE", company.code)
            tasks = []
            for count, request in (
                (1, change_user(owner, admin_id, role="member")),
                (2, admin.post("/v1/invitations", json=invitation(email, "admin"))),
            ):
                tasks.append(asyncio.create_task(request))

                async def reached(count: int = count) -> bool:
                    return bool(await database.fetchval(WAITING) == count)

                await until(reached)
        assert [(await task).status_code for task in tasks] == [200, 403]


async def test_an_admin_neither_withdraws_nor_replaces_an_owners_invitation_of_an_owner(
    stack, anonymous, make_company
) -> None:
    company = await make_company("ownersown")
    _, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin:
        sent = await invite(owner, email, "owner")
        withdrawn = await admin.delete(f"/v1/invitations/{sent}")
        assert (withdrawn.status_code, withdrawn.json()["code"]) == (403, "forbidden")
        for spelling in (email, email.upper()):
            asked = invitation("other@example.jp", "member")
            asked["invitations"] += invitation(spelling, "member")["invitations"]
            replaced = await admin.post("/v1/invitations", json=asked)
            assert replaced.status_code == 422
            assert [(each["pointer"], each["code"]) for each in replaced.json()["errors"]] == [
                ("/invitations/1/email", "invited_beyond_own")
            ]
        assert (await listed(owner, sent))["status"] == "open"
        accepted = await accept(company, anonymous, email)
        assert accepted.status_code == 201
        assert (await owner.get(f"/v1/users/{accepted.json()['user_id']}")).json()["role"] == "owner"


async def test_an_admin_withdraws_and_replaces_what_an_admin_could_give(
    stack, anonymous, make_company
) -> None:
    company = await make_company("adminsown")
    _, admin = await colleague(company, anonymous, "admin")
    first, second = address(), address()
    async with company.client() as owner, admin:
        sent = await invite(owner, first, "admin")
        assert (await admin.delete(f"/v1/invitations/{sent}")).status_code == 204
        await invite(owner, second, "admin")
        replaced = await invite(admin, second, "member")
        assert (await listed(owner, replaced))["role"] == "member"


async def test_an_expired_invitation_of_an_owner_keeps_nobody_from_asking_anew(
    stack, anonymous, make_company
) -> None:
    company = await make_company("expiredowner")
    _, admin = await colleague(company, anonymous, "admin")
    email = address()
    async with company.client() as owner, admin, database_of(stack) as database:
        sent = await invite(owner, email, "owner")
        await database.execute("UPDATE invitation SET expires_at = now() WHERE id = $1", sent)
        assert (await listed(owner, sent))["valid"] is False
        await invite(admin, email, "member")
