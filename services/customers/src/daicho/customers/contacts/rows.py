"""A contact between its three shapes: as the API speaks of it, as its columns, as its sealed blobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec

from daicho.customers.contacts import sealing
from daicho.customers.contacts.schemas import ContactCard, ContactInput, ContactView, Email, Phone
from daicho.customers.contacts.sealing import CARD, REST, TABLE, Card, Rest
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.index import Digest
from daicho.customers.records import Stamp
from daicho.customers.repository import Row
from daicho.customers.schemas import Address
from daicho.customers.terms import EMAIL, KANA, NAME, PHONE, TEXT, tokens_of
from daicho.customers.texts import custom_texts
from daicho.fields import Schema
from daicho.keyring import TenantKeys
from daicho.nihongo import fold, kana_bucket, phone_digits


def columns_of(
    keys: TenantKeys,
    contact_id: UUID,
    state: ContactInput,
    schema: ResourceSchema,
    custom_tokens: Collection[int] | None = None,
) -> dict[str, Any]:
    """The columns of a contact in ``state``, sealed parts sealed; ``custom_tokens``
    are the tokens of the custom texts, if they are known already."""
    plain, sensitive = schema.split(state.custom)
    card, rest = card_of(state), rest_of(state, sensitive)
    custom = state.custom if custom_tokens is None else {}
    texts = texts_of(card, state.company_name, schema.schema, custom)
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
        "custom": plain,
        "card": keys.seal(TABLE, contact_id, CARD, sealing.encode(card)),
        "rest": None if rest == Rest() else keys.seal(TABLE, contact_id, REST, sealing.encode(rest)),
        "tokens": tokens_of(keys, texts | _apart(card, texts), custom_tokens or ()),
    }


def _apart(card: Card, texts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """姓 and 名 as well as both in one, where the seam makes one character of two: a filter asks for either."""
    pairs = ((NAME, card.family_name, card.given_name), (KANA, card.family_name_kana, card.given_name_kana))
    found = {}
    for kind, first, second in pairs:
        parts = [fold(first or ""), fold(second or "")]
        if "".join(parts) != texts[kind][0]:
            found[kind] = texts[kind] + parts
    return found


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


def texts_of(
    card: Card, company: str | None, schema: Schema, custom: Mapping[str, Any], role: str | None = None
) -> dict[str, list[str]]:
    """The folded texts by which ``role`` finds a contact, by class; the same for indexing (no role) and verifying."""
    texts, phones = custom_texts(schema, custom, role) if custom else ([], [])
    return {
        NAME: [fold(card.family_name + (card.given_name or ""))],
        KANA: [fold((card.family_name_kana or "") + (card.given_name_kana or ""))],
        EMAIL: [fold(address) for _, address in card.emails],
        PHONE: [phone_digits(number) for _, number in card.phones] + phones,
        TEXT: [fold(company), *texts] if company else texts,
    }


def match_digests(keys: TenantKeys, card: Card) -> list[Digest]:
    """Keyed digests by which an import recognises a contact: each e-mail and telephone; none is unique."""
    emails: list[Digest] = [
        ("email", keys.unique("contact.email", address), False) for _, address in card.emails
    ]
    return emails + [("phone", keys.unique("contact.phone", number), False) for _, number in card.phones]


def open_card(keys: TenantKeys, row: Row) -> Card:
    """The sealed card of ``row``. Raises :class:`daicho.keyring.Tampered`."""
    return sealing.decode_card(keys.unseal(TABLE, row["id"], CARD, row["card"]))


def open_rest(keys: TenantKeys, row: Row) -> Rest:
    """The sealed rest of ``row``, empty where nothing was kept. Raises :class:`daicho.keyring.Tampered`."""
    blob = row["rest"]
    return Rest() if blob is None else sealing.decode_rest(keys.unseal(TABLE, row["id"], REST, blob))


def emails_of(card: Card) -> list[Email]:
    """The e-mails of a card as the API shows them."""
    return [Email(address, kind) for kind, address in card.emails]  # type: ignore[arg-type]  # sealed from the same type


def phones_of(card: Card) -> list[Phone]:
    """The telephones of a card as the API shows them."""
    return [Phone(number, kind) for kind, number in card.phones]  # type: ignore[arg-type]  # sealed from the same type


def card_view(row: Row, card: Card, custom: dict[str, Any]) -> ContactCard:
    """A line of a list."""
    return ContactCard(
        id=row["id"],
        version=row["version"],
        family_name=card.family_name,
        given_name=card.given_name,
        family_name_kana=card.family_name_kana,
        given_name_kana=card.given_name_kana,
        emails=emails_of(card),
        phones=phones_of(card),
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


def state_of(row: Row, card: Card, rest: Rest, tags: list[str]) -> ContactInput:
    """The state that a stored contact is in: what a change is applied to and compared with."""
    return ContactInput(
        family_name=card.family_name,
        given_name=card.given_name,
        family_name_kana=card.family_name_kana,
        given_name_kana=card.given_name_kana,
        emails=emails_of(card),
        phones=phones_of(card),
        company_id=row["company_id"],
        company_name=row["company_name"],
        department=row["department"],
        title=row["title"],
        address=Address(
            postal_code=rest.postal_code,
            prefecture=row["prefecture"],
            city=rest.city,
            street=rest.street,
            building=rest.building,
        ),
        birthday=rest.birthday,
        notes=rest.notes,
        customer_code=row["customer_code"],
        lifecycle=row["lifecycle"],
        owner_id=row["owner_id"],
        tags=tags,
        custom={**row["custom"], **rest.custom},
    )


def full_view(stamp: Stamp, state: ContactInput) -> ContactView:
    """A contact's own page. ``state.custom`` holds what the reader may see."""
    members = msgspec.structs.asdict(state)
    members["address"] = state.address or Address()
    return ContactView(
        **members,
        id=stamp.id,
        version=stamp.version,
        created_at=stamp.created_at,
        updated_at=stamp.updated_at,
        deleted_at=stamp.deleted_at,
    )
