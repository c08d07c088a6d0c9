"""Who looks at the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from daicho.keyring import TenantKeys
from daicho.tenancy import Grants


@dataclass(frozen=True, slots=True)
class Reader:
    """What every use case needs beside its transaction: the tenant's keys and what the caller may do."""

    keys: TenantKeys
    grants: Grants
