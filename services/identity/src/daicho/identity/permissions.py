"""Which role may do what: the built-in table, what a tenant changed in it, and who may change it.

An action is ``resource:verb``. Its scope says on whose records it holds: the caller's own, those of their
team, or all of them. A role that does not name an action may not do it. A tenant keeps only what differs
from the table below, so an action that a later release adds reaches every tenant with its default.
"""

from __future__ import annotations

from collections.abc import Mapping

from daicho.tenancy import Scope

NONE, OWN, TEAM, ALL = Scope.NONE, Scope.OWN, Scope.TEAM, Scope.ALL

OWNER, ADMIN, MANAGER, MEMBER, READ_ONLY = "owner", "admin", "manager", "member", "read_only"
ROLES = (OWNER, ADMIN, MANAGER, MEMBER, READ_ONLY)

#: One line an action: the scope of owner, admin, manager, member and read-only, in this order.
_TABLE: Mapping[str, tuple[Scope, Scope, Scope, Scope, Scope]] = {
    "contacts:read": (ALL, ALL, ALL, ALL, ALL),
    "contacts:create": (ALL, ALL, ALL, OWN, NONE),
    "contacts:update": (ALL, ALL, TEAM, OWN, NONE),
    "contacts:delete": (ALL, ALL, TEAM, OWN, NONE),
    "contacts:import": (ALL, ALL, ALL, NONE, NONE),
    "contacts:export": (ALL, ALL, ALL, NONE, NONE),
    "companies:read": (ALL, ALL, ALL, ALL, ALL),
    "companies:create": (ALL, ALL, ALL, OWN, NONE),
    "companies:update": (ALL, ALL, TEAM, OWN, NONE),
    "companies:delete": (ALL, ALL, TEAM, OWN, NONE),
    "companies:import": (ALL, ALL, ALL, NONE, NONE),
    "companies:export": (ALL, ALL, ALL, NONE, NONE),
    "fields:read": (ALL, ALL, ALL, ALL, ALL),
    "fields:manage": (ALL, ALL, NONE, NONE, NONE),
    "users:read": (ALL, ALL, ALL, ALL, ALL),
    "users:manage": (ALL, ALL, NONE, NONE, NONE),
    "teams:read": (ALL, ALL, ALL, ALL, ALL),
    "teams:manage": (ALL, ALL, NONE, NONE, NONE),
    "roles:read": (ALL, ALL, ALL, NONE, NONE),
    "roles:manage": (ALL, ALL, NONE, NONE, NONE),
    "tenant:manage": (ALL, ALL, NONE, NONE, NONE),
    "audit:read": (ALL, ALL, NONE, NONE, NONE),
    "audit:erase": (ALL, NONE, NONE, NONE, NONE),
}

ACTIONS = tuple(_TABLE)

#: Actions on records that have an owner; every other action is all or nothing.
SCOPED = frozenset(action for action in ACTIONS if action.split(":")[0] in {"contacts", "companies"})

Permissions = Mapping[str, Scope]


def defaults(role: str) -> dict[str, Scope]:
    """What the built-in ``role`` may do before a tenant changes anything; only scopes above none."""
    column = ROLES.index(role)
    return {action: scopes[column] for action, scopes in _TABLE.items() if scopes[column] > NONE}


def effective(role: str, overrides: Mapping[str, int]) -> dict[str, Scope]:
    """What ``role`` may do under a tenant's ``overrides`` (action → scope as a number).

    An override of an action that no longer exists is ignored. The owner's permissions are never reduced:
    somebody must be able to put things right.
    """
    result = defaults(role)
    if role == OWNER:
        return result
    for action, scope in overrides.items():
        if action in _TABLE:
            result[action] = Scope(scope)
    return {action: scope for action, scope in result.items() if scope > NONE}


def overridden(role: str, wanted: Permissions) -> dict[str, int]:
    """The part of ``wanted`` that differs from the table, as it is stored."""
    base = defaults(role)
    return {a: int(scope) for a, scope in wanted.items() if base.get(a, NONE) != scope}


def allows_scope(action: str, scope: Scope) -> bool:
    """Whether ``scope`` has a meaning for ``action``."""
    return scope in (NONE, ALL) or action in SCOPED


def exceeds(wanted: Permissions, held: Permissions) -> list[str]:
    """The actions in which ``wanted`` reaches further than ``held``: nobody gives what they do not have."""
    return sorted(a for a, scope in wanted.items() if scope > held.get(a, NONE))


SCOPE_NAMES: Mapping[Scope, str] = {NONE: "none", OWN: "own", TEAM: "team", ALL: "all"}
SCOPES_BY_NAME: Mapping[str, Scope] = {name: scope for scope, name in SCOPE_NAMES.items()}
