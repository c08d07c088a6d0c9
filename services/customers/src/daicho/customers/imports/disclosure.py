"""Which parts of an import its reader may see: columns by the rules of fields, rows by the scope of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from daicho.customers.imports.detection import Column
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.mapping import ColumnMapping, header_reader
from daicho.customers.imports.model import Import
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.rejected import RejectedRow
from daicho.customers.model import RESOURCES
from daicho.fields import FieldDefinition
from daicho.tenancy import Grants, UserId

WITHHELD: Final = "withheld"
"""The code that stands for errors in columns whose cells the reader may not see."""
_WHOLE_ROW: Final = frozenset({"column_count", "unclosed_quote", "too_long"})
"""Faults of rows whose cells do not stand under their columns."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one reader may see of one import.

    A column that goes into a field which the reader's role may not read is not named to anybody. A reader who did not
    upload the file sees the cells of a column only when it goes into a field that they may read. They see samples only when they
    may read every record, and a rejected row only when they may read the records of its owner.
    """

    columns: tuple[Column, ...]
    """The columns that are named, with the samples that are shown."""
    mapping: tuple[ColumnMapping, ...]
    match_on: str | None
    _withheld: frozenset[int]
    """Columns whose cells are not shown."""
    _last: int
    """The last column with a name."""
    _is_uploader: bool
    _owners: frozenset[UserId] | None

    @property
    def is_whole(self) -> bool:
        """Whether every cell is shown."""
        return self._is_uploader and not self._withheld

    def row(self, row: RejectedRow) -> RejectedRow | None:
        """What is shown of a rejected row; None when it is out of the reader's scope."""
        if not self._is_uploader and self._owners is not None and row.owner_id not in self._owners:
            return None
        if self.is_whole:
            return row
        is_apart = any(each.column is None and each.code in _WHOLE_ROW for each in row.errors)
        cells = [] if is_apart else [cell for index, cell in enumerate(row.cells) if self._shows(index)]
        return RejectedRow(cells, list(self._errors(row.errors)), row.owner_id)

    def file_columns(self) -> tuple[Column, ...]:
        """The columns of the cells of :meth:`row`, by their place among these."""
        names = {each.index: each.name for each in self.columns}
        shown = [index for index in range(self._last + 1) if self._shows(index)]
        return tuple(Column(place, names.get(index, ""), ()) for place, index in enumerate(shown))

    def _shows(self, index: int) -> bool:
        return index not in self._withheld and (self._is_uploader or index <= self._last)

    def _errors(self, errors: Iterable[CellError]) -> Iterator[CellError]:
        """Errors of columns that are shown as they are; one for all others."""
        shown = {each.name for each in self.columns if self._shows(each.index)} | {None}
        yield from (each for each in errors if each.column in shown)
        if any(each.column not in shown for each in errors):
            yield CellError(None, WITHHELD)


def disclose(
    found: Import, definitions: Mapping[str, FieldDefinition], grants: Grants, reader: UUID | None
) -> Disclosure:
    """What ``reader`` may see of ``found`` with ``grants``; ``definitions`` are the resource's custom fields by key."""
    custom = tuple(definitions.values())
    fields = import_fields(found.resource, custom)
    described = found.description
    is_uploader = found.created_by == reader
    target = {each.column: each.field for each in described.mapping if each.field is not None}
    means = header_reader(found.resource, custom)

    def is_readable(name: str | None) -> bool:
        return name is None or (name in fields and fields[name].is_readable(grants.role))

    hidden = {
        each.index
        for each in described.columns
        if not is_readable(target.get(each.index, None if is_uploader else means(each.name)))
    }
    last = max((each.index for each in described.columns), default=-1)
    withheld = hidden if is_uploader else hidden | {n for n in range(last + 1) if n not in target}
    owners = grants.owners(f"{RESOURCES[found.resource]}:read")
    shows_samples = is_uploader or owners is None
    return Disclosure(
        columns=tuple(
            each if shows_samples and each.index not in withheld else Column(each.index, each.name, ())
            for each in described.columns
            if each.index not in hidden
        ),
        mapping=tuple(each for each in described.mapping if each.column not in hidden),
        match_on=found.match_on if is_readable(found.match_on) else None,
        _withheld=frozenset(withheld),
        _last=last,
        _is_uploader=is_uploader,
        _owners=owners,
    )
