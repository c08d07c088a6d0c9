"""REST of roles, teams, and of why somebody may do something."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter

from daicho.faults import FieldFault, NotFound
from daicho.identity.faults import OwnRole, TeamInUse
from daicho.identity.roles.service import TEAM_NAMES, faults_of
from daicho.identity.users.schemas import (
    Explanation,
    RoleList,
    RolePatch,
    RoleView,
    TeamInput,
    TeamList,
    TeamView,
)
from daicho.tenancy import TenantTransaction
from daicho.web import (
    Reply,
    Salvaged,
    actor_of,
    answers,
    create_once,
    declares,
    etag,
    grants_of,
    if_match,
    requires,
)

Caller = Request[Any, Any, Any]


@get("/v1/roles", guards=[requires("roles:read")], tags=["roles"])
async def list_roles(request: Caller, state: State) -> RoleList:
    """The roles, with the scope of every action."""
    return RoleList(await state.roles.list_roles(actor_of(request)))


async def _examine(request: Caller, salvaged: Salvaged) -> list[FieldFault]:
    return faults_of(grants_of(request), salvaged.body.permissions)


@patch(
    "/v1/roles/{name:str}",
    guards=[requires("roles:manage")],
    tags=["roles"],
    opt=declares(OwnRole, examines=_examine),
)
async def change_role(
    request: Caller, name: FromPath[str], data: JSONBody[RolePatch], state: State
) -> Response[RoleView]:
    """Change what a role may do; every service follows within a second."""
    actor, grants = actor_of(request), grants_of(request)
    view = await state.roles.change_role(actor, grants, name, if_match(request), data.permissions)
    return Response(view, headers={"etag": etag(view.version)})


@get("/v1/access/explain", guards=[requires("roles:read")], tags=["roles"], opt=declares(NotFound))
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


@post(
    "/v1/teams",
    guards=[requires("teams:manage")],
    tags=["teams"],
    responses=answers(201, TeamView),
    opt=declares(once=True),
)
async def create_team(request: Caller, data: JSONBody[TeamInput], state: State) -> Response[bytes]:
    """A new team."""
    actor, rails = actor_of(request), state.rails
    keys = await rails.keyring.open(actor.tenant_id)

    async def work(tx: TenantTransaction) -> Reply:
        view = await state.roles.create_team(tx, data.name)
        return Reply(view, headers={"etag": etag(view.version)})

    with TEAM_NAMES:
        return await create_once(request, rails.database, keys, actor, work)


@patch("/v1/teams/{team_id:uuid}", guards=[requires("teams:manage")], tags=["teams"])
async def rename_team(
    request: Caller, team_id: FromPath[UUID], data: JSONBody[TeamInput], state: State
) -> Response[TeamView]:
    """Another name for a team."""
    view = await state.roles.rename_team(actor_of(request), team_id, if_match(request), data.name)
    return Response(view, headers={"etag": etag(view.version)})


@delete(
    "/v1/teams/{team_id:uuid}",
    guards=[requires("teams:manage")],
    tags=["teams"],
    status_code=204,
    opt=declares(TeamInUse),
)
async def delete_team(request: Caller, team_id: FromPath[UUID], state: State) -> None:
    """Remove an empty team."""
    await state.roles.delete_team(actor_of(request), team_id, if_match(request))


ROUTES = [list_roles, change_role, explain, list_teams, create_team, rename_team, delete_team]
