"""How many exports of one tenant a process has under way: each looks through the whole ledger, so others would wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from daicho.faults import TooManyRequests
from daicho.tenancy import TenantId

AT_ONCE: Final = 2
_RETRY_AFTER: Final = 10


class Turns:
    """Counts what is under way, tenant by tenant."""

    def __init__(self) -> None:
        self._taken: Counter[TenantId] = Counter()

    @contextmanager
    def turn(self, tenant_id: TenantId) -> Iterator[None]:
        """An export's time from the search for its records to its last byte. Raises TooManyRequests."""
        if self._taken[tenant_id] >= AT_ONCE:
            raise TooManyRequests(retry_after=_RETRY_AFTER)
        self._taken[tenant_id] += 1
        try:
            yield
        finally:
            self._taken[tenant_id] -= 1
            self._taken += Counter()  # forgets whom nothing is counted for
