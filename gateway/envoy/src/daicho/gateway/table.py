"""What is reachable from outside, and under which rules. A path that is not here is a 404 at the gateway.

A path leads to a service with everything below it. A token is needed unless an entry of :data:`PUBLIC` names
method and path exactly: whoever forgets to decide gets the closed door.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Service = Literal["identity", "customers", "audit"]
Limit = Literal["public", "sessions", "sign_ups", "resets"]

SERVICES: Final[tuple[Service, ...]] = ("identity", "customers", "audit")

OWNERS: Final[Mapping[str, Service]] = {
    "/v1/tenants": "identity",
    "/v1/sessions": "identity",
    "/v1/email-confirmations": "identity",
    "/v1/password-resets": "identity",
    "/v1/me": "identity",
    "/v1/users": "identity",
    "/v1/invitations": "identity",
    "/v1/roles": "identity",
    "/v1/teams": "identity",
    "/v1/access": "identity",
    "/v1/fields": "customers",
    "/v1/companies": "customers",
    "/v1/contacts": "customers",
    "/v1/imports": "customers",
    "/v1/postal-codes": "customers",
    "/v1/hand-overs": "customers",
    "/v1/audit": "audit",
}
"""Path prefix → the service that owns it and everything below it."""


class PublicRoute(NamedTuple):
    """A method and an exact path that need no token; ``limit`` is the bucket kept for each address."""

    method: str
    path: str
    service: Service
    limit: Limit


PUBLIC: Final = (
    PublicRoute("POST", "/v1/tenants", "identity", "sign_ups"),
    PublicRoute("POST", "/v1/sessions", "identity", "sessions"),
    # Signing out and refreshing carry a credential of their own, and work after the token has ended.
    PublicRoute("POST", "/v1/sessions/refresh", "identity", "public"),
    PublicRoute("DELETE", "/v1/sessions/current", "identity", "public"),
    PublicRoute("POST", "/v1/email-confirmations", "identity", "public"),
    PublicRoute("POST", "/v1/email-confirmations/requests", "identity", "resets"),
    PublicRoute("POST", "/v1/password-resets", "identity", "resets"),
    PublicRoute("POST", "/v1/password-resets/complete", "identity", "resets"),
    PublicRoute("POST", "/v1/invitations/accept", "identity", "sessions"),
    PublicRoute("GET", "/.well-known/jwks.json", "identity", "public"),
)

UPLOADS: Final = (("POST", r"/v1/imports", "customers"),)
"""Method, path pattern, service: the body is a file, and passes as it comes."""

STREAMS: Final = (
    ("GET", r"/v1/imports/[^/]+/events", "customers"),
    ("GET", r"/v1/imports/[^/]+/rejected", "customers"),
    ("GET", r"/v1/imports/template", "customers"),
    ("POST", r"/v1/(?:contacts|companies)/export", "customers"),
    ("GET", r"/v1/audit/export", "audit"),
)
"""Answers that last: live events and files. They end with their token or their last byte, not by a clock."""
