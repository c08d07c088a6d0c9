"""One answer names everything that is wrong with a body: its shape, and what its sound members say."""

from __future__ import annotations


def errors_of(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["pointer"]: each["code"] for each in answer.json()["errors"]}


async def test_a_sign_up(anonymous) -> None:
    body = {"code": "-", "company_name": 5, "admin": {"email": "no", "password": "short"}}
    assert errors_of(await anonymous.post("/v1/tenants", json=body)) == {
        "/company_name": "invalid_type",
        "/admin/display_name": "required",
        "/code": "too_short",
        "/admin/email": "invalid_email",
        "/admin/password": "too_short",
    }


async def test_invitations(make_company) -> None:
    company = await make_company("asked-wrongly")
    entries = [
        {"email": "x"},
        {"email": "a@b.example.jp", "role": "boss", "team_id": 5},
        {"email": 5, "role": "member"},
        {"email": company.email, "role": "member"},
    ]
    async with company.client() as owner:
        assert errors_of(await owner.post("/v1/invitations", json={"invitations": entries})) == {
            "/invitations/0/role": "required",
            "/invitations/0/email": "invalid_email",
            "/invitations/1/team_id": "invalid_type",
            "/invitations/1/role": "unknown_role",
            "/invitations/2/email": "invalid_type",
            "/invitations/3/email": "already_member",
        }
        assert (await owner.get("/v1/invitations")).json()["items"] == []
        none = await owner.post("/v1/invitations", json={"invitations": []})
        assert errors_of(none) == {"/invitations": "too_few"}


async def test_a_role(make_company) -> None:
    company = await make_company("role-wrongly")
    wanted = {"contacts:read": "mine", "contacts:update": 5, "contacts:fly": "own", "roles:manage": "own"}
    async with company.client() as owner:
        answer = await owner.patch(
            "/v1/roles/member", json={"permissions": wanted}, headers={"if-match": '"v1"'}
        )
    assert errors_of(answer) == {
        "/permissions/contacts:read": "unknown_option",
        "/permissions/contacts:update": "unknown_option",
        "/permissions/contacts:fly": "unknown_action",
        "/permissions/roles:manage": "scope_not_applicable",
    }
    assert len(answer.json()["errors"]) == 4


async def test_a_refresh_without_a_token_is_401(anonymous) -> None:
    assert (await anonymous.post("/v1/sessions/refresh", json={})).status_code == 401
