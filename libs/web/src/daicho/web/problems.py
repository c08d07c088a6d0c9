"""Every error as a problem document (RFC 9457) in the caller's language.

Members beside the standard ones: ``code``, stable; ``errors``, one entry per bad field with its RFC 6901
pointer; and the fault's own parameters (``version``, ``retry_after``, ``limit``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import ClientException, HTTPException, ValidationException

from daicho.faults import (
    Fault,
    FieldFault,
    Forbidden,
    Invalid,
    Language,
    Malformed,
    Messages,
    NotFound,
    TooLarge,
    Unauthenticated,
)
from daicho.web.parameters import faults_of_parameters
from daicho.web.refusals import (
    HeadersTooLarge,
    MethodNotAllowed,
    NoBody,
    UnsupportedMediaType,
)

MEDIA_TYPE: Final = "application/problem+json"
API_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""What every answer carries that does not say otherwise."""
LARGEST: Final = 64_000
"""Bytes of a problem document."""
_LONGEST_POINTER: Final = 300
_LONGEST_DETAIL: Final = 1_000
_LONGEST_PARAMETER: Final = 1_000
_LONGEST_LANGUAGES: Final = 200
"""Characters of Accept-Language that are read."""
log = structlog.get_logger()


_BY_STATUS: Final[Mapping[int, type[Fault]]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    431: HeadersTooLarge,
}


def language_of(accept_language: str | None) -> Language:
    """The better of Japanese and English for an Accept-Language header (RFC 9110, 12.5.4); Japanese without one."""
    best: tuple[float, Language] = (0.0, "ja")
    for part in (accept_language or "")[:_LONGEST_LANGUAGES].split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        quality = _quality(parameters)
        if primary == "en" and quality > best[0]:
            best = (quality, "en")
        elif primary in {"ja", "*"} and quality > best[0]:
            best = (quality, "ja")
    return best[1]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def handlers(field_messages: Mapping[str, Messages]) -> dict[Any, Callable[..., Response[bytes]]]:
    """Exception handlers for the application; ``field_messages`` says field codes in both languages."""

    def answer(request: Request[Any, Any, Any], fault: Fault) -> Response[bytes]:
        return respond(fault, language_of(request.headers.get("accept-language")), field_messages)

    def on_fault(request: Request[Any, Any, Any], fault: Fault) -> Response[bytes]:
        return answer(request, fault)

    def on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
        return answer(request, _invalid(request, error))

    def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        if error.status_code == 413:
            return answer(request, TooLarge(limit=_body_limit(request)))
        if error.status_code >= 500:
            return on_unexpected(request, error)
        reply = answer(request, _refusal(error))
        if error.headers:
            reply.headers.update(error.headers)
        return reply

    def on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        if isinstance(error, RecursionError) or _is_the_bodys(request, error):
            return answer(request, Malformed())
        incident = uuid4().hex
        log.error(
            "request_failed", incident=incident, path=request.scope.get("path_template"), exc_info=error
        )
        return answer(request, Fault(incident=incident))

    return {
        Fault: on_fault,
        ValidationException: on_validation,
        ClientException: on_http,
        HTTPException: on_http,
        Exception: on_unexpected,
    }


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> Fault:
    """The fault behind Litestar's refusal: a body that is not there, or bad parameters."""
    extra = error.extra if isinstance(error.extra, list) else []
    if any(str(each.get("source", "")).lower().endswith("body") for each in extra):
        return NoBody()
    return Invalid(faults_of_parameters(request, extra))


def _refusal(error: HTTPException) -> Fault:
    """The fault that says what Litestar refused."""
    if error.status_code == 405:
        allowed = (error.headers or {}).get("allow", "")
        return MethodNotAllowed(allowed=allowed)
    if error.status_code == 415:
        return UnsupportedMediaType(accepted="application/json")
    return _BY_STATUS.get(error.status_code, Malformed)()


def _is_the_bodys(request: Request[Any, Any, Any], error: Exception) -> bool:
    """Whether ``error`` says that the body is not UTF-8, which msgspec does not count among its own errors."""
    body = request._body  # noqa: SLF001 an exception handler cannot await
    return isinstance(error, UnicodeDecodeError) and isinstance(body, bytes) and error.object in body


def respond(fault: Fault, language: Language, field_messages: Mapping[str, Messages]) -> Response[bytes]:
    """The answer to ``fault``."""
    # A path that leads nowhere has no rails around it, so the document brings the headers of an API itself.
    headers = {"content-language": language, **{name.decode(): value.decode() for name, value in API_HEADERS}}
    if "retry_after" in fault.params:
        headers["retry-after"] = str(fault.params["retry_after"])
    elif fault.status == 503:
        headers["retry-after"] = "1"
    if fault.status == 415:
        headers["accept-encoding"] = "identity"
    if fault.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(document_of(fault, language, field_messages)),
        status_code=fault.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def document_of(fault: Fault, language: Language, field_messages: Mapping[str, Messages]) -> dict[str, Any]:
    """The problem document of ``fault``, of at most :data:`LARGEST` bytes: texts are cut and the last bad fields left out."""
    document: dict[str, Any] = {
        "type": f"urn:daicho:problem:{fault.code}",
        "title": fault.say("en"),
        "status": fault.status,
        "code": fault.code,
        "detail": _cut(fault.say(language), _LONGEST_PARAMETER),
        **{name: _cut(value, _LONGEST_PARAMETER) for name, value in fault.params.items()},
    }
    if fault.fields:
        room = LARGEST - len(msgspec.json.encode(document)) - len(',"errors":[]')
        document["errors"] = _fields(fault.fields, language, field_messages, room)
    return document


def _fields(
    faults: Sequence[FieldFault], language: Language, field_messages: Mapping[str, Messages], room: int
) -> list[dict[str, str]]:
    """The bad fields, as many as ``room`` bytes hold."""
    entries = []
    for each in faults:
        entry = _field(each, language, field_messages)
        room -= len(msgspec.json.encode(entry)) + 1
        if room < 0:
            break
        entries.append(entry)
    return entries


def _field(each: FieldFault, language: Language, field_messages: Mapping[str, Messages]) -> dict[str, str]:
    messages = field_messages.get(each.code) or field_messages["invalid"]
    detail = messages.say(
        language, {name: _cut(value, _LONGEST_DETAIL) for name, value in each.params.items()}
    )
    return {
        "pointer": _cut(each.pointer, _LONGEST_POINTER),
        "code": each.code,
        "detail": _cut(detail, _LONGEST_DETAIL),
    }


def _cut(value: Any, longest: int) -> Any:
    """A text of at most ``longest`` characters and an ellipsis; anything else as it is."""
    is_long = isinstance(value, str) and len(value) > longest
    return f"{value[:longest]}…" if is_long else value


def _body_limit(request: Request[Any, Any, Any]) -> int:
    limit = request.route_handler.resolve_request_max_body_size()
    return limit or 0
