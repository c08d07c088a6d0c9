"""Limit the open streams (live events, downloads, uploads) of each user, tenant and network address.

They hold a connection each for as long as their client likes, so they are counted from the guard to the last byte; ordinary
requests have :mod:`daicho.web.admission`. A process counts its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from daicho.web.admission import REFUSED_AFTER
from daicho.web.callers import ACTOR, address_of
from daicho.web.declared import declared_by
from daicho.web.neighbourhood import neighbourhood_of
from daicho.web.refusals import TooManyStreams

_OPEN: Final = "daicho.streams.open"
_RETRY_AFTER: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamBounds:
    """Lasting requests that are open at once in a process. A user has a few tabs; a company may share one address."""

    per_user: int = 10
    per_tenant: int = 50
    per_address: int = 100


class StreamLimit:
    """The counts of one application. Belongs to one event loop."""

    def __init__(self, bounds: StreamBounds | None = None) -> None:
        self._bounds = bounds or StreamBounds()
        self._open: Counter[Hashable] = Counter()

    @property
    def open(self) -> int:
        """The number of keys that something is counted for: 0 when nothing is open."""
        return len(self._open)

    async def admit(self, request: Request[Any, Any, Any]) -> None:
        """Count ``request`` if its route says that it lasts. Raises TooManyStreams."""
        if not declared_by(request.route_handler).lasts:
            return
        state: dict[str, Any] = request.scope["state"]
        actor = state[ACTOR]
        limits: Mapping[Hashable, int] = {
            ("user", actor.tenant_id, actor.user_id): self._bounds.per_user,
            ("tenant", actor.tenant_id): self._bounds.per_tenant,
            ("address", neighbourhood_of(address_of(request))): self._bounds.per_address,
        }
        for key, limit in limits.items():
            if self._open[key] >= limit:
                await asyncio.sleep(REFUSED_AFTER)
                raise TooManyStreams(limit=limit, retry_after=_RETRY_AFTER)
        self._open.update(limits.keys())
        state[_OPEN] = tuple(limits)

    def releasing(self, app: ASGIApp) -> ASGIApp:
        """The middleware that stops counting a request when it ends, however it ends."""

        async def around(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                for key in scope["state"].pop(_OPEN, ()):
                    self._release(key)

        return around

    def _release(self, key: Hashable) -> None:
        if self._open[key] > 1:
            self._open[key] -= 1
        else:
            del self._open[key]
