"""A number of places that are shared by many, so that none of them takes all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Final

_MOST_WAITING: Final = 200


class SlotsBusy(Exception):
    """No place became free in time, or too many wait already. ``is_share_used``: others might have had one."""

    def __init__(self, *, is_share_used: bool) -> None:
        self.is_share_used = is_share_used
        super().__init__(is_share_used)


class FairSlots:
    """``total`` places. An owner at position *i* of a request's owners has at most ``shares[i]`` of them.

    Requests are served in the order in which they came, but one whose owner has their share lets others pass.
    """

    def __init__(self, total: int, shares: Sequence[int] = ()) -> None:
        self._total, self._shares = total, tuple(shares)
        self._used: Counter[Hashable] = Counter()
        self._taken = 0
        self._waiting: dict[asyncio.Future[None], tuple[Hashable, ...]] = {}

    @asynccontextmanager
    async def slot(self, *owners: Hashable, patience: float | None = None) -> AsyncIterator[None]:
        """Hold a place while the block runs; wait at most ``patience`` seconds for it. Raises SlotsBusy."""
        await self._take(owners, patience)
        try:
            yield
        finally:
            self._taken -= 1
            self._used.subtract(enumerate(owners))
            self._used += Counter()  # forgets owners without a place
            self._serve()

    async def _take(self, owners: tuple[Hashable, ...], patience: float | None) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            raise SlotsBusy(is_share_used=False)
        place = asyncio.get_running_loop().create_future()
        self._waiting[place] = owners
        self._serve()
        try:
            await asyncio.wait_for(asyncio.shield(place), patience)
        except BaseException as error:
            if self._waiting.pop(place, None) is None:  # it was served at the same moment
                self._taken -= 1
                self._used.subtract(enumerate(owners))
                self._serve()
            if isinstance(error, TimeoutError):
                raise SlotsBusy(is_share_used=not self._has_share(owners)) from None
            raise

    def _serve(self) -> None:
        for place, owners in list(self._waiting.items()):
            if self._taken >= self._total:
                return
            if self._has_share(owners):
                del self._waiting[place]
                self._taken += 1
                self._used.update(enumerate(owners))
                place.set_result(None)

    def _has_share(self, owners: tuple[Hashable, ...]) -> bool:
        """Whether one more place is within the share of each owner."""
        return all(
            self._used[position, owner] < share
            for (position, owner), share in zip(enumerate(owners), self._shares, strict=False)
        )
