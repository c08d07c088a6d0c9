"""Reading JSON bodies: in one pass into the type that the handler names, strictly.

Litestar's own way decodes into dictionaries first and then takes "5" for 5; this one takes what the API's
description says and nothing else. Control characters, which no field keeps and PostgreSQL does not store, are
refused here for every route; a tab or a line end is the fields' own affair.

A body whose shape is wrong never reaches its handler. What is sound of it goes to the checks that its route
declares (``declares(examines=…)``), so that one answer names everything that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException
from litestar.types import Empty
from multipart import parse_options_header

from daicho.faults import FieldFault, Invalid, Malformed
from daicho.web.declared import declared_by
from daicho.web.decoding import fault_of
from daicho.web.refusals import (
    ClientDisconnected,
    NestedTooDeep,
    NoBody,
    UnreadableBody,
    UnsupportedCharset,
    UnsupportedContentEncoding,
    UnsupportedMediaType,
)
from daicho.web.salvage import salvage

# How JSON spells them, behind an even number of backslashes: "\\u0000" with two is a backslash and letters.
_SPELLED: Final = re.compile(rb"(?<!\\)(?:\\\\)*+\\(?:u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F]|7[fF])|[bf])|\x7f")

_PARTS_OF_SPELLED: Final = (b"\\u00", b"\\b", b"\\f", b"\x7f")
"""One of them stands in every such body. To look for these takes a hundredth of the time."""

_READ_AS_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
MOST_VALUES: Final = 50_000
"""Lists, objects and separators of a body. Decoding makes an object of each, and what collects garbage walks them all:
330,000 empty lists in 990 KB took seconds. A select with all its options has 25,000."""
_DECODER: Final = "daicho.decoder"


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read as the ``data`` of its handler."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes. Raises ClientDisconnected when the client leaves before its end."""
        try:
            async for piece in super().stream():
                yield piece
        except InternalServerException:
            # Litestar says so of a client that left, and of a body that was read before.
            if self.is_connected:
                raise ClientDisconnected from None
            raise

    async def json(self) -> Any:
        """The body. Raises UnsupportedMediaType, UnreadableBody, or Invalid with every bad field."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        if self._json is Empty:
            _check_content_type(self.headers.get("content-type"))
            body = await self.body()
            _check_values(body)
            decoder = self.route_handler.opt.get(_DECODER)
            if decoder is None:
                decoder = self.route_handler.opt[_DECODER] = msgspec.json.Decoder(field.raw)
            try:
                self._json = decoder.decode(body)
            except msgspec.ValidationError as error:
                raise await self._refusal(body, field.raw, fault_of(str(error), field.raw, "")) from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise _unreadable(body, error) from None
            if any(part in body for part in _PARTS_OF_SPELLED) and _SPELLED.search(body):
                raise await self._refusal(body, field.raw, FieldFault("", "control_character"))
        return self._json

    async def _refusal(self, body: bytes, kind: Any, sure: FieldFault) -> Malformed | Invalid:
        """Why ``body`` is refused. ``sure`` is what is known to be wrong, for a body too large to be looked through."""
        try:
            salvaged = salvage(msgspec.json.decode(body), kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _unreadable(body, error)
        examines = declared_by(self.route_handler).examines
        found = await examines(self, salvaged) if examines and salvaged.is_whole else ()
        return Invalid(salvaged.with_faults(found) or [sure])


def _check_content_type(content_type: str | None) -> None:
    """Raises UnsupportedMediaType for what is not JSON, UnsupportedCharset for JSON that is not UTF-8.

    A body that names no type is read as JSON.
    """
    kind, parameters = parse_options_header(content_type or "application/json")
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType(accepted="application/json")
    check_charset(parameters.get("charset"), accepted="application/json; charset=utf-8")


def check_content_encoding(request: Request[Any, Any, Any]) -> None:
    """Raises UnsupportedContentEncoding for a body with a Content-Encoding other than ``identity``."""
    has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    if has_body:
        check_codings(",".join(request.headers.getall("content-encoding", [])))


def check_codings(listed: str, taken: frozenset[str] = frozenset({"identity"})) -> None:
    """Raises UnsupportedContentEncoding for a comma-separated list that names a coding that is not ``taken``."""
    if any(each.strip() not in {"", *taken} for each in listed.lower().split(",")):
        raise UnsupportedContentEncoding


def check_charset(charset: str | None, *, accepted: str) -> None:
    """Raises UnsupportedCharset for an encoding that is not UTF-8 or a part of it; ``accepted`` is the way out."""
    if charset is not None and charset.strip().lower() not in _READ_AS_UTF_8:
        raise UnsupportedCharset(accepted=accepted)


def _check_values(body: bytes) -> None:
    """Raises Invalid for a body of more values than are decoded, by the bytes that begin or part them."""
    if len(body) > MOST_VALUES and sum(body.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise Invalid([FieldFault("", "too_many", {"maximum": MOST_VALUES})])


_BYTE: Final = re.compile(r"\(byte (\d+)\)")


def _unreadable(body: bytes, error: Exception) -> Malformed:
    """Why ``body`` is not JSON, and where."""
    if not body.strip():
        return NoBody()
    if isinstance(error, RecursionError):
        return NestedTooDeep()
    if isinstance(error, UnicodeDecodeError):
        place = body.find(error.object) + error.start if isinstance(error.object, bytes) else 0
    else:
        found = _BYTE.search(str(error))
        place = int(found[1]) if found else len(body)
    before = body[:place].decode(errors="replace")
    return UnreadableBody(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
