"""An import as it is kept: what is known of the file, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from daicho.customers.imports.detection import Column
from daicho.customers.imports.file_names import clean_file_name
from daicho.customers.imports.files import FileFormat
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.model import Resource
from daicho.keyring import TenantKeys
from daicho.tenancy import UserId

Status = Literal["mapping", "checking", "checked", "running", "done", "failed"]
OnMatch = Literal["create", "update", "skip"]
TABLE: Final = "import"
FINAL: Final = frozenset({"done", "failed"})
AT_WORK: Final = frozenset({"checking", "running"})


class Description(msgspec.Struct, array_like=True, frozen=True):
    """The sealed part: whatever quotes the file."""

    file_name: str
    columns: tuple[Column, ...]
    mapping: tuple[ColumnMapping, ...]


def is_for_updates(match_on: str | None, on_match: OnMatch) -> bool:
    """Whether rows find their records by a key, so that the file need not hold what a new record requires."""
    return match_on is not None and on_match == "update"


@dataclass(frozen=True, slots=True)
class Import:
    """One row of ``import``, opened."""

    id: UUID
    resource: Resource
    status: Status
    version: int
    created_by: UserId
    created_at: datetime
    file_size: int
    format: FileFormat
    description: Description
    match_on: str | None
    on_match: OnMatch
    failure: str | None
    fields_revision: int
    read: int
    rows: int
    valid: int
    rejected: int
    created: int
    updated: int
    skipped: int
    index_keys: bytes | None
    """The keys of the staged rows' tokens; None where these are of several."""

    @property
    def has_begun(self) -> bool:
        """Whether rows of it are in the ledger: from then on it can only be run to its end."""
        return self.created + self.updated > 0

    @property
    def only_owner(self) -> UserId | None:
        """Who owns every record of the file: who uploaded it, unless rows name an owner or change records of others."""
        names_owner = any(each.field == "owner" for each in self.description.mapping)
        return None if names_owner or self.on_match == "update" else self.created_by

    @property
    def updates_only(self) -> bool:
        """See :func:`is_for_updates`."""
        return is_for_updates(self.match_on, self.on_match)


_decode_format = msgspec.json.Decoder(FileFormat).decode
_decode_description = msgspec.msgpack.Decoder(Description).decode
_encode = msgspec.msgpack.Encoder().encode
_PLAIN: Final = (
    "id",
    "resource",
    "status",
    "version",
    "created_by",
    "created_at",
    "file_size",
    "match_on",
    "on_match",
    "failure",
    "fields_revision",
    "read",
    "rows",
    "valid",
    "rejected",
    "created",
    "updated",
    "skipped",
    "index_keys",
)


def open_import(keys: TenantKeys, row: Any) -> Import:
    """A row as the driver gives it. Raises :class:`daicho.keyring.Tampered`."""
    description = _decode_description(keys.unseal(TABLE, row["id"], "description", row["sealed"]))
    name = clean_file_name(description.file_name)  # one that is older than the rule for names
    return Import(
        **{name: row[name] for name in _PLAIN},
        format=_decode_format(row["format"]),
        description=msgspec.structs.replace(description, file_name=name),
    )


def seal_description(keys: TenantKeys, import_id: UUID, description: Description) -> bytes:
    """The sealed part of the row ``import_id``."""
    return keys.seal(TABLE, import_id, "description", _encode(description))
