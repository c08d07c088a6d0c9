"""Tokens, cookies and rights in the whole product: who is out is out, everywhere, at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from daicho.testkit.company import PASSWORD, Caller, Company
from daicho.testkit.waiting import until

EVERYWHERE = {"identity": "/v1/users", "customers": "/v1/contacts", "audit": "/v1/audit/checkpoint"}
AT_ONCE = 1.0
STREAMS = 30.0


@pytest.fixture(scope="module")
async def company(product) -> AsyncIterator[Company]:
    made = await product.company()
    yield made
    await made.client.aclose()


async def answers(caller: Caller, path: str, status: int) -> bool:
    return (await caller("GET", path)).status_code == status


async def at_work(company: Company, name: str, role: str) -> Caller:
    """Somebody whom every service has let in already."""
    somebody = await company.invite(name, role)
    for path in EVERYWHERE.values():
        await until(lambda path=path: answers(somebody, path, 200))
    return somebody


async def change(company: Company, caller: Caller, **to: object) -> None:
    user = await company.owner.get(f"/v1/users/{caller.user_id}")
    await company.owner.patch(f"/v1/users/{caller.user_id}", to, version=user["version"])


async def test_a_disabled_user_is_refused_everywhere_within_a_second(company: Company) -> None:
    somebody = await at_work(company, "disabled", "admin")
    await change(company, somebody, disabled=True)
    await asyncio.gather(
        *(
            until(lambda path=path: answers(somebody, path, 401), within=AT_ONCE)
            for path in EVERYWHERE.values()
        )
    )


async def test_a_demoted_admin_is_refused_everywhere_within_a_second(company: Company) -> None:
    somebody = await at_work(company, "demoted", "admin")
    await change(company, somebody, role="read_only")
    await until(lambda: answers(somebody, EVERYWHERE["audit"], 403), within=AT_ONCE)
    refused = await somebody("POST", "/v1/contacts", {"family_name": "名"})
    assert refused.status_code == 403
    assert (await somebody("POST", "/v1/teams", {"name": "組"})).status_code == 403


async def test_a_session_that_was_signed_out_is_refused_everywhere_within_a_second(company: Company) -> None:
    somebody = await at_work(company, "leaving", "admin")
    assert (await somebody("DELETE", "/v1/sessions/current")).status_code == 204
    await asyncio.gather(
        *(
            until(lambda path=path: answers(somebody, path, 401), within=AT_ONCE)
            for path in EVERYWHERE.values()
        )
    )


async def test_a_stream_of_somebody_who_was_disabled_is_closed_within_thirty_seconds(
    company: Company,
) -> None:
    somebody = await at_work(company, "watching", "admin")
    begun = await somebody.upload("姓\r\n名\r\n".encode(), name="a.csv")
    began = time.monotonic()
    client = company.client
    place = f"/v1/imports/{begun['id']}/events"
    async with client.stream("GET", place, headers=somebody.bearer, timeout=STREAMS + 10) as live:
        assert live.status_code == 200
        assert live.headers["content-type"].startswith("text/event-stream")
        lines = live.aiter_lines()
        await anext(lines)
        await change(company, somebody, disabled=True)
        async for _ in lines:
            assert time.monotonic() - began < STREAMS
    assert time.monotonic() - began < STREAMS
    assert await answers(somebody, place, 401)


async def test_only_an_access_token_is_an_access_token(company: Company) -> None:
    refresh = company.owner.tokens["refresh_token"]
    access = company.owner.tokens["access_token"]
    head, body, signature = access.split(".")
    cut = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    for wrong in (
        refresh,
        f"{head}.{body}.",
        f"{head}.{body}.{cut}",
        f"eyJhbGciOiJub25lIn0.{body}.",
        "null",
    ):
        for path in EVERYWHERE.values():
            answer = await company.client.get(path, headers={"authorization": f"Bearer {wrong}"})
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_a_cookie_changes_nothing_without_the_consoles_origin(product, company: Company) -> None:
    body = {"tenant": company.code, "email": company.owner.email, "password": PASSWORD, "cookies": True}
    client, origin = company.client, {"origin": product.url}
    assert (
        await client.post("/v1/sessions", json=body, headers={"origin": "http://evil.example"})
    ).status_code == 403
    try:
        signed_in = await client.post("/v1/sessions", json=body, headers=origin)
        assert (signed_in.status_code, signed_in.json()["access_token"]) == (201, None)
        assert (await client.get("/v1/contacts")).status_code == 200
        contact = {"family_name": "名"}
        for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}, {"referer": product.url}):
            refused = await client.post("/v1/contacts", json=contact, headers=headers)
            assert refused.status_code == 403, headers
        assert (await client.post("/v1/contacts", json=contact, headers=origin)).status_code == 201
    finally:
        client.cookies.clear()


async def test_a_reset_link_carries_the_configured_origin_whatever_the_host_says(
    product, company: Company
) -> None:
    somebody = await company.invite("forgetful", "member")
    asked = {"tenant": company.code, "email": somebody.email}
    forged = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    answer = await company.client.post("/v1/password-resets", json=asked, headers=forged)
    assert answer.status_code in (202, 404, 421)
    if answer.status_code != 202:
        del forged["host"]
        answer = await company.client.post("/v1/password-resets", json=asked, headers=forged)
        assert answer.status_code == 202
    await company.mailed(somebody.email, "reset")
    mails = (await company.client.get(f"{company.mail}/api/mails", params={"to": somebody.email})).json()
    links = [link for mail in mails for link in mail["links"]]
    assert links
    assert all(link.startswith(f"{product.url}/") for link in links)


async def test_an_unknown_user_and_a_wrong_password_are_told_apart_by_nothing(company: Company) -> None:
    seen = set()
    for tenant, email in (
        (company.code, company.owner.email),
        (company.code, "nobody@example.jp"),
        ("no-such-company", company.owner.email),
    ):
        body = {"tenant": tenant, "email": email, "password": "wrong password"}
        answer = await company.client.post("/v1/sessions", json=body)
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1
    assert seen.pop()[0] == 401
