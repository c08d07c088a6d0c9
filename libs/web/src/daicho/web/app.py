"""A service's REST application: Litestar with the product's rails around it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Empty, Message, Receive, Scope, Send
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from daicho.faults import FIELD_MESSAGES, Messages, PathNotCanonical
from daicho.runtime import Health
from daicho.runtime.paths import API_PATH
from daicho.tenancy import RefusalLog
from daicho.web.admission import Admission, holding_places
from daicho.web.callers import REQUEST_ID, Callers, guard_of, public
from daicho.web.declared import Cost, Glossary, declares
from daicho.web.description import describe
from daicho.web.parameters import learn_parameters, refuse_unknown_parameters
from daicho.web.problems import API_HEADERS, handlers
from daicho.web.refusals import HeadersTooLarge, NulInUrl, UrlTooLong
from daicho.web.refused import noting
from daicho.web.requests import JsonRequest, check_content_encoding
from daicho.web.stream_limit import StreamLimit

BODY_LIMIT: Final = 1_000_000
"""Bytes of a request body, unless a route says otherwise."""
PUBLIC_BODY_LIMIT: Final = 16_384
"""Bytes of a request body on a route that needs no token."""
_OPERATIONAL: Final = "operators and the gateway ask; it says nothing about a tenant"

log = structlog.get_logger()
tracer = trace.get_tracer("daicho.web")
_propagator = TraceContextTextMapPropagator()


class UnguardedRoute(Exception):
    """A route says neither what it requires nor why it is public."""


def create_app(
    name: str,
    routes: Sequence[Any],
    *,
    callers: Callers,
    health: Health,
    messages: Mapping[str, Messages] | None = None,
    state: Mapping[str, Any] | None = None,
    glossary: Glossary | None = None,
    version: str = "1",
    refusals: RefusalLog | None = None,
    admission: Admission | None = None,
    stream_limit: StreamLimit | None = None,
) -> Litestar:
    """The application of service ``name``.

    ``messages`` are the service's own field codes; ``state`` is what handlers find at ``request.app.state``;
    ``glossary`` says what the names in its shapes mean; ``refusals`` hears of every 403 and 404 that a recognised
    caller is given, before it leaves; ``admission`` says how many requests are handled at once, ``stream_limit`` how many
    lasting ones are open.
    Raises :class:`UnguardedRoute`.
    """
    admission = admission or Admission(name)
    stream_limit = stream_limit or StreamLimit()

    async def before(request: Request[Any, Any, Any]) -> None:
        _refuse_second_spellings_of_ids(request)
        check_content_encoding(request)
        await refuse_unknown_parameters(request)
        await stream_limit.admit(request)
        await admission.admit(request)

    app = Litestar(
        route_handlers=[*routes, _healthz, _readyz, _description],
        exception_handlers=handlers({**FIELD_MESSAGES, **(messages or {})}),
        request_class=JsonRequest,
        before_request=before,
        request_max_body_size=BODY_LIMIT,
        openapi_config=_openapi(name, version),
        state=State({**(state or {}), "callers": callers, "health": health, "glossary": glossary or {}}),
        middleware=[
            _observed,
            stream_limit.releasing,
            holding_places,
            *([] if refusals is None else [noting(refusals)]),
        ],
        debug=False,
        logging_config=None,
    )
    learn_parameters(app)
    for _, handler in routes_of(app):
        if isinstance(guard_of(handler), public) and handler.request_max_body_size is Empty:
            handler.request_max_body_size = PUBLIC_BODY_LIMIT
    unguarded = [f"{path} {handler}" for path, handler in routes_of(app) if guard_of(handler) is None]
    if unguarded:
        raise UnguardedRoute(", ".join(unguarded))
    return app


def routes_of(app: Litestar) -> Iterable[tuple[str, HTTPRouteHandler]]:
    """Every route that a client can reach, but for the API description's and OPTIONS."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and not _is_furniture(route.path, handler):
                yield route.path, handler


def _is_furniture(path: str, handler: HTTPRouteHandler) -> bool:
    return path.startswith("/openapi/") or path == "/openapi" or handler.http_methods == {"OPTIONS"}


@get(
    "/healthz",
    guards=[public(_OPERATIONAL)],
    include_in_schema=False,
    media_type=MediaType.JSON,
    opt=declares(cost=Cost.EXEMPT),
)
async def _healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@get("/readyz", guards=[public(_OPERATIONAL)], include_in_schema=False, opt=declares(cost=Cost.EXEMPT))
async def _readyz(state: State) -> Response[dict[str, Any]]:
    """Whether it can serve, and if not, why."""
    missing = await state.health.missing()
    return Response({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)


@get("/openapi.json", guards=[public("what an API looks like is no secret")], include_in_schema=False)
async def _description(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """This service's part of the API description; the gateway shows all of them as one."""
    app = request.app
    return describe(app, list(routes_of(app)), app.state.glossary)


def _openapi(name: str, version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title=f"Daicho {name}",
        version=version,
        path="/openapi",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        use_handler_docstrings=True,
    )


MOST_HEADERS: Final = 100
HEADERS_LIMIT: Final = 32_768
"""Bytes of all header fields together."""
URL_LIMIT: Final = 16_384
"""Bytes of path and query together."""
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_API_PATH: Final = re.compile(API_PATH.encode())
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def _observed(app: ASGIApp) -> ASGIApp:
    """One span, one log line and the headers of an API around each request."""

    async def around(scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            await app(scope, receive, send)
            return
        method, path = str(scope.get("method", "")), scope["path"]
        headers = dict(scope["headers"])
        _refuse_oversized(scope)
        # Some servers leave the query in the raw path.
        if not _API_PATH.fullmatch(scope["raw_path"].partition(b"?")[0]):
            raise PathNotCanonical
        request_id = headers.get(b"x-request-id", b"")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid4().hex.encode()
        scope["state"][REQUEST_ID] = request_id.decode()
        added = (*API_HEADERS, (b"x-request-id", request_id))
        context = None
        if b"traceparent" in headers:
            context = _propagator.extract({"traceparent": headers[b"traceparent"].decode("latin-1")})
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                held = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in added if pair[0] not in held),
                ]
            await send(message)

        with tracer.start_as_current_span(f"HTTP {method}", context, kind=SpanKind.SERVER) as span:
            await app(scope, receive, sending)
            if span.is_recording():
                span.update_name(f"{method} {_ID.sub('{id}', path)}")
                span.set_attribute("http.response.status_code", status)
        # The path holds ids alone; what was searched for is in bodies, which no log sees.
        log.debug(
            "request",
            method=method,
            path=path,
            request_id=scope["state"][REQUEST_ID],
            status=status,
            seconds=time.perf_counter() - began,
        )

    return around


def _refuse_second_spellings_of_ids(request: Request[Any, Any, Any]) -> None:
    """Raise PathNotCanonical for an id that Python reads in another form than the hyphenated one: braces, urn:uuid:, without
    hyphens, with underscores. Letters may be of either case."""
    ids = {str(value) for value in request.path_params.values() if isinstance(value, UUID)}
    if ids and not ids <= set(request.scope["path"].lower().split("/")):
        raise PathNotCanonical


def _refuse_oversized(scope: Scope) -> None:
    """The server reads heads of any size; and PostgreSQL has no text with a NUL in it."""
    headers = list(scope["headers"])
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > HEADERS_LIMIT:
        raise HeadersTooLarge
    if len(scope["path"]) + len(scope["query_string"]) > URL_LIMIT:
        raise UrlTooLong
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise NulInUrl
