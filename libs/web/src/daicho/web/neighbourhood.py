"""Which network addresses count as one caller."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address


@lru_cache(1024)
def neighbourhood_of(address: str | None) -> Hashable:
    """The key of ``address``: the addresses of an IPv6 /64 count as one, since a subscriber holds at least that."""
    if address is None:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return found.packed[:8] if isinstance(found, IPv6Address) else found.packed
