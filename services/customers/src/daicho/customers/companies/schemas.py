"""Shapes of companies on the REST API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.customers.schemas import (
    Count,
    CustomValues,
    FilledText,
    RecordInput,
    RecordPatch,
    RecordView,
    ShortText,
)

Month = Annotated[int, Meta(ge=1, le=12)]
Url = Annotated[str, Meta(max_length=2_000)]
Amount = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class Money(msgspec.Struct, forbid_unknown_fields=True):
    """An amount in the currency's minor units: 1,200 yen are 1200, and so are 12.00 dollars."""

    amount: Amount
    currency: Annotated[str, Meta(max_length=10, pattern="^[A-Z]{3}$")] = "JPY"


class CompanyInput(RecordInput, forbid_unknown_fields=True, kw_only=True):
    """A new company. ``corporate_number`` is the 法人番号, ``registration_number`` the T-number for invoices."""

    name: FilledText
    name_kana: ShortText | None = None
    corporate_number: ShortText | None = None
    registration_number: ShortText | None = None
    phone: ShortText | None = None
    url: Url | None = None
    capital: Money | None = None
    closing_month: Month | None = None
    founded_on: date | None = None


class CompanyPatch(RecordPatch, forbid_unknown_fields=True, kw_only=True):
    """The members to change (RFC 7396: what is absent stays, null empties). ``custom`` merges by key."""

    name: FilledText | UnsetType = UNSET
    name_kana: ShortText | UnsetType | None = UNSET
    corporate_number: ShortText | UnsetType | None = UNSET
    registration_number: ShortText | UnsetType | None = UNSET
    phone: ShortText | UnsetType | None = UNSET
    url: Url | UnsetType | None = UNSET
    capital: Money | UnsetType | None = UNSET
    closing_month: Month | UnsetType | None = UNSET
    founded_on: date | UnsetType | None = UNSET


class CompanyView(RecordView, kw_only=True):
    """A company as its reader may see it."""

    name: str
    name_kana: str | None
    corporate_number: str | None
    registration_number: str | None
    phone: str | None
    url: str | None
    capital: Money | None
    closing_month: int | None
    founded_on: date | None


class CompanyCard(msgspec.Struct, kw_only=True):
    """What a list shows of a company."""

    id: UUID
    version: int
    name: str
    name_kana: str | None
    corporate_number: str | None
    phone: str | None
    prefecture: str | None
    city: str | None
    owner_id: UUID | None
    custom: CustomValues
    created_at: datetime
    updated_at: datetime


class CompanyPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of companies, in the order ``sort``."""

    items: list[CompanyCard]
    next_cursor: str | None
    sort: str
    count: Count | None = None
