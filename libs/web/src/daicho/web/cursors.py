"""Where a list goes on: sealed, so that nobody reads or makes one, and bound to what was asked.

A cursor names the last row that was shown, not how many there were: rows that are added or go meanwhile
neither shift a page nor show one twice.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.faults import Malformed, Messages
from daicho.keyring import Tampered, TenantKeys

_PLACE: Final = UUID(int=0)


class Cursor(Malformed):
    """The cursor is not one of this list: changed, of another query, or of another tenant."""

    code = "invalid_cursor"
    messages = Messages(
        ja="この cursor は使えません。同じ条件・並び順で得た next_cursor を変えずに指定するか、cursor なしで最初のページから取得してください。",
        en="This cursor does not fit. Give the next_cursor of the same question (filter, words, sort) unchanged, "
        "or none, to begin with the first page.",
    )


def bound_to(*asked: Any) -> str:
    """A name for what was asked (route, filter, words, order, scope): a cursor fits this alone."""
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:32]


def seal_cursor(keys: TenantKeys, bound: str, position: Any) -> str:
    """The cursor after ``position``."""
    sealed = keys.seal("cursor", _PLACE, bound, msgspec.msgpack.encode(position))
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_cursor(keys: TenantKeys, bound: str, cursor: str, kind: type[Any]) -> Any:
    """The position that ``cursor`` names, as a ``kind``. Raises :class:`Cursor`."""
    try:
        sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.msgpack.decode(keys.unseal("cursor", _PLACE, bound, sealed), type=kind)
    except (ValueError, Tampered, msgspec.DecodeError):
        raise Cursor from None
