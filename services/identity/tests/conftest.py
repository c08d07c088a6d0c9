"""A running identity service, and companies in it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from daicho.testkit.stack import Stack, running_stack

PASSWORD = "correct horse battery"
_PAGES = {"confirmation": "confirm-email", "invitation": "accept-invitation", "reset": "reset-password"}


@dataclass
class Company:
    """A signed-up company and its owner's tokens."""

    code: str
    email: str
    tokens: dict[str, str]
    stack: Stack

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A client as the owner, or with another token."""
        return self.stack.client("identity", token or self.tokens["access_token"])


@pytest.fixture(scope="module")
async def stack(make_database, openbao_server, openbao_roles, smtp_server):
    async with running_stack(
        ["identity"], make_database, openbao_server, openbao_roles, smtp_server
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def anonymous(stack):
    async with stack.client("identity") as client:
        yield client


@asynccontextmanager
async def database_of(stack: Stack) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The database as its ruler sees it: the way to make time pass."""
    connection = await asyncpg.connect(stack.databases["identity"].admin_url)
    try:
        yield connection
    finally:
        await connection.close()


async def link_in_mail(stack: Stack, to: str, kind: str) -> str:
    """The token of the newest mail of ``kind`` to an address, once it has arrived."""
    return await stack.mail.link_to(to, _PAGES[kind])


async def sign_in(
    anonymous: httpx.AsyncClient, code: str, email: str, password: str = PASSWORD
) -> dict[str, str]:
    """The tokens of a fresh session."""
    answer = await anonymous.post("/v1/sessions", json={"tenant": code, "email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture(scope="module")
def make_company(stack, anonymous) -> Callable[[str], Awaitable[Company]]:
    async def make(code: str) -> Company:
        # The sink is shared by every module of a process: an address of one's own finds one's own mail.
        email = f"owner@{secrets.token_hex(4)}.{code}.example.jp"
        admin = {"email": email, "display_name": "山田 花子", "password": PASSWORD}
        answer = await anonymous.post(
            "/v1/tenants", json={"code": code, "company_name": f"株式会社{code}", "admin": admin}
        )
        assert answer.status_code == 201, answer.text
        token = await link_in_mail(stack, email, "confirmation")
        assert (await anonymous.post("/v1/email-confirmations", json={"token": token})).status_code == 204
        return Company(code, email, await sign_in(anonymous, code, email), stack)

    return make
