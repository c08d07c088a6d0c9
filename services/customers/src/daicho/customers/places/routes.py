"""Places by postal code, so that nobody types an address that the code already says."""

from __future__ import annotations

import asyncio

from litestar import get
from litestar.params import FromPath

from daicho.customers.places.schemas import PlaceList, PlaceView
from daicho.faults import FieldFault, Invalid
from daicho.nihongo import Unreadable, places_of, read_postal_code
from daicho.web import declares, requires


@get("/v1/postal-codes/{code:str}", guards=[requires(None)], tags=["places"], opt=declares(Invalid))
async def look_up(code: FromPath[str]) -> PlaceList:
    """The places of a postal code in any width, with or without 〒 and hyphen; none where there is no such code."""
    try:
        digits = read_postal_code(code)
    except Unreadable as wrong:
        raise Invalid([FieldFault("/code", wrong.code)]) from wrong
    # The list of places is a file that is read when somebody asks.
    found = await asyncio.to_thread(places_of, digits)
    return PlaceList([PlaceView(prefecture=it.prefecture, city=it.city, town=it.town) for it in found])
