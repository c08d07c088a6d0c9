"""REST as every service serves it: guards, problem documents, versions, cursors, idempotency, streams."""

from daicho.runtime.concurrency_limit import Bounds, ConcurrencyLimit
from daicho.web import schema
from daicho.web.admission import BULK, HEAVY, LIGHT, PUBLIC, Admission, is_heavy
from daicho.web.app import BODY_LIMIT, UnguardedRoute, create_app, routes_of
from daicho.web.callers import (
    COOKIE,
    SECURE_COOKIE,
    Callers,
    GrantSource,
    Verifier,
    actor_of,
    address_of,
    grants_of,
    guard_of,
    public,
    requires,
)
from daicho.web.cursors import Cursor, bound_to, open_cursor, seal_cursor
from daicho.web.declared import Cost, Glossary, Term, answers, declares
from daicho.web.idempotency import Reply, Work, create_once
from daicho.web.pages import PAGE_BYTES, page_length
from daicho.web.problems import language_of
from daicho.web.requests import check_charset, check_codings
from daicho.web.salvage import Salvaged
from daicho.web.stream_limit import StreamBounds, StreamLimit
from daicho.web.streams import Event, stream
from daicho.web.versions import etag, if_match

__all__ = [
    "BODY_LIMIT",
    "BULK",
    "COOKIE",
    "HEAVY",
    "LIGHT",
    "PAGE_BYTES",
    "PUBLIC",
    "SECURE_COOKIE",
    "Admission",
    "Bounds",
    "Callers",
    "ConcurrencyLimit",
    "Cost",
    "Cursor",
    "Event",
    "Glossary",
    "GrantSource",
    "Reply",
    "Salvaged",
    "StreamBounds",
    "StreamLimit",
    "Term",
    "UnguardedRoute",
    "Verifier",
    "Work",
    "actor_of",
    "address_of",
    "answers",
    "bound_to",
    "check_charset",
    "check_codings",
    "create_app",
    "create_once",
    "declares",
    "etag",
    "grants_of",
    "guard_of",
    "if_match",
    "is_heavy",
    "language_of",
    "open_cursor",
    "page_length",
    "public",
    "requires",
    "routes_of",
    "schema",
    "seal_cursor",
    "stream",
]
