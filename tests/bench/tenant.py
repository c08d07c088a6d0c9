"""The tenant of the made-up ledger: who owns what, and the keys that seal it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daicho.keyring import EventKey, KeyMaterial, TenantKeys
from daicho.tenancy import TenantId
from daicho.tenancy.ids import UserId

ROOT: Final = Path(__file__).resolve().parents[2]
TENANT: Final = TenantId(UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0001))
TEAM_2, TEAM_20, REST = (UserId(UUID(int=TENANT.int + number)) for number in (1, 2, 3))
"""Owners of 2 %, 20 % and 78 % of the contacts."""


def keys_of_tenant() -> TenantKeys:
    """Keys that every run makes the same, so that a kept cluster opens."""
    events = EventKey(TENANT, "customers", 1, "vault:v1:bench", AESGCM(b"e" * 32))
    material = KeyMaterial(TENANT, {1: b"r" * 32}, current=1, index=(b"i" * 32,), unique=b"u" * 32)
    return TenantKeys(material, events)


def company_id(number: int) -> UUID:
    """The id of the company of that number."""
    return UUID(int=0x0192_0000_0000_7000_9000 << 48 | number)
