"""What the gateway itself answers, as the same problem documents (RFC 9457) that the services send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from daicho.faults import (
    Fault,
    Forbidden,
    Language,
    Malformed,
    Messages,
    NotFound,
    PathNotCanonical,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from daicho.gateway.headers import header
from daicho.gateway.languages import asks_for_english
from daicho.gateway.routing import NOT_CANONICAL


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
    501: Malformed,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""Every status that Envoy is known to answer by itself → the fault whose words it uses."""

_OTHERS: Final[dict[int, type[Fault]]] = {500: Fault, 400: Malformed}
"""From which status on → the fault of one that no release was seen to answer; the first that holds."""

# What only the moment knows is filled in by Envoy.
_STATUS: Final = "%RESPONSE_CODE%"
_PARAMS: Final = {"limit": "%METADATA(ROUTE:daicho:largest_body)%", "retry_after": "%RESP(RETRY-AFTER)%"}

_HEADERS: Final = {401: (("www-authenticate", "Bearer"),), 503: (("retry-after", "1"),)}
"""Status → what its answer carries beside the document (RFC 9110: 401 must say how to sign in)."""

_EXTENSIONS: Final = {413: ("limit",), 429: ("retry_after",)}
"""Status → the members that stand in its document as numbers."""


def mappers(extra_headers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Envoy's local reply mappers: the first whose filter holds writes the body.

    ``extra_headers`` go with them all: an answer to a request that could not even be read passes no filter.
    """
    found = [
        # While identity's keys cannot be had, nobody's token can be told good or bad.
        *_because(_details("jwt_authn_access_denied{Jwks_remote_fetch"), 503, Unavailable),
        # Envoy says 403 to a token made for somebody else; to us it is no token at all.
        *_because(_details("jwt_authn_access_denied"), 401, Unauthenticated),
        *_because(f"xds.route_name == '{NOT_CANONICAL}'", 400, PathNotCanonical),
        *(mapper for status in FAULTS for mapper in _of_status(status)),
        *(mapper for lowest, fault in _OTHERS.items() for mapper in _from_status(lowest, fault)),
    ]
    for mapper in found:
        mapper["headers_to_add"] += extra_headers
    return found


def document(fault: type[Fault], status: int | None, language: Language) -> str:
    """The problem document, with Envoy's own placeholders where the moment decides (None: the status, too)."""
    held = {
        "type": f"urn:daicho:problem:{fault.code}",
        "title": fault.messages.say("en", _PARAMS),
        "status": _STATUS if status is None else status,
        "code": fault.code,
        "detail": fault.messages.say(language, _PARAMS),
    }
    text = json.dumps(held, ensure_ascii=False).replace(f'"{_STATUS}"', _STATUS)
    extra = "".join(f', "{name}": {_PARAMS[name]}' for name in _EXTENSIONS.get(status or 0, ()))
    return f"{text[:-1]}{extra}}}"


def _of_status(status: int) -> list[dict[str, Any]]:
    return _in_both_languages(_status("EQ", status), FAULTS[status], status)


def _from_status(lowest: int, fault: type[Fault]) -> list[dict[str, Any]]:
    return _in_both_languages(_status("GE", lowest), fault, None)


def _details(beginning: str) -> str:
    """A CEL expression: Envoy's reason for its answer begins so."""
    return f"response.code_details.startsWith('{beginning}')"


def _because(expression: str, status: int, fault: type[Fault]) -> list[dict[str, Any]]:
    """``status`` and the words of ``fault``, whatever Envoy chose, where the CEL ``expression`` holds."""
    reason = {
        "name": "envoy.access_loggers.extension_filters.cel",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            "expression": expression,
        },
    }
    return [
        mapper | {"status_code": status}
        for mapper in _in_both_languages({"extension_filter": reason}, fault, status)
    ]


def _in_both_languages(
    condition: dict[str, Any], fault: type[Fault], status: int | None
) -> list[dict[str, Any]]:
    headers = [header(*pair) for pair in _HEADERS.get(status or 0, ())]
    return [
        _mapper([condition, _speaks_english()], document(fault, status, "en"), "en", headers),
        _mapper([condition], document(fault, status, "ja"), "ja", headers),
    ]


def _mapper(
    filters: list[dict[str, Any]], body: str, language: Language, headers: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {
        "filter": filters[0] if len(filters) == 1 else {"and_filter": {"filters": filters}},
        "body_format_override": {
            "text_format_source": {"inline_string": body},
            "content_type": "application/problem+json",
        },
        "headers_to_add": [header("content-language", language), *headers],
    }


def _status(comparison: str, status: int) -> dict[str, Any]:
    return {
        "status_code_filter": {
            "comparison": {
                "op": comparison,
                "value": {"default_value": status, "runtime_key": "daicho.unused"},
            }
        }
    }


def _speaks_english() -> dict[str, Any]:
    return {
        "header_filter": {
            "header": {
                "name": "accept-language",
                "string_match": {"safe_regex": {"regex": asks_for_english()}},
            }
        }
    }
