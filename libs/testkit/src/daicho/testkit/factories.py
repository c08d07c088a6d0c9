"""Small things that tests make."""

from __future__ import annotations

from typing import Any

from daicho.tenancy import Actor, SessionId, TenantId, UserId, uuid7


def create_tenant_id() -> TenantId:
    """A tenant that no other test knows."""
    return TenantId(uuid7())


def create_user_id() -> UserId:
    """A user that no other test knows."""
    return UserId(uuid7())


def create_actor(**overrides: Any) -> Actor:
    """A signed-in user of a new tenant."""
    values: dict[str, Any] = {
        "tenant_id": create_tenant_id(),
        "kind": "user",
        "user_id": create_user_id(),
        "session_id": SessionId(uuid7()),
        "address": "192.0.2.10",
        "request_id": str(uuid7()),
    }
    values |= overrides
    if values["kind"] != "user" and "user_id" not in overrides:
        values |= {"user_id": None, "session_id": None}
    return Actor(**values)
