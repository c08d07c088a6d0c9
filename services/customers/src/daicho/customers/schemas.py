"""Shapes that companies and contacts share on the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.fields import MAX_FIELDS

ShortText = Annotated[str, Meta(max_length=200)]
FilledText = Annotated[str, Meta(min_length=1, max_length=200)]
LongText = Annotated[str, Meta(max_length=20_000)]
TagName = Annotated[str, Meta(min_length=1, max_length=50)]
Tags = Annotated[list[TagName], Meta(max_length=50)]
CustomValues = Annotated[dict[str, Any], Meta(max_length=2 * MAX_FIELDS)]
FilterTree = Annotated[dict[str, Any], Meta(max_length=10)]
"""A filter; :func:`daicho.fields.filters.parse_filter` bounds what is in it."""


class Address(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A Japanese address; ``postal_code`` is seven digits."""

    postal_code: ShortText | None = None
    prefecture: ShortText | None = None
    city: ShortText | None = None
    street: ShortText | None = None
    building: ShortText | None = None


class AddressPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The members to change; null empties one."""

    postal_code: ShortText | UnsetType | None = UNSET
    prefecture: ShortText | UnsetType | None = UNSET
    city: ShortText | UnsetType | None = UNSET
    street: ShortText | UnsetType | None = UNSET
    building: ShortText | UnsetType | None = UNSET


class RecordInput(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a new contact and a new company have in common. Without ``owner_id`` the caller owns it."""

    address: Address | None = None
    owner_id: UUID | UnsetType | None = UNSET
    tags: Tags = []
    custom: CustomValues = {}


class RecordPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Members to change (RFC 7396: what is absent stays, null empties). ``custom`` merges by key."""

    address: AddressPatch | UnsetType | None = UNSET
    owner_id: UUID | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    custom: CustomValues | UnsetType = UNSET


class RecordView(msgspec.Struct, kw_only=True):
    """What every record's own page shows. Custom fields that the reader may not see are absent."""

    id: UUID
    version: int
    address: Address
    owner_id: UUID | None
    tags: list[str]
    custom: CustomValues
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class SearchRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to find: words (``q``), a filter tree, an order, and where the last page ended.

    ``count`` asks for the number of all that match as well, up to 1,000.
    """

    q: Annotated[str, Meta(max_length=200)] | None = None
    filter: FilterTree | None = None
    sort: Annotated[str, Meta(max_length=100)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=2_000)] | None = None
    count: bool = False


MOST_COUNTED: Final = 1_000


class Count(msgspec.Struct):
    """How many there are; ``capped`` when there are more than that."""

    value: int
    capped: bool


class HistoryEntry(msgspec.Struct, kw_only=True):
    """One step in a record's history, newest first. ``changes`` maps a field to its value before and after."""

    version: int
    kind: Literal["created", "updated", "deleted", "restored", "handed_over"]
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    cause_id: UUID | None
    changes: dict[str, tuple[Any, Any]]


class History(msgspec.Struct):
    """Steps of a record's history, newest first."""

    items: list[HistoryEntry]
    next_cursor: str | None
