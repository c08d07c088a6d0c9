"""Access tokens, signed by a key that never leaves the key store; and the key set that proves them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from daicho.access import AUDIENCE
from daicho.identity.opaque import b64url
from daicho.identity.policy import ACCESS_TOKEN_LIFETIME
from daicho.keyring import ACCESS_KEY, Transit
from daicho.tenancy import SessionId, TenantId, UserId, uuid7

KEYS_KEPT: Final = 60.0
"""Seconds after which the key set is read anew; a new version is published before anybody relies on it."""


@dataclass(slots=True)
class TokenSigner:
    """Signs access tokens and lists the public keys (RFC 7517); older keys stay listed while their tokens live."""

    transit: Transit
    issuer: str
    now: Callable[[], float] = time.monotonic
    _keys: dict[int, dict[str, str]] = field(default_factory=dict)
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
        keys = await self._known()
        while True:
            version = max(keys)
            header = {"alg": "ES256", "typ": "at+jwt", "kid": f"v{version}"}
            signed = f"{_part(header)}.{_part(claims)}"
            signature, signer = await self.transit.sign(ACCESS_KEY, signed.encode(), jws=True)
            if signer == version:
                return f"{signed}.{b64url(signature)}"
            # The key was rotated since the set was read; its new version signs, and must be named.
            keys = await self._read()

    async def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        return {"keys": list((await self._known()).values())}

    async def _known(self) -> dict[int, dict[str, str]]:
        if self.now() - self._read_at > KEYS_KEPT:
            await self._read()
        return self._keys

    async def _read(self) -> dict[int, dict[str, str]]:
        found = await self.transit.public_keys(ACCESS_KEY)
        self._keys = {version: _jwk(version, pem) for version, pem in found.items()}
        self._read_at = self.now()
        return self._keys


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
