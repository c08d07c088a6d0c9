"""Limit the requests that a process handles at the same time.

After the guard has said who calls, and after the body is here, a request takes a place of its class
(:class:`daicho.web.declared.Cost`) in the share of its tenant; a request without a token in that of its network
address. It holds the place while the service works and gives it back while it waits for its client: for more of a body,
for a slow reader of an answer. A slow client therefore keeps no place. Every request returns its place when it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from daicho.faults import TooBusy
from daicho.runtime.concurrency_limit import Bounds, ConcurrencyLimit, Key, RecentTenants
from daicho.runtime.time_slices import urgent_work
from daicho.web.callers import ACTOR, address_of
from daicho.web.declared import Cost, declared_by
from daicho.web.neighbourhood import neighbourhood_of

_PLACE: Final = "daicho.place"
_COST: Final = "daicho.cost"
LIGHT: Final = Bounds(places=8, per_tenant=4, beside=2, waiting=128, deadline=5.0)
HEAVY: Final = Bounds(places=4, per_tenant=2, beside=1, waiting=32, deadline=15.0)
BULK: Final = Bounds(places=2, per_tenant=1, waiting=8, deadline=30.0)
PUBLIC: Final = Bounds(places=8, per_tenant=4, waiting=64, deadline=5.0)
"""Of requests without a token; the tenant's place is taken by the network address."""
REFUSED_AFTER: Final = 0.25
"""Seconds that a refusal is held back: clients that ask again as soon as they are refused would else do nothing but that."""


_recent: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, RecentTenants]] = WeakKeyDictionary()


def _recent_tenants() -> RecentTenants:
    """Who was active lately in any service of this process: they share its loop."""
    try:
        return _recent.setdefault(asyncio.get_running_loop(), RecentTenants())
    except RuntimeError:  # no loop runs; the description of the API is written so
        return RecentTenants()


LARGE: Final = 65_536
"""Bytes of a body beyond which its refusal is held back as well: it cost nearly nothing to send again at once."""
_WRONG: Final = frozenset({400, 422})


class Admission:
    """The limits of one service's application; each class of requests has places of its own."""

    def __init__(
        self,
        service: str = "",
        *,
        light: Bounds = LIGHT,
        heavy: Bounds = HEAVY,
        bulk: Bounds = BULK,
        public: Bounds = PUBLIC,
    ) -> None:
        self._recent = _recent_tenants()
        self.public = ConcurrencyLimit(public)
        self.by_cost = {
            Cost.LIGHT: ConcurrencyLimit(light, self._recent),
            Cost.HEAVY: ConcurrencyLimit(heavy, self._recent),
            Cost.BULK: ConcurrencyLimit(bulk, self._recent),
        }
        self._named = {"public": self.public, **{cost.value: each for cost, each in self.by_cost.items()}}
        self._service = service
        meter = metrics.get_meter("daicho.web")
        self._refused = meter.create_counter(
            "daicho.requests.refused", description="Requests that found their queue full, or waited too long"
        )
        meter.create_observable_gauge(
            "daicho.requests.taken", [self._observe_taken], description="Requests that are handled"
        )
        meter.create_observable_gauge(
            "daicho.requests.waiting", [self._observe_waiting], description="Requests that wait for a place"
        )

    async def admit(self, request: Request[Any, Any, Any]) -> None:
        """Give ``request`` its place, in its turn. Raises TooBusy."""
        handler, scope = request.route_handler, request.scope
        declared = declared_by(handler).cost
        cost = declared if isinstance(declared, Cost) else declared(request)
        state: dict[str, Any] = scope["state"]
        state[_COST] = cost
        if cost is Cost.EXEMPT:
            return
        if handler.parsed_data_field is not None:
            await request.body()  # whoever sends it slowly waits without a place
        actor = state.get(ACTOR)
        limit: ConcurrencyLimit
        if actor is None:
            limit, tenant, user = self.public, neighbourhood_of(address_of(request)), None
        else:
            limit, tenant, user = self.by_cost[cost], actor.tenant_id, actor.user_id
            self._recent.note(tenant)
        try:
            await state[_PLACE].take(limit, tenant, user, is_urgent=cost is Cost.LIGHT)
        except TooBusy:
            kind = "public" if actor is None else cost.value
            self._refused.add(1, {"service": self._service, "class": kind})
            await asyncio.sleep(REFUSED_AFTER)
            raise

    def _observe_taken(self, _options: CallbackOptions) -> Iterable[Observation]:
        for name, limit in self._named.items():
            yield Observation(limit.taken, {"service": self._service, "class": name})

    def _observe_waiting(self, _options: CallbackOptions) -> Iterable[Observation]:
        for name, limit in self._named.items():
            yield Observation(limit.waiting, {"service": self._service, "class": name})


def is_heavy(request: Request[Any, Any, Any]) -> bool:
    """Whether ``request`` was admitted as one whose queries may take long and belong on the heavy pool."""
    return request.scope["state"].get(_COST) in {Cost.HEAVY, Cost.BULK}


def holding_places(app: ASGIApp) -> ASGIApp:
    """The middleware that gives back what a request still holds when it ends, and what it holds while its client is slow."""

    async def around(scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await app(scope, receive, send)
            return
        place = _Place(receive, send)
        scope["state"][_PLACE] = place
        try:
            await app(scope, place.receive, place.send)
        finally:
            place.give_back()

    return around


class _Place:
    """One request's place, and its client's two directions."""

    __slots__ = (
        "_answers",
        "_is_urgent",
        "_limit",
        "_receive",
        "_received",
        "_send",
        "_tenant",
        "_urgent",
        "_user",
        "is_held",
    )

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._limit: ConcurrencyLimit | None = None
        self._tenant: Key = None
        self._user: Key = None
        self.is_held = self._answers = self._is_urgent = False
        self._received = 0
        self._urgent = urgent_work()

    async def take(self, limit: ConcurrencyLimit, tenant: Key, user: Key, *, is_urgent: bool) -> None:
        """Take a place; computations give way to what ``is_urgent`` while it is held. Raises TooBusy."""
        await limit.take(tenant, user)
        self._limit, self._tenant, self._user, self._is_urgent = limit, tenant, user, is_urgent
        self._hold()

    def _hold(self) -> None:
        self.is_held = True
        self._urgent.under_way += self._is_urgent

    def give_back(self) -> None:
        """Give the place back, if it is held."""
        if self.is_held and self._limit is not None:
            self.is_held = False
            self._urgent.under_way -= self._is_urgent
            self._limit.give_back(self._tenant, self._user)

    async def receive(self) -> Any:
        """More of the request. A body is waited for without the place; once the answer has begun, only an end is waited for."""
        if not self.is_held or self._answers:
            return self._counted(await self._receive())
        self.give_back()
        message = self._counted(await self._receive())
        await self._take_again()
        return message

    def _counted(self, message: Any) -> Any:
        self._received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer. What waits for the client's reading does so without the place."""
        if message["type"] != "http.response.body":
            self._answers = True
            if message.get("status") in _WRONG and self._received > LARGE:
                self.give_back()
                await asyncio.sleep(REFUSED_AFTER)
            await self._send(message)
            return
        held = self.is_held and message.get("more_body", False)
        self.give_back()
        await self._send(message)
        if held:
            await self._take_again()

    async def _take_again(self) -> None:
        if self._limit is not None:
            await self._limit.take_again(self._tenant, self._user)
            self._hold()
