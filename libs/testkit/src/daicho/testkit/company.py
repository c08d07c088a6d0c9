"""A company in a running product, and its people, made through the front door alone: REST and mailed links."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

PASSWORD: Final = "correct horse battery"  # noqa: S105 of people who do not exist
RENEWED_AFTER: Final = 240
"""Seconds; a token lives for 600, and a walk through every route on a busy machine for longer."""
_LINK: Final = {
    "confirmation": "confirm-email",
    "invitation": "accept-invitation",
    "reset": "reset-password",
}


@dataclass
class Caller:
    """Somebody with tokens. Calling the object sends a request as this person; keywords are headers (``if_match``)."""

    company: Company
    email: str
    user_id: str
    tokens: dict[str, Any]
    _since: float = field(default_factory=time.monotonic)

    @property
    def bearer(self) -> dict[str, str]:
        """The header that carries the access token."""
        return {"authorization": f"Bearer {self.tokens['access_token']}"}

    async def fresh(self) -> dict[str, str]:
        """:attr:`bearer` with minutes left, unless the session has ended."""
        if time.monotonic() - self._since > RENEWED_AFTER:
            self._since = (
                time.monotonic()
            )  # before the answer: whoever calls meanwhile has a token that is good still
            asked = {"refresh_token": self.tokens["refresh_token"]}
            answer = await self.company.client.post("/v1/sessions/refresh", json=asked)
            if answer.is_success:
                self.tokens = answer.json()
        return self.bearer

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request with a JSON body, or none."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.company.client.request(method, path, json=body, headers=await self.fresh() | named)

    async def get(self, path: str) -> Any:
        """GET that must succeed."""
        return _good(await self("GET", path))

    async def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST that must succeed."""
        return _good(await self("POST", path, body if body is not None else {}, **headers))

    async def patch(self, path: str, body: Any, *, version: int) -> Any:
        """PATCH that must succeed, of what is at ``version``."""
        return _good(await self("PATCH", path, body, if_match=f'"v{version}"'))

    async def upload(self, content: bytes, *, name: str, resource: str = "contact") -> Any:
        """Begin an import with a file."""
        return _good(
            await self.company.client.post(
                "/v1/imports",
                files={"file": (name, content)},
                data={"resource": resource},
                headers=await self.fresh(),
            )
        )


@dataclass
class Company:
    """A company that has confirmed its address. ``client`` is nobody: it carries no token."""

    code: str
    tenant_id: str
    client: httpx.AsyncClient
    mail: str
    people: list[Caller] = field(default_factory=list)

    @property
    def owner(self) -> Caller:
        """Who signed it up."""
        return self.people[0]

    def address(self, name: str) -> str:
        """An e-mail address of this company."""
        return f"{name}@{self.code}.example.jp"

    async def invite(self, name: str, role: str, **more: Any) -> Caller:
        """Ask somebody in as ``role``; they accept by the mailed link and sign in."""
        email = self.address(name)
        await self.owner.post("/v1/invitations", {"invitations": [{"email": email, "role": role, **more}]})
        token = await self.mailed(email, "invitation")
        accepted = {"token": token, "display_name": name, "password": PASSWORD}
        user = _good(await self.client.post("/v1/invitations/accept", json=accepted))
        return await self.sign_in(email, user["user_id"])

    async def sign_in(self, email: str, user_id: str = "", password: str = PASSWORD) -> Caller:
        """A new session of somebody."""
        body = {"tenant": self.code, "email": email, "password": password}
        tokens = _good(await self.client.post("/v1/sessions", json=body))
        caller = Caller(self, email, user_id, tokens)
        if not user_id:
            caller.user_id = (await caller.get("/v1/me"))["user"]["id"]
        self.people.append(caller)
        return caller

    async def mailed(self, email: str, kind: str) -> str:
        """The token in the newest mail of ``kind`` to an address, once it has arrived."""
        mark = f"{_LINK[kind]}#token="
        async with asyncio.timeout(30):
            while True:
                mails = (await self.client.get(f"{self.mail}/api/mails", params={"to": email})).json()
                for link in (link for mail in mails for link in mail["links"]):
                    if mark in link:
                        return str(link.partition(mark)[2])
                await asyncio.sleep(0.05)

    async def set_role(self, role: str, **scopes: str) -> None:
        """Change what a role may do: ``contacts_read="own"``."""
        roles = {each["name"]: each for each in (await self.owner.get("/v1/roles"))["items"]}
        wanted = {name.replace("_", ":"): scope for name, scope in scopes.items()}
        await self.owner.patch(f"/v1/roles/{role}", {"permissions": wanted}, version=roles[role]["version"])


async def create_company(url: str, mail: str, code: str) -> Company:
    """Sign ``code`` up at the gateway ``url`` and confirm by the mail that the sink at ``mail`` got."""
    client = httpx.AsyncClient(base_url=url, timeout=30)
    company = Company(code, "", client, mail)
    email = company.address("owner")
    admin = {"email": email, "display_name": "山田 花子", "password": PASSWORD}
    body = {"code": code, "company_name": f"株式会社{code}", "admin": admin}
    company.tenant_id = _good(await client.post("/v1/tenants", json=body))["id"]
    token = await company.mailed(email, "confirmation")
    _good(await client.post("/v1/email-confirmations", json={"token": token}))
    await company.sign_in(email)
    return company


def _good(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    return answer.json() if answer.content else None
