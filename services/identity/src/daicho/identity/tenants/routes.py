"""REST of signing up."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody

from daicho.faults import FieldFault
from daicho.identity.faults import CodeTaken, LinkSpent
from daicho.identity.tenants.schemas import ConfirmationRequest, LinkToken, SignUp, TenantView
from daicho.web import Salvaged, address_of, declares, public


async def _examine(request: Request[Any, Any, Any], salvaged: Salvaged) -> list[FieldFault]:
    found: list[FieldFault] = await request.app.state.tenants.faults_of(salvaged.body)
    return found


@post(
    "/v1/tenants",
    guards=[public("a new company has nobody yet who could sign in")],
    tags=["tenants"],
    opt=declares(CodeTaken, examines=_examine),
)
async def sign_up(
    request: Request[Any, Any, Any], data: JSONBody[SignUp], state: State
) -> Response[TenantView]:
    """Sign a company up; its owner gets a mail to confirm the address."""
    tenant = await state.tenants.sign_up(data, address_of(request))
    view = TenantView(
        id=tenant.tenant_id, code=tenant.code, company_name=tenant.company_name, email_confirmed=False
    )
    return Response(view, status_code=201)


@post(
    "/v1/email-confirmations",
    guards=[public("the token of the mailed link is the credential")],
    tags=["tenants"],
    status_code=204,
    opt=declares(LinkSpent),
)
async def confirm_email(request: Request[Any, Any, Any], data: JSONBody[LinkToken], state: State) -> None:
    """Confirm the address that a company gave when it signed up."""
    await state.tenants.confirm_email(data.token, address_of(request))


@post(
    "/v1/email-confirmations/requests",
    guards=[public("somebody who cannot sign in any more asks for the mail that lets them in again")],
    tags=["tenants"],
    status_code=202,
    media_type=MediaType.TEXT,  # nothing at all, not null
)
async def request_confirmation(
    request: Request[Any, Any, Any], data: JSONBody[ConfirmationRequest], state: State
) -> None:
    """Mail the link to confirm the address again, if it is still to be confirmed; the answer is the same if not."""
    await state.tenants.resend_confirmation(data.tenant, data.email, address_of(request))


ROUTES = [sign_up, confirm_email, request_confirmation]
