"""The personal part of a contact, as it is sealed and opened.

Two blobs: ``card`` is what lists show and search verifies, ``rest`` what only the record's own page needs.
Members are stored by position: new ones go to the end, with a default.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec

TABLE: Final = "contact"
CARD: Final = "card"
REST: Final = "rest"


class Card(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Names, kana, e-mails as (kind, address) and telephones as (kind, E.164 number)."""

    family_name: str
    given_name: str | None
    family_name_kana: str | None
    given_name_kana: str | None
    emails: tuple[tuple[str, str], ...]
    phones: tuple[tuple[str, str], ...]


class Rest(msgspec.Struct, array_like=True, frozen=True):
    """Address below the prefecture, birthday, notes, and the values of sensitive custom fields by key."""

    postal_code: str | None = None
    city: str | None = None
    street: str | None = None
    building: str | None = None
    birthday: date | None = None
    notes: str | None = None
    custom: dict[str, Any] = {}


encode = msgspec.msgpack.Encoder().encode
decode_card = msgspec.msgpack.Decoder(Card).decode
decode_rest = msgspec.msgpack.Decoder(Rest).decode
