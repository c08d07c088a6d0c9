"""REST as every service serves it: guards, problem documents, versions, cursors, idempotency, streams."""

from daicho.web import schema
from daicho.web.app import BODY_LIMIT, UnguardedRoute, create_app, guard_of, routes_of
from daicho.web.callers import (
    COOKIE,
    SECURE_COOKIE,
    Callers,
    GrantSource,
    Verifier,
    actor_of,
    address_of,
    grants_of,
    public,
    requires,
)
from daicho.web.cursors import Cursor, bound_to, open_cursor, seal_cursor
from daicho.web.idempotency import Reply, Work, create_once
from daicho.web.problems import FieldProblem, Problem, language_of
from daicho.web.streams import Event, stream
from daicho.web.versions import etag, if_match

__all__ = [
    "BODY_LIMIT",
    "COOKIE",
    "SECURE_COOKIE",
    "Callers",
    "Cursor",
    "Event",
    "FieldProblem",
    "GrantSource",
    "Problem",
    "Reply",
    "UnguardedRoute",
    "Verifier",
    "Work",
    "actor_of",
    "address_of",
    "bound_to",
    "create_app",
    "create_once",
    "etag",
    "grants_of",
    "guard_of",
    "if_match",
    "language_of",
    "open_cursor",
    "public",
    "requires",
    "routes_of",
    "schema",
    "seal_cursor",
    "stream",
]
