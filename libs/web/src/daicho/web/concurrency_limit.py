"""How many requests are handled at once, in fair shares: by tenant first, within a tenant by user.

A limit has a number of places. One tenant takes some of them at most; whoever finds none waits. A place that is given
back goes to the waiting tenant that holds the fewest, of several such to the one that was served longest ago, and within
the tenant to its users in rotation. So a request of a quiet tenant goes before the tenth of a loud one, however many of
those wait.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

from daicho.faults import TooBusy

Key = Hashable
_RETRY_AFTER: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``places`` in all and of one tenant, how many requests of one tenant may wait, and for how many seconds."""

    places: int
    per_tenant: int
    waiting: int
    deadline: float

    def resized(self, text: str) -> Bounds:
        """These with the numbers of places in ``text``: ``places/per_tenant``, such as ``8/4``. Raises ValueError."""
        places, separator, per_tenant = text.partition("/")
        if not separator or not 1 <= int(per_tenant) <= int(places):
            raise ValueError(f"{text!r} is not places/per_tenant")
        return replace(self, places=int(places), per_tenant=int(per_tenant))


class ConcurrencyLimit:
    """The places of one class of requests in one process. Needs no start; belongs to one event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._taken = 0
        self._held: dict[Key, int] = {}
        self._queues: OrderedDict[Key, _TenantQueue] = OrderedDict()

    @property
    def taken(self) -> int:
        """Places that are taken now."""
        return self._taken

    @property
    def waiting(self) -> int:
        """Requests that wait now."""
        return sum(len(queue) for queue in self._queues.values())

    def try_take(self, tenant: Key) -> bool:
        """Take a place when one is free for ``tenant``; whether it is taken. Costs two look-ups.

        Nobody is passed by: while a place is free, each tenant that waits has its share already.
        """
        held = self._held.get(tenant, 0)
        if self._taken >= self._bounds.places or held >= self._bounds.per_tenant:
            return False
        self._held[tenant] = held + 1
        self._taken += 1
        return True

    async def take(self, tenant: Key, user: Key) -> None:
        """Take a place, waiting for it if need be. Raises TooBusy when the queue is full or the deadline passes."""
        if self.try_take(tenant):
            return
        queue = self._queues.get(tenant)
        if queue is not None and len(queue) >= self._bounds.waiting:
            raise TooBusy(retry_after=_RETRY_AFTER)
        try:
            async with asyncio.timeout(self._bounds.deadline):
                await self._wait(tenant, user)
        except TimeoutError:
            raise TooBusy(retry_after=_RETRY_AFTER) from None

    async def take_again(self, tenant: Key, user: Key) -> None:
        """Take a place for a request that had one and gave it back while it waited for its client.

        It was let in already, so neither the queue's length nor the deadline refuses it.
        """
        if not self.try_take(tenant):
            await self._wait(tenant, user)

    def give_back(self, tenant: Key) -> None:
        """Give back a place that ``tenant`` holds; who waits for it gets it."""
        self._taken -= 1
        left = self._held[tenant] - 1
        if left:
            self._held[tenant] = left
        else:
            del self._held[tenant]
        if self._queues:
            self._admit()

    async def _wait(self, tenant: Key, user: Key) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(tenant, _TenantQueue())
        queue.add(user, place)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled():
                self.give_back(tenant)  # it was given at the moment in which its request gave up
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
        while self._taken < self._bounds.places:
            tenant = self._next()
            if tenant is None:
                return
            queue = self._queues[tenant]
            place = queue.pop()
            if queue:
                self._queues.move_to_end(tenant)
            else:
                del self._queues[tenant]
            if not place.done():  # else its request gave up a moment ago
                self._held[tenant] = self._held.get(tenant, 0) + 1
                self._taken += 1
                place.set_result(None)

    def _next(self) -> Key | None:
        """The tenant whose turn it is; None when all that wait have their share."""
        fewest, found = self._bounds.per_tenant, None
        for tenant in self._queues:
            held = self._held.get(tenant, 0)
            if held < fewest:
                fewest, found = held, tenant
                if not held:
                    break
        return found


class _TenantQueue:
    """What waits of one tenant: users in rotation, each user's requests as they came."""

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

    def pop(self) -> asyncio.Future[None]:
        """The next one; its user goes to the end."""
        user, places = next(iter(self._by_user.items()))
        place = places.popleft()
        self._count -= 1
        if places:
            self._by_user.move_to_end(user)
        else:
            del self._by_user[user]
        return place
