"""The personal part of users and invitations, sealed; and the digest by which an address is found."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

from daicho.identity.policy import normalise_email
from daicho.keyring import TenantKeys

Language = Literal["ja", "en"]


class Card(msgspec.Struct, array_like=True, frozen=True):
    """Who a user is: members are stored by position, new ones go to the end with a default."""

    email: str
    display_name: str
    language: Language = "ja"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Card).decode


def seal_card(keys: TenantKeys, table: str, row_id: UUID, card: Card) -> bytes:
    """``card`` sealed for one row of ``table`` (account, invitation)."""
    return keys.seal(table, row_id, "card", _encode(card))


def open_card(keys: TenantKeys, table: str, row_id: UUID, sealed: bytes) -> Card:
    """The card of one row. Raises :class:`daicho.keyring.Tampered`."""
    return _decode(keys.unseal(table, row_id, "card", sealed))


def event_card(keys: TenantKeys, user_id: UUID, card: Card) -> bytes:
    """``card`` sealed for a user's event: msgpack {email, display_name}."""
    data = msgspec.msgpack.encode({"email": card.email, "display_name": card.display_name})
    return keys.events.seal(data, field="UserChanged.sealed_card", subject=user_id)


def email_digest(keys: TenantKeys, email: str) -> bytes:
    """The keyed digest of an address in its normal form."""
    return keys.unique("user.email", normalise_email(email))
