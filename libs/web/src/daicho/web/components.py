"""What the API's description of every service says alike: words, headers, the problem document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daicho.faults import FIELD_MESSAGES, Fault, FieldFault, Invalid
from daicho.web.declared import Glossary, Term
from daicho.web.examples import REFERENCE
from daicho.web.problems import MEDIA_TYPE, document_of

COMMON: Final[Glossary] = {
    "id": Term("The id, a UUID of version 7.", "019abf4e-6d1c-7a52-9b1e-3f6f0c2d8a11"),
    "version": Term("Counts the changes; the ETag is made of it.", 3),
    "created_at": Term("When it came to be (RFC 3339, UTC).", "2026-11-25T01:23:45.678901Z"),
    "updated_at": Term("When it was last changed (RFC 3339, UTC).", "2026-11-25T04:56:07.890123Z"),
    "items": Term("What was found, in the order of the list."),
    "limit": Term("How many items a page has at most.", 50),
    "cursor": Term(
        "Where to go on: the next_cursor of the page before; it fits the same question alone.", None
    ),
    "next_cursor": Term("Where the next page begins; null at the end.", None),
}
"""What every service means by these names."""

_SAMPLE: Final[Mapping[int, Mapping[str, str | int]]] = {
    412: {"version": 4},
    413: {"limit": 1_000_000},
    415: {"accepted": "application/json"},
    429: {"retry_after": 2},
}
_SAMPLE_FIELDS: Final = [FieldFault("/limit", "too_large", {"maximum": 200})]
PROBLEM: Final[Mapping[str, Any]] = {
    "Problem": {
        "type": "object",
        "description": "Why a request was refused (RFC 9457), in the language of Accept-Language.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "description": "urn:daicho:problem: and the code."},
            "title": {"type": "string", "description": "What went wrong, in English, for logs."},
            "status": {"type": "integer", "description": "The answer's status."},
            "code": {"type": "string", "description": "What went wrong; stable, for programs."},
            "detail": {"type": "string", "description": "What went wrong, for the person."},
            "errors": {
                "type": "array",
                "description": "One entry for each bad field.",
                "items": {"$ref": f"{REFERENCE}FieldProblem"},
            },
            "version": {"type": "integer", "description": "412: the version that is current."},
            "limit": {"type": "integer", "description": "413: how many bytes are taken."},
            "accepted": {"type": "string", "description": "415: the media type that is taken."},
            "allowed": {"type": "string", "description": "405: the methods that are."},
            "line": {"type": "integer", "description": "400: the line of the body that is no JSON, from 1."},
            "column": {"type": "integer", "description": "400: the character in that line, from 1."},
            "retry_after": {"type": "integer", "description": "429: seconds to wait."},
            "incident": {"type": "string", "description": "500: by which the operator finds the log line."},
        },
    },
    "FieldProblem": {
        "type": "object",
        "description": "What is wrong with one field.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                "type": "string",
                "description": "Where: an RFC 6901 pointer into the body, or / and a parameter's name.",
            },
            "code": {"type": "string", "description": "What is wrong; stable, for programs."},
            "detail": {"type": "string", "description": "What is wrong, for the person."},
        },
    },
}  # fmt: skip
HEADERS: Final[Mapping[str, Any]] = {
    "Accept-Language": {
        "name": "Accept-Language",
        "in": "header",
        "description": "The language of problem documents: ja (the default) or en.",
        "schema": {"type": "string"},
        "example": "ja",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag of what the caller has seen. 428 without it; 412 when somebody else was first.",
        "schema": {"type": "string"},
        "example": '"v3"',
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Any text of the caller's: for 24 hours the same key has its effect once, and the same answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "3f1c9a54-order-17",
    },
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that was seen, to go on behind it.",
        "schema": {"type": "string"},
        "example": "3",
    },
}
ETAG: Final = {
    "description": "The version; If-Match of a change.",
    "schema": {"type": "string"},
    "example": '"v3"',
}
_RETRY: Final = {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": 2}
_SPOKEN: Final = {
    "description": "The language of the document.",
    "schema": {"type": "string", "enum": ["ja", "en"]},
}
_ENCODING: Final = {
    "description": "The content encoding that is taken, when the body had another.",
    "schema": {"type": "string"},
    "example": "identity",
}
_BEARER: Final = {"description": "How to sign in.", "schema": {"type": "string"}, "example": "Bearer"}


def problem(status: int, kinds: Sequence[type[Fault]]) -> dict[str, Any]:
    """The answers with ``status``, which are of ``kinds``."""
    headers: dict[str, Any] = {"Content-Language": _SPOKEN}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY
    if status == 415:
        headers["Accept-Encoding"] = _ENCODING
    if status == 401:
        headers["WWW-Authenticate"] = _BEARER
    samples = {kind.code: {"value": _sample(kind)} for kind in kinds}
    return {
        "description": " ".join(
            f"`{kind.code}`: {sample['value']['detail']}"
            for kind, sample in zip(kinds, samples.values(), strict=True)
        ),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REFERENCE}Problem"}, "examples": samples}},
    }


def _sample(kind: type[Fault]) -> dict[str, Any]:
    fields = _SAMPLE_FIELDS if kind is Invalid else []
    return document_of(kind(fields, **_SAMPLE.get(kind.status, {})), "en", FIELD_MESSAGES)
