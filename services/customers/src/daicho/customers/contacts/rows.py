"""A contact between its three shapes: as the API speaks of it, as its columns, as its sealed blobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec

from daicho.customers.contacts import sealing
from daicho.customers.contacts.schemas import ContactCard, ContactInput, ContactView, Email, Phone
from daicho.customers.contacts.sealing import CARD, REST, TABLE, Card, Rest
from daicho.customers.contacts.terms import contact_terms, searchable
from daicho.customers.schemas import Address
from daicho.keyring import TenantKeys
from daicho.nihongo import kana_bucket


def columns_of(
    keys: TenantKeys,
    contact_id: UUID,
    state: ContactInput,
    *,
    company: str | None,
    sensitive: Mapping[str, Any],
) -> dict[str, Any]:
    """What the row of a contact in ``state`` holds, sealed parts sealed.

    ``company`` is the name of his company, which he is found by; ``sensitive`` are the values of custom
    fields that go into the seal, while ``state.custom`` holds the plain ones.
    """
    card, rest = card_of(state), rest_of(state, sensitive)
    return {
        "company_id": state.company_id,
        "owner_id": state.owner_id or None,
        "customer_code": state.customer_code,
        "department": state.department,
        "title": state.title,
        "lifecycle": state.lifecycle,
        "prefecture": state.address.prefecture if state.address else None,
        "first_kana": kana_bucket(state.family_name_kana),
        "has_email": bool(state.emails),
        "has_phone": bool(state.phones),
        "custom": state.custom,
        "card": keys.seal(TABLE, contact_id, CARD, sealing.encode(card)),
        "rest": None if rest == Rest() else keys.seal(TABLE, contact_id, REST, sealing.encode(rest)),
        "tokens": tokens_of(keys, card, company),
    }


def card_of(state: ContactInput) -> Card:
    """The part of ``state`` that lists show."""
    return Card(
        family_name=state.family_name,
        given_name=state.given_name,
        family_name_kana=state.family_name_kana,
        given_name_kana=state.given_name_kana,
        emails=tuple((email.kind, email.address) for email in state.emails),
        phones=tuple((phone.kind, phone.number) for phone in state.phones),
    )


def rest_of(state: ContactInput, sensitive: Mapping[str, Any]) -> Rest:
    """The part of ``state`` that only the contact's own page shows."""
    address = state.address or Address()
    return Rest(
        postal_code=address.postal_code,
        city=address.city,
        street=address.street,
        building=address.building,
        birthday=state.birthday,
        notes=state.notes,
        custom=dict(sensitive),
    )


def texts_of(card: Card, company: str | None) -> dict[str, list[str]]:
    """The folded texts by which a contact is found."""
    return searchable(
        name=card.family_name + (card.given_name or ""),
        kana=(card.family_name_kana or "") + (card.given_name_kana or ""),
        emails=[address for _, address in card.emails],
        phones=[number for _, number in card.phones],
        company=company,
    )


def tokens_of(keys: TenantKeys, card: Card, company: str | None) -> list[int]:
    """The blind-index tokens of a contact: sorted, each once."""
    found: set[int] = set()
    for name, terms in contact_terms(texts_of(card, company)).items():
        found.update(keys.index.tokens(name, terms))
    return sorted(found)


def match_digests(keys: TenantKeys, card: Card) -> list[tuple[str, bytes, bool]]:
    """Keyed digests by which an import recognises a contact: each e-mail and telephone; none is unique."""
    emails = [("email", keys.unique("contact.email", address), False) for _, address in card.emails]
    return emails + [("phone", keys.unique("contact.phone", number), False) for _, number in card.phones]


class Row(Protocol):
    """A row of ``contact`` joined with its company's name, as driver or ORM give it."""

    def __getitem__(self, name: str) -> Any: ...


def open_card(keys: TenantKeys, row: Row) -> Card:
    """The sealed card of ``row``. Raises :class:`daicho.keyring.Tampered`."""
    return sealing.decode_card(keys.unseal(TABLE, row["id"], CARD, row["card"]))


def open_rest(keys: TenantKeys, row: Row) -> Rest:
    """The sealed rest of ``row``, empty where nothing was kept. Raises :class:`daicho.keyring.Tampered`."""
    blob = row["rest"]
    return Rest() if blob is None else sealing.decode_rest(keys.unseal(TABLE, row["id"], REST, blob))


def card_view(row: Row, card: Card, custom: dict[str, Any]) -> ContactCard:
    """A line of a list."""
    return ContactCard(
        id=row["id"],
        version=row["version"],
        family_name=card.family_name,
        given_name=card.given_name,
        family_name_kana=card.family_name_kana,
        given_name_kana=card.given_name_kana,
        emails=[Email(address, kind) for kind, address in card.emails],  # type: ignore[arg-type]  # sealed from the same type
        phones=[Phone(number, kind) for kind, number in card.phones],  # type: ignore[arg-type]  # as above
        company_id=row["company_id"],
        company_name=row["company_name"],
        department=row["department"],
        title=row["title"],
        customer_code=row["customer_code"],
        lifecycle=row["lifecycle"],
        prefecture=row["prefecture"],
        owner_id=row["owner_id"],
        custom=custom,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def full_view(row: Row, card: Card, rest: Rest, tags: list[str], custom: dict[str, Any]) -> ContactView:
    """A contact's own page. ``custom`` holds plain and sensitive values that the reader may see."""
    shown = msgspec.structs.asdict(card_view(row, card, custom))
    prefecture = shown.pop("prefecture")
    return ContactView(
        **shown,
        address=Address(
            postal_code=rest.postal_code,
            prefecture=prefecture,
            city=rest.city,
            street=rest.street,
            building=rest.building,
        ),
        birthday=rest.birthday,
        notes=rest.notes,
        tags=tags,
        deleted_at=row["deleted_at"],
    )


def state_of(view: ContactView) -> ContactInput:
    """The state that ``view`` shows: what a change is applied to and compared with."""
    members = msgspec.structs.asdict(view)
    for name in ("id", "version", "created_at", "updated_at", "deleted_at"):
        del members[name]
    return ContactInput(**members)
