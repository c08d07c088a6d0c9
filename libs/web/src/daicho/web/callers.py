"""Guards of routes: they identify the caller and check permissions.

An application with an unguarded route does not start (see :func:`daicho.web.create_app`).
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from daicho.faults import Forbidden, Unauthenticated
from daicho.tenancy import Actor, Grants

COOKIE: Final = "daicho_access"
SECURE_COOKIE: Final = "__Host-daicho_access"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_ID: Final = "daicho.request_id"
ACTOR: Final = "daicho.actor"
_GRANTS: Final = "daicho.grants"
_LONGEST_ADDRESS: Final = 64
"""Characters of an IPv6 address with a zone."""

Connection = ASGIConnection[Any, Any, Any, Any]


class Verifier(Protocol):
    """Turns a token into who it stands for; raises Unauthenticated."""

    def verify(self, token: str) -> Awaitable[Actor]:
        """The actor of ``token``."""
        ...


class GrantSource(Protocol):
    """Knows what an actor may do now; raises Unauthenticated for one who no longer may anything."""

    def grants(self, actor: Actor) -> Awaitable[Grants]:
        """The permissions of ``actor``."""
        ...


class Callers:
    """Recognises the callers of one application."""

    def __init__(self, verifier: Verifier, permissions: GrantSource, *, origin: str) -> None:
        self._verifier, self._permissions, self._origin = verifier, permissions, origin.rstrip("/")
        # Where there is TLS, the name alone says that no neighbouring host has set the cookie.
        self._cookie = SECURE_COOKIE if origin.startswith("https://") else COOKIE

    async def recognise(self, connection: Connection) -> Grants:
        """The caller's grants; the caller is then :func:`actor_of` the connection.

        Raises Unauthenticated without a good token. A token from a cookie is taken for an unsafe method only
        when the request's Origin is the console's own: Forbidden otherwise.
        """
        token = self._token(connection)
        actor = replace(
            await self._verifier.verify(token),
            address=address_of(connection),
            request_id=_state(connection).get(REQUEST_ID),
        )
        grants = await self._permissions.grants(actor)
        held = _state(connection)
        held[ACTOR], held[_GRANTS] = actor, grants
        return grants

    def _token(self, connection: Connection) -> str:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        found = connection.cookies.get(self._cookie)
        if not found:
            raise Unauthenticated
        self.check_origin(connection)
        return found

    def check_origin(self, connection: Connection) -> None:
        """Refuse an unsafe request that another site's page made with this site's cookies."""
        if connection.scope.get("method") not in SAFE and connection.headers.get("origin") != self._origin:
            raise Forbidden


class requires:  # noqa: N801 reads as a word where a route declares it
    """A guard: the caller must hold one of ``permissions`` at some scope; None asks for a sign-in alone."""

    def __init__(self, *permissions: str | None) -> None:
        self.permissions = tuple(each for each in permissions if each is not None)

    async def __call__(self, connection: Connection, _handler: BaseRouteHandler) -> None:
        """Raises Unauthenticated or Forbidden."""
        grants = await connection.app.state.callers.recognise(connection)
        if self.permissions and not any(grants.allows(each) for each in self.permissions):
            raise Forbidden


class public:  # noqa: N801 as above
    """A guard that lets everybody in; ``reason`` says why that is right."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Lets the request pass."""


def guard_of(handler: HTTPRouteHandler) -> requires | public | None:
    """The guard of ``handler``."""
    guards = handler.resolve_guards() if hasattr(handler, "resolve_guards") else handler.guards
    return next((guard for guard in guards or () if isinstance(guard, requires | public)), None)


def address_of(connection: Connection) -> str | None:
    """The caller's network address, as the gateway saw it."""
    forwarded = _last_hop(connection.headers.get("x-forwarded-for"))
    return forwarded or (connection.client.host if connection.client else None)


def actor_of(connection: Connection) -> Actor:
    """The caller; on routes behind :class:`requires` alone."""
    actor: Actor = _state(connection)[ACTOR]
    return actor


def grants_of(connection: Connection) -> Grants:
    """The caller's permissions; on routes behind :class:`requires` alone."""
    grants: Grants = _state(connection)[_GRANTS]
    return grants


def _state(connection: Connection) -> dict[str, Any]:
    """The state of a request: the mapping itself, around which ``connection.state`` is made anew each time."""
    found: dict[str, Any] = connection.scope["state"]
    return found


def _last_hop(forwarded: str | None) -> str | None:
    """The address that the gateway saw: the last entry; what a client wrote before it is not believed."""
    last = forwarded.rpartition(",")[2].strip() if forwarded else ""
    return _address(last) if 0 < len(last) <= _LONGEST_ADDRESS else None


@lru_cache(1024)
def _address(text: str) -> str | None:
    """``text`` when it is an IP address: it goes into the record of who saw what."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None
