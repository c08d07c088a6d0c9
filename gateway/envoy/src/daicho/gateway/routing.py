"""The route table in Envoy's words: first match wins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from daicho.gateway import buffering, limits
from daicho.gateway.clusters import for_streams
from daicho.gateway.headers import NONCE, PAGE_POLICY, header
from daicho.gateway.settings import Rate, Settings
from daicho.gateway.table import OWNERS, PUBLIC, STREAMS, UPLOADS, Limit, PublicRoute
from daicho.runtime.paths import API_PATH

TOKEN_FILTER: Final = "envoy.filters.http.jwt_authn"  # noqa: S105 a filter's name
FILES_FILTER: Final = "envoy.filters.http.file_server"
FILE_HEADERS_FILTER: Final = "daicho.headers.files"
COMPRESSORS: Final = ("daicho.compress.brotli", "daicho.compress.gzip")
NOT_CANONICAL: Final = "not_canonical"
"""The name of the routes that refuse a path for its spelling; the words of their answer hang on it."""
NONCE_MARK: Final = "__CSP_NONCE__"
"""Stands in a built page where the nonce goes (Vite writes it: ``html.cspNonce``)."""

_TYPES: Final = "type.googleapis.com/envoy.extensions.filters.http."
_API_PREFIXES: Final = ("/v1", "/.well-known")
# What addresses of pages and files hold: no dot in front, and escapes of blanks and of letters beyond ASCII alone.
_PAGE_SEGMENT: Final = (
    r"(?:[A-Za-z0-9_~!$&'()*+,=:@-]|%(?:20|[89A-Fa-f][0-9A-Fa-f]))"
    r"(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%(?:20|[89A-Fa-f][0-9A-Fa-f]))*"
)
_QUIET: Final = "60s"
# Live streams send a sign of life far more often.
_QUIET_STREAM: Final = "900s"
_ROOT_FILES: Final = r"/[^/]+\.(?:css|html|ico|js|json|map|png|svg|txt|webmanifest|woff2)"
_TYPES_OF_FILES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff2": "font/woff2",
}

FILES_CONFIG: Final = {
    "@type": _TYPES + "file_server.v3.FileServerConfig",
    "manager_config": {"id": "files", "thread_pool": {"thread_count": 2}},
}
"""Serves nothing by itself: a route says which folder it shows."""


def routes(settings: Settings) -> list[dict[str, Any]]:
    """Every route: health, documentation, the API, the console."""
    found = [
        *_not_canonical(),
        _answer({"path": "/healthz"}, 200, '{"status":"ok"}', "application/json"),
        *_documentation(settings),
        *(_public(entry, settings) for entry in PUBLIC),
        *(_upload(entry, settings) for entry in UPLOADS),
        *(route for entry in STREAMS for route in _stream(entry, settings)),
        *(_owned(prefix, service, settings) for prefix, service in OWNERS.items()),
        *(_nothing(prefix) for prefix in _API_PREFIXES),
        *_console(settings),
        _nothing("/"),
    ]
    for route in found:
        # A refusal by size names the size.
        route.setdefault("metadata", _size(settings.largest_body))
    return found


def _not_canonical() -> list[dict[str, Any]]:
    """Refusals of paths that spell a route in another way than the routes below do.

    Limits and token rules hang on those routes, and a service may read what Envoy did not match.
    """
    pages = rf"(?:/\.well-known)?(?:/{_PAGE_SEGMENT})*/?"
    spellings = [*((_below(prefix), API_PATH) for prefix in _API_PREFIXES), ({"prefix": "/"}, pages)]
    return [
        {"name": NOT_CANONICAL, **_answer({**match, "headers": [_is_not_path(path)]}, 400, "", None)}
        for match, path in spellings
    ]


def _is_not_path(path: str) -> dict[str, Any]:
    return {
        "name": ":path",
        "string_match": {"safe_regex": {"regex": rf"{path}(?:\?.*)?"}},
        "invert_match": True,
    }


def _below(prefix: str) -> dict[str, Any]:
    return {"path_separated_prefix": prefix}


def _service(match: dict[str, Any], cluster: str, clock: dict[str, Any], *, limit: int) -> dict[str, Any]:
    """A route to a service, for bodies of at most ``limit`` bytes."""
    action: dict[str, Any] = {
        "cluster": cluster,
        **clock,
        "idle_timeout": _QUIET,
        # A connection that died before the request was sent: nothing has happened, so any method may
        # be sent again.
        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 2},
    }
    return {
        "match": match,
        "route": action,
        "metadata": _size(limit),
        "typed_per_filter_config": {**dict.fromkeys(COMPRESSORS, _OFF), **buffering.at_most(limit)},
    }


def _answered_within(seconds: int) -> dict[str, Any]:
    """A clock from the request's end to the answer's; the listener's own clock runs from the request's beginning.

    It cannot stand beside :func:`_lasting`: Envoy ignores ``timeout`` on a route that names a stream's duration.
    """
    return {"timeout": f"{seconds}s"}


def _lasting(seconds: int) -> dict[str, Any]:
    """A clock from the request's beginning to the answer's end; 0 is none."""
    return {"max_stream_duration": {"max_stream_duration": f"{seconds}s"}}


def _size(limit: int) -> dict[str, Any]:
    return {"filter_metadata": {"daicho": {"largest_body": limit}}}


# Answers of the API leave as they are: a page of records costs more to squeeze than to send over a LAN, and
# what a client sends never shares a compression window with what is secret.
_OFF: Final = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}
_NO_TOKEN: Final = {"@type": _TYPES + "jwt_authn.v3.PerRouteConfig", "disabled": True}


def _public(entry: PublicRoute, settings: Settings) -> dict[str, Any]:
    match = {"path": entry.path, "headers": [_method(entry.method)]}
    clock = _lasting(settings.longest_public)
    route = _service(match, entry.service, clock, limit=settings.largest_public_body)
    route["typed_per_filter_config"] |= {
        TOKEN_FILTER: _NO_TOKEN,
        **limits.of_route(entry.limit, _rate(entry.limit, settings)),
    }
    return route


def _rate(limit: Limit, settings: Settings) -> Rate:
    return Rate.parse(
        {
            "public": settings.limit_public,
            "sessions": settings.limit_sessions,
            "sign_ups": settings.limit_sign_ups,
            "resets": settings.limit_resets,
        }[limit]
    )


def _upload(entry: tuple[str, str, str], settings: Settings) -> dict[str, Any]:
    match, service = _pattern(entry)
    clock = _lasting(settings.longest_upload)
    route = _service(match, for_streams(service), clock, limit=settings.largest_upload)
    route["typed_per_filter_config"] |= buffering.unbuffered()
    return route


def _stream(entry: tuple[str, str, str], settings: Settings) -> list[dict[str, Any]]:
    match, service = _pattern(entry)
    cluster, limit = for_streams(service), settings.largest_body
    arriving = _service(match, cluster, _lasting(settings.longest_request), limit=limit)
    arriving["typed_per_filter_config"] |= buffering.until_whole()
    lasting = _service({**match, **buffering.once_whole()}, cluster, _lasting(0), limit=limit)
    lasting["route"]["idle_timeout"] = _QUIET_STREAM
    return [lasting, arriving]


def _pattern(entry: tuple[str, str, str]) -> tuple[dict[str, Any], str]:
    method, pattern, service = entry
    return {"safe_regex": {"regex": pattern}, "headers": [_method(method)]}, service


def _owned(prefix: str, service: str, settings: Settings) -> dict[str, Any]:
    clock = _answered_within(settings.answer_within)
    return _service(_below(prefix), service, clock, limit=settings.largest_body)


def _nothing(prefix: str) -> dict[str, Any]:
    match = {"prefix": "/"} if prefix == "/" else _below(prefix)
    return _answer(match, 404, "", None)


def _answer(match: dict[str, Any], status: int, body: str, content_type: str | None) -> dict[str, Any]:
    """An answer of the gateway's own, with no token and no upstream."""
    answer: dict[str, Any] = {"status": status}
    if body:
        answer["body"] = {"inline_string": body}
    return {
        "match": match,
        "direct_response": answer,
        "response_headers_to_add": [header("content-type", content_type)] if content_type else [],
        "typed_per_filter_config": {TOKEN_FILTER: _NO_TOKEN},
    }


def _documentation(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if settings.openapi_file is not None:
        folder = Path(settings.openapi_file).parent
        found.append(_file({"path": "/openapi.json"}, "/", f"{folder}/"))
    if settings.docs_dir is not None and (page := Path(settings.docs_dir) / "index.html").exists():
        pages = {"safe_regex": {"regex": "/docs/?"}, "headers": [_method("GET")]}
        found.append(_page(pages, page))
        found.append(_file({"prefix": "/docs/"}, "/docs/", f"{settings.docs_dir}/"))
    return found


def _console(settings: Settings) -> list[dict[str, Any]]:
    if settings.console_dir is None:
        return []
    folder = Path(settings.console_dir)
    if not (folder / "index.html").exists():
        return []
    forever = "public, max-age=31536000, immutable"  # the name holds the content's hash
    return [
        _file({"prefix": "/assets/"}, "/assets/", f"{folder}/assets/", keep=forever),
        # The page is served below, with its nonce: the bare file is nobody's.
        _page({"path": "/index.html", "headers": [_method("GET")]}, folder / "index.html"),
        _file({"safe_regex": {"regex": _ROOT_FILES}}, "/", f"{folder}/"),
        # Any other address is the console's own: its router decides in the browser.
        _page({"prefix": "/", "headers": [_method("GET")]}, folder / "index.html"),
    ]


def _file(match: dict[str, Any], prefix: str, target: str, *, keep: str = "no-cache") -> dict[str, Any]:
    route = _answer(match, 404, "", None)
    route["typed_per_filter_config"][FILES_FILTER] = {
        **FILES_CONFIG,
        "path_mappings": [{"request_path_prefix": prefix, "file_path_prefix": target}],
        "content_types": _TYPES_OF_FILES,
        "default_content_type": "application/octet-stream",
    }
    # Not response_headers_to_add: the file server answers before the router would add them.
    route["typed_per_filter_config"][FILE_HEADERS_FILTER] = {
        "@type": _TYPES + "header_mutation.v3.HeaderMutationPerRoute",
        "mutations": {
            "response_mutations": [{"append": header("cache-control", keep, action="ADD_IF_ABSENT")}]
        },
    }
    return route


def _page(match: dict[str, Any], page: Path) -> dict[str, Any]:
    """A built HTML page, with the nonce of this answer in it."""
    text = page.read_text(encoding="utf-8").replace("%", "%%").replace(NONCE_MARK, NONCE)
    route = _answer(match, 200, "", "text/html; charset=utf-8")
    route["direct_response"]["body_format"] = {
        "text_format_source": {"inline_string": text},
        "content_type": "text/html; charset=utf-8",
    }
    route["response_headers_to_add"] = [
        header("content-type", "text/html; charset=utf-8"),
        header("content-security-policy", PAGE_POLICY),
        header("cache-control", "no-cache"),
    ]
    return route


def _method(method: str) -> dict[str, Any]:
    pattern = "GET|HEAD" if method == "GET" else re.escape(method)
    return {"name": ":method", "string_match": {"safe_regex": {"regex": pattern}}}
