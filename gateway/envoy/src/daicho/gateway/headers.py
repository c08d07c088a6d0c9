"""Headers that clients may not send, and headers that every answer carries."""

from __future__ import annotations

from typing import Any, Final

# The token and this file decide who a caller is and where they come from; no header of a client does.
# x-request-id is made here too (it serves as the page's nonce).
_REFUSED_PREFIXES: Final = ("x-tenant", "x-user", "x-role", "x-daicho", "x-envoy", "x-original", "x-auth")
_REFUSED: Final = (
    "forwarded",
    "x-client-ip",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-client-cert",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "true-client-ip",
    "x-remote-user",
    "x-request-id",
    "x-rewrite-url",
    "x-session-id",
    "proxy",
)

# The nonce is the request's id: random, made by Envoy for each answer, never taken from a client.
NONCE: Final = "%REQ(X-REQUEST-ID)%"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"
    + NONCE
    + "'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"

_ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def refused() -> list[dict[str, Any]]:
    """Early mutations: what is taken from a request before anything looks at it."""
    by_prefix = [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in _REFUSED_PREFIXES]
    return [*by_prefix, *({"remove": name} for name in _REFUSED)]


def always(*, tls: bool) -> list[dict[str, Any]]:
    """What every answer carries, whoever makes it. HSTS only where there is TLS."""
    headers = _ALWAYS | ({"strict-transport-security": "max-age=63072000; includeSubDomains"} if tls else {})
    return [
        *(header(name, value) for name, value in headers.items()),
        # A service may say better by itself.
        header("content-security-policy", DATA_POLICY, action="ADD_IF_ABSENT"),
        header("cache-control", "no-store", action="ADD_IF_ABSENT"),
    ]


def header(name: str, value: str, *, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> dict[str, Any]:
    """One header as Envoy's HeaderValueOption."""
    return {"header": {"key": name, "value": value}, "append_action": action}
