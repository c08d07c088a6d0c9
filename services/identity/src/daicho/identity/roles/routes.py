"""REST of roles, teams, and of why somebody may do something."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter

from daicho.identity.users.schemas import (
    Explanation,
    RoleList,
    RolePatch,
    RoleView,
    TeamInput,
    TeamList,
    TeamView,
)
from daicho.web import actor_of, etag, grants_of, if_match, requires

Caller = Request[Any, Any, Any]


@get("/v1/roles", guards=[requires("roles:read")], tags=["roles"])
async def list_roles(request: Caller, state: State) -> RoleList:
    """The roles, with the scope of every action."""
    return RoleList(await state.roles.list_roles(actor_of(request)))


@patch("/v1/roles/{name:str}", guards=[requires("roles:manage")], tags=["roles"])
async def change_role(
    request: Caller, name: FromPath[str], data: JSONBody[RolePatch], state: State
) -> Response[RoleView]:
    """Change what a role may do; every service follows within a second."""
    actor, grants = actor_of(request), grants_of(request)
    view = await state.roles.change_role(actor, grants, name, if_match(request), data.permissions)
    return Response(view, headers={"etag": etag(view.version)})


@get("/v1/access/explain", guards=[requires("roles:read")], tags=["roles"])
async def explain(
    request: Caller,
    state: State,
    user_id: Annotated[UUID, QueryParameter()],
    action: Annotated[str, QueryParameter(max_length=100)],
) -> Explanation:
    """Why a user may, or may not, do something."""
    found: Explanation = await state.roles.explain(actor_of(request), user_id, action)
    return found


@get("/v1/teams", guards=[requires("teams:read")], tags=["teams"])
async def list_teams(request: Caller, state: State) -> TeamList:
    """The teams, by name."""
    return TeamList(await state.roles.list_teams(actor_of(request)))


@post("/v1/teams", guards=[requires("teams:manage")], tags=["teams"])
async def create_team(request: Caller, data: JSONBody[TeamInput], state: State) -> Response[TeamView]:
    """A new team."""
    return _answer(await state.roles.create_team(actor_of(request), data.name), 201)


@patch("/v1/teams/{team_id:uuid}", guards=[requires("teams:manage")], tags=["teams"])
async def rename_team(
    request: Caller, team_id: FromPath[UUID], data: JSONBody[TeamInput], state: State
) -> Response[TeamView]:
    """Another name for a team."""
    view = await state.roles.rename_team(actor_of(request), team_id, if_match(request), data.name)
    return _answer(view, 200)


@delete("/v1/teams/{team_id:uuid}", guards=[requires("teams:manage")], tags=["teams"], status_code=204)
async def delete_team(request: Caller, team_id: FromPath[UUID], state: State) -> None:
    """Remove an empty team."""
    await state.roles.delete_team(actor_of(request), team_id, if_match(request))


def _answer(view: TeamView, status: int) -> Response[TeamView]:
    return Response(view, status_code=status, headers={"etag": etag(view.version)})


ROUTES = [list_roles, change_role, explain, list_teams, create_team, rename_team, delete_team]
