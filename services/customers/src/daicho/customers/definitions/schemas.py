"""Shapes of custom fields on the REST API."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.fields import MAX_OPTIONS, FieldDefinition, FieldType, Option

Resource = Literal["contact", "company"]


Label = Annotated[str, Meta(max_length=100)]
Help = Annotated[str, Meta(max_length=1_000)]
Options = Annotated[tuple[Option, ...], Meta(max_length=MAX_OPTIONS)]
Roles = Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(min_length=1, max_length=100)]


class FieldInput(FieldDefinition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new custom field of a resource."""

    resource: Resource
    key: Annotated[str, Meta(max_length=100)]
    label: Label = ""
    help: Help = ""
    section: Label = ""
    options: Options = ()
    currency: Annotated[str, Meta(max_length=10)] = "JPY"
    link_resource: Annotated[str, Meta(max_length=100)] | None = None
    read_roles: Roles | None = None
    write_roles: Roles | None = None


class FieldPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What may change of a field: everything but its resource, key, type and what its stored values depend on."""

    label: Label | UnsetType = UNSET
    help: Help | UnsetType = UNSET
    section: Label | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    sensitive: bool | UnsetType = UNSET
    searchable: bool | UnsetType = UNSET
    sortable: bool | UnsetType = UNSET
    default: Any | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    read_roles: Roles | UnsetType | None = UNSET
    write_roles: Roles | UnsetType | None = UNSET
    position: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET


class FieldView(msgspec.Struct, kw_only=True):
    """A custom field. ``json_schema`` describes its values."""

    id: UUID
    version: int
    resource: Resource
    position: int
    key: str
    type: FieldType
    label: str
    help: str
    section: str
    required: bool
    unique: bool
    sensitive: bool
    searchable: bool
    sortable: bool
    default: Any
    options: tuple[Option, ...]
    scale: int
    currency: str
    link_resource: str | None
    max_length: int | None
    read_roles: tuple[str, ...] | None
    write_roles: tuple[str, ...] | None
    json_schema: dict[str, Any]


class FieldList(msgspec.Struct):
    """Every custom field that the caller may read, in the order of forms."""

    items: list[FieldView]
