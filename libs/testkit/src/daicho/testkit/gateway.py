"""The gateway under test: upstreams that tell what reached them, tokens, and a client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from daicho.gateway import Settings

READY_WITHIN = 20.0

Start = Callable[..., Awaitable["Gateway"]]
"""Starts a gateway with upstreams of its own; keywords are settings, ``ready=False`` does not wait."""


@dataclass(frozen=True)
class SigningKey:
    """An ES256 key as identity holds one."""

    kid: str = field(default_factory=lambda: uuid4().hex)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def token(self, *, tenant: UUID | None = None, kid: str | None = None, **claims: Any) -> str:
        """An access token for ``tenant``, good for ten minutes unless ``claims`` say otherwise."""
        now = int(time.time())
        payload = {
            "iss": "http://127.0.0.1",
            "aud": "daicho",
            "sub": str(uuid4()),
            "tid": str(tenant or uuid4()),
            "sid": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": uuid4().hex,
        }
        held = {name: value for name, value in (payload | claims).items() if value is not None}
        return jwt.encode(held, self.private, "ES256", headers={"typ": "at+jwt", "kid": kid or self.kid})

    def public(self) -> dict[str, Any]:
        """The JWK that the key set shows."""
        key: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key()))
        return key | {"kid": self.kid, "alg": "ES256", "use": "sig"}


@dataclass(frozen=True)
class Seen:
    """One request as it reached an upstream."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """A service that answers 200 to everything and remembers what it was asked.

    ``GET …/events`` and ``POST …/export`` stream what is put into ``live`` (None ends it). A body is taken piece by
    piece; its pieces' arrival sets ``first_piece``. ``begun`` counts the requests whose heads arrived. While ``hangs``,
    nothing is answered.
    """

    def __init__(self, name: str, key: SigningKey) -> None:
        self.name = name
        self.key = key
        self.ready = True
        self.shows_keys = True
        self.seen: list[Seen] = []
        self.begun = 0
        self.hangs = False
        self.live: asyncio.Queue[str | None] = asyncio.Queue()
        self.first_piece = asyncio.Event()
        self.answer_headers: dict[str, str] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live_through(receive, send)
        elif scope["path"] == "/readyz":
            await self._answer(send, 200 if self.ready else 503, b"{}")
        elif scope["path"] == "/.well-known/jwks.json":
            keys = json.dumps({"keys": [self.key.public()]}).encode()
            await self._answer(send, 200 if self.shows_keys else 503, keys)
        else:
            self.begun += 1
            body = await self._read(receive)
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.seen.append(Seen(scope["method"], scope["path"], headers, body))
            if self.hangs:
                await self._hang(receive)
            elif scope["path"].endswith("/events") or (scope["method"], scope["path"][-7:]) == (
                "POST",
                "/export",
            ):
                await self._stream(send)
            else:
                await self._answer(send, 200, json.dumps({"service": self.name, "bytes": len(body)}).encode())

    async def _live_through(self, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def _read(self, receive: Any) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if body:
                self.first_piece.set()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return bytes(body)

    async def _hang(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _answer(self, send: Any, status: int, body: bytes) -> None:
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **self.answer_headers,
        }
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while (event := await self.live.get()) is not None:
            await send(
                {"type": "http.response.body", "body": f"data: {event}\n\n".encode(), "more_body": True}
            )
        await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True)
class Gateway:
    """A running gateway, what stands behind it, and a client."""

    client: httpx.AsyncClient
    settings: Settings
    key: SigningKey
    identity: Upstream
    customers: Upstream
    audit: Upstream

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """Every service behind it."""
        return self.identity, self.customers, self.audit

    def bearer(self, **claims: Any) -> dict[str, str]:
        """The header of a caller with a good token."""
        return {"authorization": f"Bearer {self.key.token(**claims)}"}

    async def wait_until_ready(self) -> None:
        """Return once every upstream counts as ready and tokens are checked against the keys."""
        await self.until("/readyz", 200)
        await self.until("/v1/me", 200)
        for upstream in self.upstreams:
            upstream.seen.clear()

    async def until(self, path: str, status: int) -> httpx.Response:
        """Ask ``path`` with a good token until the answer is ``status``; that answer."""
        async with asyncio.timeout(READY_WITHIN):
            while True:
                answer = await self.client.get(path, headers=self.bearer())
                if answer.status_code == status:
                    return answer
                await asyncio.sleep(0.02)
