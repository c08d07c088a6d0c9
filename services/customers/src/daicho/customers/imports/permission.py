"""Which permission an import requires."""

from __future__ import annotations

from daicho.customers.model import RESOURCES, Resource


def permission(resource: Resource) -> str:
    """What importing into ``resource`` requires."""
    return f"{RESOURCES[resource]}:import"
