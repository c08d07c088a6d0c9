"""REST of hand-overs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromPath

from daicho.customers.handover.schemas import HandOverView
from daicho.customers.handover.service import read_hand_over
from daicho.web import actor_of, requires


@get("/v1/hand-overs/{user_id:uuid}", guards=[requires("users:read")], tags=["users"])
async def hand_over_of(
    request: Request[Any, Any, Any], user_id: FromPath[UUID], state: State
) -> HandOverView:
    """How far the hand-over of a disabled user's records is; 404 where none was asked for."""
    row = await read_hand_over(state.rails.database, actor_of(request), user_id)
    return HandOverView(user_id=user_id, **row)
