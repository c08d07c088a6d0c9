"""What the gateway itself answers, as the same problem documents (RFC 9457) that the services send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from daicho.faults import (
    Fault,
    Forbidden,
    Language,
    Malformed,
    Messages,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from daicho.gateway.headers import header


class MethodNotAllowed(Fault):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    messages = Messages(ja="このメソッドは使えません。", en="This method is not allowed here.")


class TimedOut(Fault):
    """The request did not arrive, or the answer did not come, in time."""

    status = 408
    code = "timed_out"
    messages = Messages(ja="時間内に完了しませんでした。", en="It did not finish in time.")


FAULTS: Final[dict[int, type[Fault]]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    408: TimedOut,
    413: TooLarge,
    414: Malformed,
    415: Malformed,
    416: Malformed,
    426: Malformed,
    429: TooManyRequests,
    431: Malformed,
    500: Fault,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""Every status that Envoy answers by itself → the fault whose words it uses."""

# What only the moment knows is filled in by Envoy.
_PARAMS: Final = {"limit": "%METADATA(ROUTE:daicho:largest_body)%", "retry_after": "%RESP(RETRY-AFTER)%"}


def mappers() -> list[dict[str, Any]]:
    """Envoy's local reply mappers: the first whose filter holds writes the body."""
    return [_keys_away(), *_by_status()]


def document(fault: type[Fault], status: int, language: Language) -> str:
    """The problem document, with Envoy's own placeholders where the moment decides."""
    text = fault().messages.say(language, _PARAMS)
    return json.dumps(
        {"type": "about:blank", "title": text, "status": status, "detail": text, "code": fault.code},
        ensure_ascii=False,
    )


def _by_status() -> Iterator[dict[str, Any]]:
    for status, fault in FAULTS.items():
        yield _mapper([_status_is(status), _speaks_english()], document(fault, status, "en"), "en")
        yield _mapper([_status_is(status)], document(fault, status, "ja"), "ja")


def _keys_away() -> dict[str, Any]:
    """While identity's keys cannot be had nobody's token can be told good or bad: 503, not 401."""
    away = {
        "name": "envoy.access_loggers.extension_filters.cel",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            "expression": "response.code_details.startsWith('jwt_authn_access_denied{Jwks')",
        },
    }
    mapper = _mapper([{"extension_filter": away}], document(Unavailable, 503, "ja"), "ja")
    return mapper | {"status_code": 503}


def _mapper(filters: list[dict[str, Any]], body: str, language: Language) -> dict[str, Any]:
    return {
        "filter": filters[0] if len(filters) == 1 else {"and_filter": {"filters": filters}},
        "body_format_override": {
            "text_format_source": {"inline_string": body},
            "content_type": "application/problem+json",
        },
        "headers_to_add": [
            header("content-language", language),
            header("cache-control", "no-store"),
        ],
    }


def _status_is(status: int) -> dict[str, Any]:
    return {
        "status_code_filter": {
            "comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": "daicho.unused"}}
        }
    }


def _speaks_english() -> dict[str, Any]:
    return {
        "header_filter": {
            "header": {
                "name": "accept-language",
                "string_match": {"prefix": "en", "ignore_case": True},
            }
        }
    }
