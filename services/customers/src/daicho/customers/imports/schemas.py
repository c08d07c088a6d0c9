"""Shapes of imports on the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from daicho.customers.imports.model import OnMatch, Status
from daicho.customers.model import Resource


class ImportColumn(msgspec.Struct):
    """A column of the file, a few of its values, and the field that its header suggests."""

    index: int
    name: str
    samples: tuple[str, ...]
    suggested_field: str | None


class MappedColumn(msgspec.Struct, forbid_unknown_fields=True):
    """The column at ``column`` goes into ``field``; null leaves it out."""

    column: Annotated[int, Meta(ge=0, le=16_384)]
    field: Annotated[str, Meta(max_length=100)] | None = None


class ImportView(msgspec.Struct, kw_only=True):
    """An import: how its file is read, where its columns go, how far it is.

    ``rows`` counts the rows checked so far; ``valid`` those of them that are right, ``skipped`` the valid ones
    whose record exists already. ``failure`` says why nothing more will come of a failed one, ``failure_detail`` says it in words.
    """

    id: UUID
    resource: Resource
    status: Status
    file_name: str
    file_size: int
    encoding: str | None
    delimiter: str | None
    header_row: int
    columns: list[ImportColumn]
    mapping: list[MappedColumn]
    match_on: str | None
    on_match: OnMatch
    failure: str | None
    failure_detail: str | None
    rows: int
    valid: int
    rejected: int
    created: int
    updated: int
    skipped: int
    created_by: UUID
    created_at: datetime


class ImportPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the user knows better. A corrected format reads the columns anew and suggests a mapping again,
    unless ``mapping`` comes along. ``match_on`` is a mapped field by which a row finds its record."""

    encoding: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET
    delimiter: Annotated[str, Meta(max_length=4)] | UnsetType | None = UNSET
    header_row: int | UnsetType = UNSET
    mapping: Annotated[list[MappedColumn], Meta(max_length=500)] | UnsetType = UNSET
    match_on: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    on_match: Literal["create", "update", "skip"] | UnsetType = UNSET


class ImportProgress(msgspec.Struct, kw_only=True):
    """What the stream of an import tells."""

    id: UUID
    status: Status
    file_size: int
    failure: str | None
    rows: int
    valid: int
    rejected: int
    created: int
    updated: int
    skipped: int


class ImportError(msgspec.Struct):  # noqa: A001 the API's name for it
    """One thing wrong with one row; ``column`` is the header's text, null when it is the whole row."""

    row: int
    line: int
    column: str | None
    code: str
    detail: str


class ImportErrorPage(msgspec.Struct):
    """Errors in the order of the file."""

    items: list[ImportError]
    next_cursor: str | None


class ImportPage(msgspec.Struct):
    """Imports, newest first."""

    items: list[ImportView]
    next_cursor: str | None
