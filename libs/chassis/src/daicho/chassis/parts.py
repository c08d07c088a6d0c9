"""What the rails give to a service, and what a service gives to the rails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from daicho.access import MissedEventsAlarm
from daicho.chassis.settings import Settings
from daicho.events import AccessLog, Bus, Consumer, EventVerifier
from daicho.faults import Messages
from daicho.jobs import JobType
from daicho.keyring import Keyring, Transit
from daicho.rpc import Channel
from daicho.runtime import Clock, Health
from daicho.tenancy import Actor, Database, Grants
from daicho.web import Glossary

Loop = Callable[[], Awaitable[None]]
"""Work that goes on for as long as the process does."""


class GrantSource(Protocol):
    """Knows what an actor may do now."""

    async def grants(self, actor: Actor) -> Grants:
        """What ``actor`` may do. Raises Unauthenticated, Unavailable."""
        ...

    async def check(self) -> str | None:
        """For readiness: None, or what is missing."""
        ...

    async def run(self) -> None:
        """What it does for as long as the process runs."""
        ...


@dataclass(frozen=True, slots=True)
class Rails:
    """Everything that a service stands on, open."""

    name: str
    settings: Settings
    database: Database
    transit: Transit
    keyring: Keyring
    bus: Bus
    event_verifier: EventVerifier
    missed_alarm: MissedEventsAlarm
    access_log: AccessLog
    clock: Clock
    health: Health
    channel: Callable[[str], Channel]
    """``channel("identity")``: the way to another service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a service serves, hears and does.

    ``permissions`` replaces this service's copy of the permissions; identity, which owns them, gives its own.
    ``rpc`` pairs a generated ``add_XServicer_to_server`` with its servicer. ``jobs`` and ``loops`` run where
    the role ``worker`` is.
    """

    routes: Sequence[Any]
    messages: Mapping[str, Messages] = field(default_factory=dict)
    glossary: Glossary = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    rpc: Sequence[tuple[Callable[[Any, Any], None], Any]] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Mapping[str, JobType] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    permissions: GrantSource | None = None
