"""A company between its shapes: as the API speaks of it and as its columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from daicho.customers.companies.schemas import CompanyCard, CompanyInput, CompanyView, Money
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.records import Stamp
from daicho.customers.repository import Row
from daicho.customers.schemas import Address
from daicho.customers.terms import KANA, PHONE, TEXT, tokens_of
from daicho.customers.texts import custom_texts
from daicho.fields import Schema
from daicho.keyring import TenantKeys
from daicho.nihongo import fold

TABLE: Final = "company"
REST: Final = "rest"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


def columns_of(
    keys: TenantKeys,
    company_id: UUID,
    state: CompanyInput,
    schema: ResourceSchema,
    custom_tokens: Collection[int] | None = None,
) -> dict[str, Any]:
    """The columns of a company in ``state``; sensitive custom values go into its seal. ``custom_tokens`` as for
    contacts."""
    plain, sensitive = schema.split(state.custom)
    custom = state.custom if custom_tokens is None else {}
    texts = texts_of(state.name, state.name_kana, schema.schema, custom)
    address = state.address or Address()
    return {
        "name": state.name,
        "name_kana": state.name_kana,
        "corporate_number": state.corporate_number,
        "registration_number": state.registration_number,
        "phone": state.phone,
        "url": state.url,
        **msgspec.structs.asdict(address),
        "capital": state.capital.amount if state.capital else None,
        "closing_month": state.closing_month,
        "founded_on": state.founded_on,
        "owner_id": state.owner_id or None,
        "custom": plain,
        "rest": keys.seal(TABLE, company_id, REST, _encode(sensitive)) if sensitive else None,
        "tokens": tokens_of(keys, texts, custom_tokens or ()),
    }


def texts_of(
    name: str, kana: str | None, schema: Schema, custom: Mapping[str, Any], role: str | None = None
) -> dict[str, list[str]]:
    """The folded texts by which ``role`` finds a company, by class; the same for indexing (no role) and verifying."""
    texts, phones = custom_texts(schema, custom, role) if custom else ([], [])
    return {TEXT: [fold(name), *texts], KANA: [fold(kana)] if kana else [], PHONE: phones}


def open_rest(keys: TenantKeys, row: Row) -> dict[str, Any]:
    """The sensitive custom values of ``row``."""
    return {} if row["rest"] is None else _decode(keys.unseal(TABLE, row["id"], REST, row["rest"]))


def card_view(row: Row, custom: dict[str, Any]) -> CompanyCard:
    """A line of a list."""
    names = (
        "id",
        "version",
        "name",
        "name_kana",
        "corporate_number",
        "phone",
        "prefecture",
        "city",
        "owner_id",
    )
    return CompanyCard(
        **{name: row[name] for name in names},
        custom=custom,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def state_of(row: Row, sensitive: Mapping[str, Any], tags: list[str]) -> CompanyInput:
    """The state that a stored company is in."""
    return CompanyInput(
        name=row["name"],
        name_kana=row["name_kana"],
        corporate_number=row["corporate_number"],
        registration_number=row["registration_number"],
        phone=row["phone"],
        url=row["url"],
        address=Address(
            **{name: row[name] for name in ("postal_code", "prefecture", "city", "street", "building")}
        ),
        capital=None if row["capital"] is None else Money(row["capital"]),
        closing_month=row["closing_month"],
        founded_on=row["founded_on"],
        owner_id=row["owner_id"],
        tags=tags,
        custom={**row["custom"], **sensitive},
    )


def full_view(stamp: Stamp, state: CompanyInput) -> CompanyView:
    """A company's own page; ``state.custom`` holds what the reader may see."""
    members = msgspec.structs.asdict(state)
    members["address"] = state.address or Address()
    return CompanyView(
        **members,
        id=stamp.id,
        version=stamp.version,
        created_at=stamp.created_at,
        updated_at=stamp.updated_at,
        deleted_at=stamp.deleted_at,
    )
