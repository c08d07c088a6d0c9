"""Reading JSON bodies: in one pass into the type that the handler names, strictly.

Litestar's own way decodes into dictionaries first and then takes "5" for 5; this one takes what the API's
description says and nothing else. Control characters, which no field keeps and PostgreSQL does not store, are
refused here for every route; a tab or a line end is the fields' own affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.types import Empty

from daicho.faults import FieldFault, Invalid, Malformed
from daicho.web.decoding import escape, faults_of_body
from daicho.web.refusals import UnsupportedMediaType

# How JSON spells them; what this finds may still be a backslash and the letters u0000, so the values decide.
_SPELLED: Final = re.compile(rb"\\u00(?:0[0-8bcef]|1[0-9a-f]|7f)|\\[bf]|\x7f", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_DECODER: Final = "daicho.decoder"


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read as the ``data`` of its handler."""

    async def json(self) -> Any:
        """The body. Raises UnsupportedMediaType, Malformed, or Invalid with every bad field."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        if self._json is Empty:
            if not _is_json(self.headers.get("content-type")):
                raise UnsupportedMediaType
            body = await self.body()
            decoder = self.route_handler.opt.get(_DECODER)
            if decoder is None:
                decoder = self.route_handler.opt[_DECODER] = msgspec.json.Decoder(field.raw)
            try:
                self._json = decoder.decode(body)
            except msgspec.ValidationError:
                raise Invalid(faults_of_body(self)) from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Malformed from None
            if _SPELLED.search(body):
                _refuse_control_characters(body)
        return self._json


def _is_json(content_type: str | None) -> bool:
    """Whether a body of this type is read as JSON; one that names no type is."""
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _refuse_control_characters(body: bytes) -> None:
    faults = [
        FieldFault(pointer, "control_character") for pointer in _controlled(msgspec.json.decode(body), "")
    ]
    if faults:
        raise Invalid(faults[:100])


def _controlled(value: Any, pointer: str) -> Iterable[str]:
    """Where in ``value`` a text, or a member's name, has a control character."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            yield pointer
    elif isinstance(value, dict):
        for name, each in value.items():
            if _CONTROL.search(name):
                yield pointer
            yield from _controlled(each, f"{pointer}/{escape(name)}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _controlled(each, f"{pointer}/{place}")
