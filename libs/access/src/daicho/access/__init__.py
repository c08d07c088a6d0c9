"""Who may do what: tokens verified, permissions held as this service's own copy, revocations heard at once."""

from daicho.access import schema
from daicho.access.copy import (
    TOPIC,
    disabled_users,
    handlers,
    is_active_user,
    on_user,
    read_grants,
    role_names,
)
from daicho.access.directory import Directory
from daicho.access.missed_alarm import MissedEventsAlarm
from daicho.access.permissions import Permissions, take_snapshot
from daicho.access.tokens import AUDIENCE, Session, TokenVerifier, fetch_jwks

__all__ = [
    "AUDIENCE",
    "TOPIC",
    "Directory",
    "MissedEventsAlarm",
    "Permissions",
    "Session",
    "TokenVerifier",
    "disabled_users",
    "fetch_jwks",
    "handlers",
    "is_active_user",
    "on_user",
    "read_grants",
    "role_names",
    "schema",
    "take_snapshot",
]
