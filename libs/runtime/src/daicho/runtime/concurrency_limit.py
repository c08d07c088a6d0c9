"""How many requests, uploads or child processes are under way at once, in fair shares: by tenant first, then by user.

A limit has a number of places. A tenant takes some of them at most, and a user of it may have a bound of their own. A
request that finds no place waits. A place that is given back goes to the waiting tenant that holds the fewest, of
several such to the one that was served longest ago, and within the tenant to its users in rotation. So a request of a
quiet tenant goes before the tenth of a loud one, however many of those wait. A tenant's queue is bounded; when it is full,
a user with few requests in it takes the place of the newest one of the user with the most. A tenant may have fewer places while
others are active than alone, for those who share a processor wait for what already runs, too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Final

from daicho.faults import TooBusy

Key = Hashable
_RETRY_AFTER: Final = 2
ACTIVE: Final = 2.0
"""Seconds for which a tenant counts as active after a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``places`` in all, of one tenant and of one user; how many requests of one tenant may wait, and for how many seconds.

    Without ``per_user`` a user may take all places of their tenant. Without ``deadline`` a request waits without end.
    ``beside`` takes the place of ``per_tenant`` while other tenants are active (:class:`RecentTenants`).
    """

    places: int
    per_tenant: int
    waiting: int
    deadline: float | None
    per_user: int | None = None
    beside: int | None = None

    def resized(self, text: str) -> Bounds:
        """These with the numbers of places in ``text``: ``places/per_tenant``, such as ``8/4``. Raises ValueError."""
        places, separator, per_tenant = text.partition("/")
        if not separator or not 1 <= int(per_tenant) <= int(places):
            raise ValueError(f"{text!r} is not places/per_tenant")
        beside = None if self.beside is None else max(1, int(per_tenant) // 2)
        return replace(self, places=int(places), per_tenant=int(per_tenant), beside=beside)


class RecentTenants:
    """Tells whether somebody else was active in the last :data:`ACTIVE` seconds. Several limits may share one."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: Key = None
        self._last_at = self._before_at = -ACTIVE
        self._before: Key = None
        """The one before the last that is not the last."""

    def note(self, tenant: Key) -> None:
        """``tenant`` is active now."""
        if tenant != self._last:
            self._before, self._before_at = self._last, self._last_at
            self._last = tenant
        self._last_at = self._clock()

    def is_alone(self, tenant: Key) -> bool:
        """Whether no tenant but ``tenant`` was active lately."""
        at = self._before_at if tenant == self._last else self._last_at
        return self._clock() - at >= ACTIVE


class ConcurrencyLimit:
    """The places of one kind of work in one process. Needs no start; belongs to one event loop."""

    def __init__(self, bounds: Bounds, recent: RecentTenants | None = None) -> None:
        """``recent`` is needed by bounds with ``beside``; the caller notes in it who is active."""
        self._bounds = bounds
        self._recent = recent or RecentTenants()
        self._looks_again = False
        self._taken = 0
        self._held: dict[Key, int] = {}
        self._held_by_user: dict[tuple[Key, Key], int] = {}
        """Is kept when users have a bound."""
        self._queues: OrderedDict[Key, _TenantQueue] = OrderedDict()

    @property
    def taken(self) -> int:
        """Places that are taken now."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Requests that wait now."""
        return sum(len(queue) for queue in self._queues.values())

    def has_share(self, tenant: Key, user: Key = None) -> bool:
        """Whether ``tenant`` and ``user`` hold fewer places than they may, be one free or not."""
        return self._held.get(tenant, 0) < self._share(tenant) and self._user_has_share(tenant, user)

    def try_take(self, tenant: Key, user: Key = None) -> bool:
        """Take a place when one is free for ``tenant`` and ``user``; whether it is taken. Costs two look-ups.

        Nobody is passed by: while a place is free, each tenant or user that waits has its share already.
        """
        if self._taken >= self._bounds.places or not self.has_share(tenant, user):
            return False
        self._hold(tenant, user)
        return True

    @asynccontextmanager
    async def place(self, tenant: Key, user: Key = None) -> AsyncIterator[None]:
        """Hold a place while the block runs. Raises TooBusy as :meth:`take`."""
        await self.take(tenant, user)
        try:
            yield
        finally:
            self.give_back(tenant, user)

    async def take(self, tenant: Key, user: Key = None) -> None:
        """Take a place, waiting for it if need be. Raises TooBusy when the queue is full or the deadline passes."""
        if self.try_take(tenant, user):
            return
        queue = self._queues.get(tenant)
        if (len(queue) if queue is not None else 0) >= self._bounds.waiting and not (
            queue is not None and queue.make_room(user)
        ):
            raise TooBusy(retry_after=_RETRY_AFTER)
        try:
            async with asyncio.timeout(self._bounds.deadline):
                await self._wait(tenant, user)
        except TimeoutError:
            raise TooBusy(retry_after=_RETRY_AFTER) from None

    async def take_again(self, tenant: Key, user: Key = None) -> None:
        """Take a place for a request that had one and gave it back while it waited for its client.

        It was let in already, so neither the queue's length nor the deadline refuses it.
        """
        if not self.try_take(tenant, user):
            await self._wait(tenant, user)

    def give_back(self, tenant: Key, user: Key = None) -> None:
        """Give back a place that ``tenant`` and ``user`` hold; the next request that waits gets it."""
        self._taken -= 1
        _count_down(self._held, tenant)
        if self._bounds.per_user is not None:
            _count_down(self._held_by_user, (tenant, user))
        if self._queues:
            self._admit()

    def _hold(self, tenant: Key, user: Key) -> None:
        self._taken += 1
        self._held[tenant] = self._held.get(tenant, 0) + 1
        if self._bounds.per_user is not None:
            self._held_by_user[tenant, user] = self._held_by_user.get((tenant, user), 0) + 1

    def _share(self, tenant: Key) -> int:
        bounds = self._bounds
        if bounds.beside is None or self._recent.is_alone(tenant):
            return bounds.per_tenant
        return bounds.beside

    def _user_has_share(self, tenant: Key, user: Key) -> bool:
        per_user = self._bounds.per_user
        return per_user is None or self._held_by_user.get((tenant, user), 0) < per_user

    async def _wait(self, tenant: Key, user: Key) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(tenant, _TenantQueue())
        queue.add(user, place)
        self._look_again()
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.give_back(tenant, user)  # it was given at the moment in which its request gave up
            else:
                self._leave_queue(tenant, user, place)
            raise

    def _leave_queue(self, tenant: Key, user: Key, place: asyncio.Future[None]) -> None:
        queue = self._queues.get(tenant)
        if queue is not None:
            queue.discard(user, place)
            if not queue:
                del self._queues[tenant]

    def _admit(self) -> None:
        """Give the free places to those who wait."""
        while self._taken < self._bounds.places and (found := self._next()) is not None:
            tenant, user = found
            queue = self._queues[tenant]
            place = queue.pop(user)
            if queue:
                self._queues.move_to_end(tenant)
            else:
                del self._queues[tenant]
            if not place.done():  # else its request gave up a moment ago
                self._hold(tenant, user)
                place.set_result(None)

    def _look_again(self) -> None:
        """Admit later those whose share grows when others have become silent: no place is given back then."""
        if self._bounds.beside is None or self._looks_again or self._taken >= self._bounds.places:
            return

        def look() -> None:
            self._looks_again = False
            if self._queues:
                self._admit()
                self._look_again()

        self._looks_again = True
        asyncio.get_running_loop().call_later(ACTIVE, look)

    def _next(self) -> tuple[Key, Key] | None:
        """The tenant and the user whose turn it is; None when all that wait have their share."""
        fewest = self._bounds.per_tenant
        found: tuple[Key, Key] | None = None
        for tenant, queue in self._queues.items():
            held = self._held.get(tenant, 0)
            if held >= fewest or held >= self._share(tenant):
                continue
            for user in queue.users():
                if self._user_has_share(tenant, user):
                    fewest, found = held, (tenant, user)
                    break
            if found is not None and not fewest:
                break
        return found


def _count_down(held: dict[Any, int], key: Hashable) -> None:
    """One less for ``key``, which is forgotten at none."""
    held[key] -= 1
    if not held[key]:
        del held[key]


class _TenantQueue:
    """The queue of one tenant: users take turns, and each user's requests keep their order."""

    __slots__ = ("_by_user", "_count")

    def __init__(self) -> None:
        self._by_user: OrderedDict[Key, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, user: Key, place: asyncio.Future[None]) -> None:
        """Behind the same user's others."""
        self._by_user.setdefault(user, deque()).append(place)
        self._count += 1

    def discard(self, user: Key, place: asyncio.Future[None]) -> None:
        """Forget one that does not wait any more, if it is still here."""
        places = self._by_user.get(user)
        if places is None or place not in places:
            return
        places.remove(place)
        self._count -= 1
        if not places:
            del self._by_user[user]

    def make_room(self, user: Key) -> bool:
        """Refuse the newest request of the user who has the most, if ``user`` then has fewer than they; whether it is done."""
        greediest, theirs = max(self._by_user.items(), key=lambda each: len(each[1]))
        if len(theirs) <= len(self._by_user.get(user, ())) + 1:
            return False
        place = theirs[-1]
        self.discard(greediest, place)
        if not place.done():
            place.set_exception(TooBusy(retry_after=_RETRY_AFTER))
        return True

    def users(self) -> Iterator[Key]:
        """Who waits, the next one first."""
        return iter(self._by_user)

    def pop(self, user: Key) -> asyncio.Future[None]:
        """The next request of ``user``, who goes to the end."""
        places = self._by_user[user]
        place = places.popleft()
        self._count -= 1
        if places:
            self._by_user.move_to_end(user)
        else:
            del self._by_user[user]
        return place
