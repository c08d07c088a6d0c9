"""A company between its shapes: as the API speaks of it and as its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from daicho.customers.companies.schemas import CompanyCard, CompanyInput, CompanyView, Money
from daicho.customers.companies.tokens import tokens_of
from daicho.customers.schemas import Address
from daicho.keyring import TenantKeys

TABLE: Final = "company"
REST: Final = "rest"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Row(Protocol):
    """A row of ``company``, as driver or ORM give it."""

    def __getitem__(self, name: str) -> Any: ...


def columns_of(
    keys: TenantKeys, company_id: UUID, state: CompanyInput, sensitive: Mapping[str, Any]
) -> dict[str, Any]:
    """What the row of a company in ``state`` holds; ``sensitive`` custom values go into its seal."""
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
        "custom": state.custom,
        "rest": keys.seal(TABLE, company_id, REST, _encode(dict(sensitive))) if sensitive else None,
        "tokens": tokens_of(keys, state.name, state.name_kana),
    }


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


def full_view(row: Row, tags: list[str], custom: dict[str, Any]) -> CompanyView:
    """A company's own page; ``custom`` holds what the reader may see."""
    return CompanyView(
        id=row["id"],
        version=row["version"],
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
        custom=custom,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row["deleted_at"],
    )


def state_of(view: CompanyView) -> CompanyInput:
    """The state that ``view`` shows."""
    members = msgspec.structs.asdict(view)
    for name in ("id", "version", "created_at", "updated_at", "deleted_at"):
        del members[name]
    return CompanyInput(**members)
