"""Who looks at the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from daicho.keyring import TenantKeys
from daicho.tenancy import Grants


@dataclass(frozen=True, slots=True)
class Reader:
    """What every use case needs beside its transaction: the tenant's keys and what the caller may do.

    ``confirmed`` are users who are too new for this service's copy and of whom identity was asked.
    """

    keys: TenantKeys
    grants: Grants
    confirmed: frozenset[UUID] = frozenset()
