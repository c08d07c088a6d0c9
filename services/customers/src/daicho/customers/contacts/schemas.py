"""Shapes of contacts on the REST API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.customers.schemas import (
    Count,
    CustomValues,
    FilledText,
    LongText,
    RecordInput,
    RecordPatch,
    RecordView,
    ShortText,
)

EmailKind = Literal["work", "home", "other"]
PhoneKind = Literal["work", "mobile", "home", "fax", "other"]
Lifecycle = Literal["lead", "prospect", "customer", "former", "other"]


class Email(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An address and what it is used for."""

    address: Annotated[str, Meta(max_length=254)]
    kind: EmailKind = "work"


class Phone(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A number, in any spelling on the way in, in E.164 on the way out."""

    number: Annotated[str, Meta(max_length=50)]
    kind: PhoneKind = "work"


Emails = Annotated[list[Email], Meta(max_length=20)]
Phones = Annotated[list[Phone], Meta(max_length=20)]


class ContactInput(RecordInput, forbid_unknown_fields=True, kw_only=True):
    """A new contact. A company is named by its id, or by its name, which is then found or created."""

    family_name: FilledText
    given_name: ShortText | None = None
    family_name_kana: ShortText | None = None
    given_name_kana: ShortText | None = None
    emails: Emails = []  # noqa: RUF012 msgspec copies an empty default
    phones: Phones = []  # noqa: RUF012 as above
    company_id: UUID | None = None
    company_name: ShortText | None = None
    department: ShortText | None = None
    title: ShortText | None = None
    birthday: date | None = None
    notes: LongText | None = None
    customer_code: ShortText | None = None
    lifecycle: Lifecycle = "lead"


class ContactPatch(RecordPatch, forbid_unknown_fields=True, kw_only=True):
    """The members to change (RFC 7396: what is absent stays, null empties). ``custom`` merges by key."""

    family_name: FilledText | UnsetType = UNSET
    given_name: ShortText | UnsetType | None = UNSET
    family_name_kana: ShortText | UnsetType | None = UNSET
    given_name_kana: ShortText | UnsetType | None = UNSET
    emails: Emails | UnsetType = UNSET
    phones: Phones | UnsetType = UNSET
    company_id: UUID | UnsetType | None = UNSET
    company_name: ShortText | UnsetType | None = UNSET
    department: ShortText | UnsetType | None = UNSET
    title: ShortText | UnsetType | None = UNSET
    birthday: date | UnsetType | None = UNSET
    notes: LongText | UnsetType | None = UNSET
    customer_code: ShortText | UnsetType | None = UNSET
    lifecycle: Lifecycle | UnsetType = UNSET


class ContactView(RecordView, kw_only=True):
    """A contact as its reader may see it: fields that they may not read are absent from ``custom``."""

    family_name: str
    given_name: str | None
    family_name_kana: str | None
    given_name_kana: str | None
    emails: list[Email]
    phones: list[Phone]
    company_id: UUID | None
    company_name: str | None
    department: str | None
    title: str | None
    birthday: date | None
    notes: str | None
    customer_code: str | None
    lifecycle: str


class ContactCard(msgspec.Struct, kw_only=True, gc=False):
    """What a list shows of a contact."""

    id: UUID
    version: int
    family_name: str
    given_name: str | None
    family_name_kana: str | None
    given_name_kana: str | None
    emails: list[Email]
    phones: list[Phone]
    company_id: UUID | None
    company_name: str | None
    department: str | None
    title: str | None
    customer_code: str | None
    lifecycle: str
    prefecture: str | None
    owner_id: UUID | None
    custom: CustomValues
    created_at: datetime
    updated_at: datetime


class ContactPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of contacts. ``sort`` is the order that they are in: the one asked for, but for buckets of kana
    with more than 20,000 contacts, which are newest first."""

    items: list[ContactCard]
    next_cursor: str | None
    sort: str
    count: Count | None = None
