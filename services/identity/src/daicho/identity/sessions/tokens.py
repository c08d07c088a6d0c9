"""Access tokens, signed by a key that never leaves the key store; and the key set that proves them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from daicho.access import AUDIENCE
from daicho.identity.opaque import b64url
from daicho.identity.policy import ACCESS_TOKEN_LIFETIME
from daicho.keyring import ACCESS_KEY, KeysUnavailable, PublicKey, Transit
from daicho.runtime import Clock, utc_now
from daicho.tenancy import SessionId, TenantId, UserId, uuid7

SIGNED_BEFORE: Final = timedelta(minutes=2)
"""How much longer than its last token lives a version stays listed: clocks differ, key sets are kept for a while."""
KEYS_KEPT: Final = 30.0
"""Seconds after which the key set is read anew."""
READ_WITHIN: Final = 1.0
"""Seconds that a reader of the key set waits for the store when there is a set already."""
PUBLISHED_FOR: Final = timedelta(minutes=3)
"""A new version is listed this long before it signs: whoever keeps the key set has it by then."""


@dataclass(slots=True)
class TokenSigner:
    """Signs access tokens and lists the public keys (RFC 7517); older keys stay listed while their tokens live."""

    transit: Transit
    issuer: str
    clock: Clock = utc_now
    now: Callable[[], float] = time.monotonic
    _keys: dict[int, PublicKey] = field(default_factory=dict)
    _read_at: float = float("-inf")

    async def sign(self, tenant_id: TenantId, user_id: UserId, session_id: SessionId, at: datetime) -> str:
        """An access token for ten minutes from ``at``. Raises KeysUnavailable."""
        issued = int(at.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "tid": str(tenant_id),
            "sid": str(session_id),
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "jti": str(uuid7()),
        }
        version = _signer(await self._known(), at)
        header = {"alg": "ES256", "typ": "at+jwt", "kid": f"v{version}"}
        signed = f"{_part(header)}.{_part(claims)}"
        signature, _ = await self.transit.sign(ACCESS_KEY, signed.encode(), jws=True, version=version)
        return f"{signed}.{b64url(signature)}"

    async def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set; the last one while the store is away, so that tokens are still verified."""
        known = await self._known()
        return {"keys": [_jwk(version, known[version].text) for version in _in_use(known, self.clock())]}

    async def _known(self) -> dict[int, PublicKey]:
        if self.now() - self._read_at > KEYS_KEPT:
            try:
                async with asyncio.timeout(READ_WITHIN if self._keys else None):
                    self._keys = await self.transit.public_keys(ACCESS_KEY)
            except (KeysUnavailable, TimeoutError):
                if not self._keys:
                    raise
            self._read_at = self.now()
        return self._keys


def _signer(keys: Mapping[int, PublicKey], at: datetime) -> int:
    """The newest version that everybody knows at a moment; the first one signs from the start."""
    known = [version for version, key in keys.items() if key.created_at + PUBLISHED_FOR <= at]
    return max(known) if known else min(keys)


def _in_use(keys: Mapping[int, PublicKey], at: datetime) -> list[int]:
    """The versions that sign at a moment, are about to, or signed a token that is still good."""
    oldest = _signer(keys, at - ACCESS_TOKEN_LIFETIME - SIGNED_BEFORE)
    return [version for version in keys if version >= oldest]


def _part(value: object) -> str:
    return b64url(msgspec.json.encode(value))


def _jwk(version: int, pem: str) -> dict[str, str]:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("the access key is not on an elliptic curve")
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": f"v{version}",
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
    }
