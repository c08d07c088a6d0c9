"""Access tokens: what is believed, and who it stands for.

A token is a JWS (RFC 7515) by ES256 with the header type ``at+jwt`` (RFC 9068); the key comes from identity's
JWKS alone, whatever the header says of other places. A token that was verified is remembered by its hash
until it ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx
import jwt
import structlog

from daicho.faults import Unauthenticated, Unavailable
from daicho.tenancy import Actor, SessionId, TenantId, UserId

AUDIENCE: Final = "daicho"
TYPE: Final = "at+jwt"
LEEWAY: Final = 30
"""Seconds by which clocks may differ."""
REMEMBERED: Final = 20_000
KEPT: Final = 60.0
"""Seconds after which the key set is read anew, so that a key which was withdrawn is withdrawn here."""
REFETCH_AFTER: Final = 5.0
"""Seconds before an unknown key id is worth another look at the key set."""
RETRY_AFTER: Final = 1.0
"""Seconds before identity is asked again when it did not answer; until then callers are told so at once."""
LONGEST: Final = 8_192
"""Characters of a token that are looked at; identity's have some 500."""
_REQUIRED: Final = ("iss", "aud", "sub", "tid", "sid", "iat", "nbf", "exp", "jti")
_FORBIDDEN_HEADERS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"})

FetchKeys = Callable[[], Awaitable[Mapping[str, Any]]]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """What a verified token says: the actor, when it was issued, and when it ends (Unix seconds)."""

    actor: Actor
    issued_at: int
    ends_at: int


def fetch_jwks(identity_url: str) -> FetchKeys:
    """Asks identity for its key set over HTTP. Raises Unavailable when it does not answer."""

    async def fetch() -> Mapping[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                answer = await client.get(f"{identity_url}/.well-known/jwks.json")
                answer.raise_for_status()
                found: Mapping[str, Any] = answer.json()
                return found
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable from error

    return fetch


class TokenVerifier:
    """Verifies access tokens of one issuer."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        issuer: str,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        remembered: int = REMEMBERED,
    ) -> None:
        """``now`` is the Unix time that tokens are compared with; ``clock`` measures spans."""
        self._fetch, self._issuer, self._now, self._most = fetch, issuer, now, remembered
        self._keys: dict[str, Any] = {}
        self._clock = clock
        self._fetched_at = self._failed_at = -math.inf
        self._fetching = asyncio.Lock()
        self._known: OrderedDict[bytes, Session] = OrderedDict()

    async def verify(self, token: str) -> Actor:
        """Who the holder of ``token`` is. Raises Unauthenticated, or Unavailable while no key is to be had."""
        return (await self.session(token)).actor

    async def session(self, token: str) -> Session:
        """:meth:`verify`, with the token's times."""
        if len(token) > LONGEST:
            raise Unauthenticated
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._known.get(name)
        if known is not None:
            if self._now() < known.ends_at + LEEWAY:
                self._known.move_to_end(name)
                return known
            del self._known[name]
        found = await self._verify(token)
        self._known[name] = found
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return found

    async def _verify(self, token: str) -> Session:
        try:
            header = jwt.get_unverified_header(token)
            if (
                header.get("alg") != "ES256"
                or header.get("typ") != TYPE
                or _FORBIDDEN_HEADERS & header.keys()
            ):
                raise Unauthenticated
            key = await self._key(str(header.get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            self._check_times(claims)
            return _session(token, claims)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthenticated from error

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._now()
        if not (claims["nbf"] - LEEWAY <= now < claims["exp"] + LEEWAY) or claims["iat"] > now + LEEWAY:
            raise Unauthenticated

    async def _key(self, kid: str) -> Any:
        if self._is_due(kid):
            async with self._fetching:
                if self._is_due(kid):
                    try:
                        await self._load()
                    except Unavailable:
                        if kid not in self._keys:
                            raise
        key = self._keys.get(kid)
        if key is None:
            raise Unauthenticated
        return key

    def _is_due(self, kid: str) -> bool:
        """Whether the key set is to be read before a token of this key is judged."""
        return self._clock() - self._fetched_at >= (KEPT if kid in self._keys else REFETCH_AFTER)

    async def _load(self) -> None:
        """Fetch the key set. Raises Unavailable, at once while the last failure is fresh."""
        if self._clock() - self._failed_at < RETRY_AFTER:
            raise Unavailable
        try:
            found = await self._fetch()
            self._keys = {
                str(entry["kid"]): jwt.PyJWK(dict(entry)).key
                for entry in found["keys"]
                if entry.get("kty") == "EC" and entry.get("crv") == "P-256"
            }
        except (Unavailable, KeyError, jwt.PyJWTError) as error:
            self._failed_at = self._clock()
            raise Unavailable from error
        self._fetched_at = self._clock()


def _session(token: str, claims: Mapping[str, Any]) -> Session:
    actor = Actor(
        tenant_id=TenantId(UUID(claims["tid"])),
        kind="user",
        user_id=UserId(UUID(claims["sub"])),
        session_id=SessionId(UUID(claims["sid"])),
        token=token,
    )
    return Session(actor, int(claims["iat"]), int(claims["exp"]))
