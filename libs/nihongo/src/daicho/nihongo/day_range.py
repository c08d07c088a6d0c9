"""The days and moments that Daicho stores and compares: 0001-01-02 to 9999-12-30 in Japan's time.

Python's and PostgreSQL's calendars end at 9999-12-31 in UTC. A moment within a day of either end cannot be shown in
Japan's time, and no next day can be counted from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from daicho.nihongo.dates import JAPAN

FIRST_DAY: Final = dt.date(1, 1, 2)
LAST_DAY: Final = dt.date(9999, 12, 30)
DAY_LIMITS: Final[Mapping[str, str]] = {"first": FIRST_DAY.isoformat(), "last": LAST_DAY.isoformat()}
"""The parameters of the field code ``day_out_of_range``."""

_BEGIN: Final = dt.datetime.combine(FIRST_DAY, dt.time(), JAPAN)
_END: Final = dt.datetime.combine(LAST_DAY + dt.timedelta(days=1), dt.time(), JAPAN)


def is_day_in_range(day: dt.date) -> bool:
    """Whether ``day`` is one that is stored and compared."""
    return FIRST_DAY <= day <= LAST_DAY


def is_moment_in_range(moment: dt.datetime) -> bool:
    """As :func:`is_day_in_range`, for the day of an aware ``moment`` in Japan."""
    return _BEGIN <= moment < _END
