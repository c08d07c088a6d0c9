"""REST of sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie, State
from litestar.params import FromPath, JSONBody

from daicho.faults import Forbidden, Unauthenticated
from daicho.identity.faults import EmailUnconfirmed, RefreshReused, SignInLocked, WrongCredentials
from daicho.identity.policy import ACCESS_TOKEN_LIFETIME, SESSION_IDLE_LIFETIME
from daicho.identity.sessions.schemas import Refresh, SessionList, SessionView, SignIn, Tokens
from daicho.identity.sessions.service import Issued
from daicho.web import COOKIE, SECURE_COOKIE, Cost, actor_of, address_of, declares, public, requires

REFRESH_COOKIE = "daicho_refresh"
SECURE_REFRESH_COOKIE = "__Secure-daicho_refresh"
REFRESH_PATH = "/v1/sessions"
Caller = Request[Any, Any, Any]


@post(
    "/v1/sessions",
    guards=[public("signing in is how a caller gets known")],
    tags=["sessions"],
    opt=declares(WrongCredentials, EmailUnconfirmed, Forbidden, SignInLocked),
)
async def sign_in(request: Caller, data: JSONBody[SignIn], state: State) -> Response[Tokens]:
    """Open a session."""
    if data.cookies:
        state.callers.check_origin(request)
    issued = await state.sessions.sign_in(data, address_of(request))
    return _answer(issued, state, cookies=data.cookies, status=201)


@post(
    "/v1/sessions/refresh",
    guards=[public("the refresh token itself is the credential")],
    tags=["sessions"],
    status_code=200,
    opt=declares(Unauthenticated, RefreshReused, EmailUnconfirmed, Forbidden),
)
async def refresh_session(request: Caller, data: JSONBody[Refresh], state: State) -> Response[Tokens]:
    """New tokens for a refresh token, which is good once."""
    text, cookies = data.refresh_token, False
    if text is None:
        text, cookies = request.cookies.get(_refresh_cookie(state)), True
        if not text:
            raise Unauthenticated
        state.callers.check_origin(request)
    issued = await state.sessions.refresh(text, address_of(request))
    return _answer(issued, state, cookies=cookies, status=200)


@get("/v1/sessions", guards=[requires(None)], tags=["sessions"])
async def list_sessions(request: Caller, state: State) -> SessionList:
    """The caller's sessions."""
    actor = actor_of(request)
    return SessionList(
        [
            SessionView(
                id=session.id,
                created_at=session.created_at,
                last_used_at=session.rotated_at,
                address=session.address,
                current=session.id == actor.session_id,
            )
            for session in await state.sessions.list_sessions(actor)
        ]
    )


@delete("/v1/sessions/current", guards=[requires(None)], tags=["sessions"], status_code=204)
async def sign_out(request: Caller, state: State) -> Response[None]:
    """End the session of this token, in every service at once."""
    actor = actor_of(request)
    if actor.session_id is not None:
        await state.sessions.sign_out(actor, actor.session_id)
    reply: Response[None] = Response(None, status_code=204)
    for cookie in _cookies(Issued("", ""), state, forget=True):
        reply.set_cookie(cookie)
    return reply


@delete("/v1/sessions/{session_id:uuid}", guards=[requires(None)], tags=["sessions"], status_code=204)
async def end_session(request: Caller, session_id: FromPath[UUID], state: State) -> None:
    """End another of the caller's sessions."""
    await state.sessions.sign_out(actor_of(request), session_id)


@get(
    "/.well-known/jwks.json",
    guards=[public("public keys are public")],
    include_in_schema=False,
    cache_control=None,
    opt=declares(cost=Cost.EXEMPT),
)
async def jwks(state: State) -> dict[str, Any]:
    """The keys that access tokens are verified with."""
    found: dict[str, Any] = await state.signer.jwks()
    return found


def _answer(issued: Issued, state: State, *, cookies: bool, status: int) -> Response[Tokens]:
    reply = Response(issued.shown(cookies=cookies), status_code=status)
    if cookies:
        for cookie in _cookies(issued, state):
            reply.set_cookie(cookie)
    return reply


def _is_secure(state: State) -> bool:
    return bool(state.rails.settings.public_url.startswith("https://"))


def _refresh_cookie(state: State) -> str:
    return SECURE_REFRESH_COOKIE if _is_secure(state) else REFRESH_COOKIE


def _cookies(issued: Issued, state: State, *, forget: bool = False) -> list[Cookie]:
    """Both tokens as cookies that no script reads and no other site's request carries."""
    secure = _is_secure(state)
    access_life = 0 if forget else int(ACCESS_TOKEN_LIFETIME.total_seconds())
    refresh_life = 0 if forget else int(SESSION_IDLE_LIFETIME.total_seconds())
    return [
        Cookie(
            SECURE_COOKIE if secure else COOKIE,
            path="/",
            value=issued.access_token,
            max_age=access_life,
            secure=secure,
            httponly=True,
            samesite="strict",
        ),
        # __Host- demands the path "/", and this one is for sessions alone: __Secure- is what is left.
        Cookie(
            _refresh_cookie(state),
            path=REFRESH_PATH,
            value=issued.refresh_token,
            max_age=refresh_life,
            secure=secure,
            httponly=True,
            samesite="strict",
        ),
    ]


ROUTES = [sign_in, refresh_session, list_sessions, sign_out, end_session, jwks]
