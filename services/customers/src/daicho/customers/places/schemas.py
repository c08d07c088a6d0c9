"""Shapes of places on the REST API."""

from __future__ import annotations

import msgspec


class PlaceView(msgspec.Struct, kw_only=True):
    """A place as an address has it; ``town`` goes before the number of the block, and may be empty."""

    prefecture: str
    city: str
    town: str


class PlaceList(msgspec.Struct):
    """The places of a postal code, most general first."""

    items: list[PlaceView]
