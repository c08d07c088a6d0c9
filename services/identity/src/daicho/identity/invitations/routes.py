"""REST of invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from daicho.faults import FieldFault
from daicho.identity.faults import LinkSpent
from daicho.identity.users.schemas import Acceptance, Accepted, InvitationList, Invitations
from daicho.tenancy import TenantTransaction
from daicho.web import (
    Reply,
    Salvaged,
    actor_of,
    address_of,
    answers,
    create_once,
    declares,
    public,
    requires,
)

Caller = Request[Any, Any, Any]


async def _examine(request: Caller, salvaged: Salvaged) -> list[FieldFault]:
    actor, state = actor_of(request), request.app.state
    keys = await state.rails.keyring.open(actor.tenant_id)
    async with state.rails.database.reading(actor) as tx:
        found: list[FieldFault] = await state.invitations.check(tx, keys, salvaged.body.invitations)
        return found


@post(
    "/v1/invitations",
    guards=[requires("users:manage")],
    tags=["invitations"],
    responses=answers(201, InvitationList),
    opt=declares(once=True, examines=_examine),
)
async def invite(request: Caller, data: JSONBody[Invitations], state: State) -> Response[bytes]:
    """Ask several people in, each by a mail: all of them, or nobody when one entry is wrong."""
    actor, rails = actor_of(request), state.rails
    keys = await rails.keyring.open(actor.tenant_id)

    async def work(tx: TenantTransaction) -> Reply:
        return Reply(InvitationList(await state.invitations.invite(tx, keys, data.invitations)))

    return await create_once(request, rails.database, keys, actor, work)


@get("/v1/invitations", guards=[requires("users:manage")], tags=["invitations"])
async def list_invitations(request: Caller, state: State) -> InvitationList:
    """The invitations of the company, newest first."""
    return InvitationList(await state.invitations.list_invitations(actor_of(request)))


@delete(
    "/v1/invitations/{invitation_id:uuid}",
    guards=[requires("users:manage")],
    tags=["invitations"],
    status_code=204,
)
async def withdraw(request: Caller, invitation_id: FromPath[UUID], state: State) -> None:
    """Take an open invitation back."""
    await state.invitations.withdraw(actor_of(request), invitation_id)


@post(
    "/v1/invitations/accept",
    guards=[public("the token of the mailed link is the credential")],
    tags=["invitations"],
    opt=declares(LinkSpent),
)
async def accept(request: Caller, data: JSONBody[Acceptance], state: State) -> Accepted:
    """Become a user of the company that invited."""
    accepted: Accepted = await state.invitations.accept(data, address_of(request))
    return accepted


ROUTES = [invite, list_invitations, withdraw, accept]
