"""Opaque tokens: what links and cookies carry. Each names its tenant, so that it can be set before a look-up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from daicho.tenancy import SessionId, TenantId

CONFIRMATION, INVITATION, RESET, REFRESH = "dcc", "dci", "dcp", "dcr"
_SECRET_BYTES = 32
_REFRESH_CONTEXT = b"daicho/refresh/v1\0"


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unb64url(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # One token has one spelling: the unused low bits of the last character must be zero.
    return data if b64url(data) == text else None


def _uuid(text: str) -> UUID | None:
    try:
        value = UUID(hex=text)
    except ValueError:
        return None
    return value if value.hex == text else None


@dataclass(frozen=True, slots=True)
class Link:
    """A token that is used once: ``<prefix>_<tenant hex>_<secret>``; only the digest is stored."""

    prefix: str
    tenant_id: TenantId
    secret: bytes

    @classmethod
    def draw(cls, prefix: str, tenant_id: TenantId) -> Link:
        """A new one with 256 random bits."""
        return cls(prefix, tenant_id, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def read(cls, prefix: str, text: str) -> Link | None:
        """The token that ``text`` spells; None when it is not one of this kind."""
        parts = text.split("_", 2)
        if len(parts) != 3 or parts[0] != prefix:
            return None
        tenant, secret = _uuid(parts[1]), _unb64url(parts[2])
        if tenant is None or secret is None or len(secret) != _SECRET_BYTES:
            return None
        return cls(prefix, TenantId(tenant), secret)

    @property
    def digest(self) -> bytes:
        """What the database keeps: SHA-256 over the secret (256 bits of entropy need no slow hash)."""
        return hashlib.sha256(self.secret).digest()

    def __str__(self) -> str:
        return f"{self.prefix}_{self.tenant_id.hex}_{b64url(self.secret)}"

    def __repr__(self) -> str:
        return f"Link({self.prefix}, {self.tenant_id})"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """``dcr_<tenant hex>_<family hex>_<generation>_<mac>``; the family is the session.

    The MAC is HMAC-SHA-256 under the family's secret over tenant, family and generation, so a successor
    is derived, not stored: every racing caller arrives at the same one.
    """

    tenant_id: TenantId
    family: SessionId
    generation: int
    mac: bytes

    @classmethod
    def derive(
        cls, tenant_id: TenantId, family: SessionId, *, generation: int, secret: bytes
    ) -> RefreshToken:
        """The family's token of this generation."""
        message = _REFRESH_CONTEXT + tenant_id.bytes + family.bytes + generation.to_bytes(8, "big")
        return cls(tenant_id, family, generation, hmac.digest(secret, message, "sha256"))

    @classmethod
    def read(cls, text: str) -> RefreshToken | None:
        """The token that ``text`` spells; None when it is none. Says nothing about its being genuine."""
        parts = text.split("_", 4)
        if len(parts) != 5 or parts[0] != REFRESH:
            return None
        tenant, family, mac = _uuid(parts[1]), _uuid(parts[2]), _unb64url(parts[4])
        number = parts[3]
        if tenant is None or family is None or mac is None or len(mac) != 32:
            return None
        if not (number.isascii() and number.isdigit() and len(number) <= 9 and str(int(number)) == number):
            return None
        return cls(TenantId(tenant), SessionId(family), int(number), mac)

    def genuine(self, secret: bytes) -> bool:
        """Whether the family's ``secret`` made it; constant time."""
        own = RefreshToken.derive(self.tenant_id, self.family, generation=self.generation, secret=secret)
        return hmac.compare_digest(own.mac, self.mac)

    def __str__(self) -> str:
        return f"{REFRESH}_{self.tenant_id.hex}_{self.family.hex}_{self.generation}_{b64url(self.mac)}"

    def __repr__(self) -> str:
        return f"RefreshToken({self.tenant_id}, {self.family}, {self.generation})"
