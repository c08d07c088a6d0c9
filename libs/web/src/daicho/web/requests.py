"""Reading JSON bodies: in one pass into the type that the handler names, strictly.

Litestar's own way decodes into dictionaries first and then takes "5" for 5; this one takes what the API's
description says and nothing else. Control characters, which no field keeps and PostgreSQL does not store, are
refused here for every route; a tab or a line end is the fields' own affair.

A body whose shape is wrong never reaches its handler. What is sound of it goes to the checks that its route
declares (``declares(examines=…)``), so that one answer names everything that is wrong.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.types import Empty

from daicho.faults import Invalid, Malformed
from daicho.web.declared import declared_by
from daicho.web.refusals import NestedTooDeep, NoBody, UnreadableBody, UnsupportedMediaType
from daicho.web.salvage import salvage

# How JSON spells them; what this finds may still be a backslash and the letters u0000, so the values decide.
_SPELLED: Final = re.compile(rb"\\u00(?:0[0-8bcef]|1[0-9a-f]|7f)|\\[bf]|\x7f", re.IGNORECASE)

_DECODER: Final = "daicho.decoder"


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read as the ``data`` of its handler."""

    async def json(self) -> Any:
        """The body. Raises UnsupportedMediaType, UnreadableBody, or Invalid with every bad field."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        if self._json is Empty:
            if not _is_json(self.headers.get("content-type")):
                raise UnsupportedMediaType(accepted="application/json")
            body = await self.body()
            decoder = self.route_handler.opt.get(_DECODER)
            if decoder is None:
                decoder = self.route_handler.opt[_DECODER] = msgspec.json.Decoder(field.raw)
            try:
                self._json = decoder.decode(body)
            except msgspec.ValidationError:
                await self._refuse(body, field.raw)
                raise
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise _unreadable(body, error) from None
            if _SPELLED.search(body):
                await self._refuse(body, field.raw)
        return self._json

    async def _refuse(self, body: bytes, kind: Any) -> None:
        """Raises UnreadableBody, or Invalid unless nothing is wrong with ``body`` after all."""
        try:
            salvaged = salvage(msgspec.json.decode(body), kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable(body, error) from None
        if not salvaged.faults:
            return
        examines = declared_by(self.route_handler).examines
        found = await examines(self, salvaged) if examines and salvaged.is_whole else ()
        raise Invalid(salvaged.with_faults(found)) from None


def _is_json(content_type: str | None) -> bool:
    """Whether a body of this type is read as JSON; one that names no type is."""
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


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
