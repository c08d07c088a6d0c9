"""REST of users, and of the caller."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import MediaType, Request, Response, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter

from daicho.identity.faults import LastOwner, LinkSpent
from daicho.identity.permissions import ACTIONS, SCOPE_NAMES
from daicho.identity.tenants.schemas import TenantView
from daicho.identity.users.schemas import (
    Me,
    ResetCompletion,
    ResetRequest,
    UserPage,
    UserPatch,
    UserView,
)
from daicho.tenancy import Actor, UserId
from daicho.web import (
    actor_of,
    address_of,
    bound_to,
    declares,
    etag,
    grants_of,
    if_match,
    open_cursor,
    public,
    requires,
    seal_cursor,
)

Caller = Request[Any, Any, Any]
_FIRST = UUID(int=0)


@get("/v1/me", guards=[requires(None)], tags=["users"])
async def read_me(request: Caller, state: State) -> Me:
    """The caller, their company and what they may do."""
    actor, grants = actor_of(request), grants_of(request)
    user = await state.users.read_user(actor, actor.user_id or UserId(_FIRST))
    tenant = await state.tenants.read_tenant(actor)
    return Me(
        user=user,
        tenant=TenantView(
            id=tenant.tenant_id,
            code=tenant.code,
            company_name=tenant.company_name,
            email_confirmed=tenant.confirmed_at is not None,
        ),
        permissions={action: SCOPE_NAMES[grants[action]] for action in ACTIONS},  # type: ignore[misc]  # these names
    )


@get("/v1/users", guards=[requires("users:read")], tags=["users"])
async def list_users(
    request: Caller,
    state: State,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=2_000)] = None,
) -> UserPage:
    """The users of the company, oldest first."""
    actor = actor_of(request)
    keys = await state.rails.keyring.open(actor.tenant_id)
    bound = bound_to("users")
    after = open_cursor(keys, bound, cursor, UUID) if cursor else _FIRST
    items = await state.users.list_users(actor, after=after, count=limit)
    more = seal_cursor(keys, bound, items[-1].id) if len(items) == limit else None
    await _saw(state, actor, "user.list", [item.id for item in items])
    return UserPage(list(items), more)


@get("/v1/users/{user_id:uuid}", guards=[requires("users:read")], tags=["users"])
async def read_user(request: Caller, user_id: FromPath[UUID], state: State) -> Response[UserView]:
    """One user."""
    actor = actor_of(request)
    view = await state.users.read_user(actor, user_id)
    await _saw(state, actor, "user.open", [view.id])
    return _answer(view)


@patch("/v1/users/{user_id:uuid}", guards=[requires(None)], tags=["users"], opt=declares(LastOwner))
async def change_user(
    request: Caller, user_id: FromPath[UUID], data: JSONBody[UserPatch], state: State
) -> Response[UserView]:
    """Change a user; everybody may change their own name and language."""
    actor, grants = actor_of(request), grants_of(request)
    return _answer(await state.users.change_user(actor, grants, user_id, if_match(request), data))


@post(
    "/v1/password-resets",
    guards=[public("somebody who forgot their password cannot sign in")],
    tags=["users"],
    status_code=202,
    media_type=MediaType.TEXT,  # nothing at all, not null
)
async def request_reset(request: Caller, data: JSONBody[ResetRequest], state: State) -> None:
    """Mail a link to choose a new password, if there is such a user; the answer is the same if not."""
    await state.users.request_reset(data.tenant, data.email, address_of(request))


@post(
    "/v1/password-resets/complete",
    guards=[public("the token of the mailed link is the credential")],
    tags=["users"],
    status_code=204,
    opt=declares(LinkSpent),
)
async def complete_reset(request: Caller, data: JSONBody[ResetCompletion], state: State) -> None:
    """Choose a new password; every session of the user ends."""
    await state.users.complete_reset(data.token, data.password, address_of(request))


async def _saw(state: State, actor: Actor, action: str, ids: list[UUID]) -> None:
    await state.rails.access_log.record(actor, action=action, resource="user", ids=ids)


def _answer(view: UserView) -> Response[UserView]:
    return Response(view, headers={"etag": etag(view.version)})


ROUTES = [read_me, list_users, read_user, change_user, request_reset, complete_reset]
