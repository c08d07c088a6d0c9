"""Refusals of one's own kind for every route: who was told 403 or 404 is recorded before the answer leaves.

An unknown id, another tenant's and one out of the caller's reach go the same way and take the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from daicho.faults import Fault
from daicho.tenancy import RefusalLog
from daicho.web.callers import ACTOR
from daicho.web.problems import MEDIA_TYPE, language_of, respond

REFUSED: Final = frozenset({403, 404})


def noting(refusals: RefusalLog) -> Callable[[ASGIApp], ASGIApp]:
    """The middleware that tells ``refusals``."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def around(scope: Scope, receive: Receive, send: Send) -> None:
            given_up = False

            async def sending(message: Message) -> None:
                nonlocal given_up
                if given_up:
                    return
                if message["type"] == "http.response.start" and message["status"] in REFUSED:
                    try:
                        await _note(refusals, scope, message["status"])
                    except Fault as fault:
                        given_up = True
                        await _answer(fault, scope, send)
                        return
                await send(message)

            await app(scope, receive, sending)

        return around

    return middleware


async def _note(refusals: RefusalLog, scope: Scope, status: int) -> None:
    actor = scope["state"].get(ACTOR)
    if actor is None:  # nobody in particular asked
        return
    parameters: Mapping[str, object] = scope["path_params"]
    await refusals.note(
        actor,
        resource=noun_of(scope.get("path_template", "")),
        method=str(scope.get("method", "")),
        ids=[value for value in parameters.values() if isinstance(value, UUID)],
        status=status,
    )


async def _answer(fault: Fault, scope: Scope, send: Send) -> None:
    """Answer ``fault`` in the place of a refusal, whose way through the exception handlers is behind it."""
    headers = dict(scope["headers"])
    reply = respond(fault, language_of(headers.get(b"accept-language", b"").decode("latin-1")), {})
    listed = {"content-type": MEDIA_TYPE, "content-length": str(len(reply.content)), **reply.headers}
    await send(
        {
            "type": "http.response.start",
            "status": reply.status_code or fault.status,
            "headers": [(name.encode(), value.encode()) for name, value in listed.items()],
        }
    )
    await send({"type": "http.response.body", "body": reply.content, "more_body": False})


def noun_of(template: str) -> str:
    """What a path is about, in the singular: "contact" for ``/v1/contacts/{record_id}/history``.

    That is the word before the first parameter, or else the last word.
    """
    words = template.partition("/{")[0].split("/")
    noun = words[-1].replace("-", "_")
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun.removesuffix("s") or "path"
