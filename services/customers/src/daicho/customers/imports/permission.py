"""What an import requires, and what it may change."""

from __future__ import annotations

from daicho.customers.model import RESOURCES, Resource
from daicho.tenancy import Grants, UserId


def permission(resource: Resource) -> str:
    """What importing into ``resource`` requires."""
    return f"{RESOURCES[resource]}:import"


def may_change(grants: Grants, resource: Resource, owner_id: UserId | None) -> bool:
    """Whether a row may change a record of ``owner_id``: as everywhere, who may not see it may not change it."""
    plural = RESOURCES[resource]
    return grants.covers(f"{plural}:read", owner_id) and grants.covers(f"{plural}:update", owner_id)
