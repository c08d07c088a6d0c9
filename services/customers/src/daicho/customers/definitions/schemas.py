"""Shapes of custom fields on the REST API."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.fields import FieldDefinition, FieldType, Option

Resource = Literal["contact", "company"]


class FieldInput(FieldDefinition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new custom field of a resource."""

    resource: Resource


class FieldPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What may change of a field: everything but its resource, key, type and what its stored values depend on."""

    label: str | UnsetType = UNSET
    help: str | UnsetType = UNSET
    section: str | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    sensitive: bool | UnsetType = UNSET
    searchable: bool | UnsetType = UNSET
    sortable: bool | UnsetType = UNSET
    default: Any | UnsetType = UNSET
    options: tuple[Option, ...] | UnsetType = UNSET
    read_roles: tuple[str, ...] | UnsetType | None = UNSET
    write_roles: tuple[str, ...] | UnsetType | None = UNSET
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
