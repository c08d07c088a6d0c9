"""Which values a user may read, as a reader of the audit: conditions and words of others' searches hold values.

A condition on a field, beside the records that matched, reveals the field's value. It is therefore shown only to
readers of the field; for a sensitive or custom field also only to readers of all records, because they did not choose the records.
"""

from __future__ import annotations

from typing import Any

from daicho.customers.lines import Lines, definitions_of
from daicho.customers.texts import searchable
from daicho.fields import FieldDefinition, Schema
from daicho.tenancy import Grants


def readable_fields(lines: Lines[Any], schema: Schema, grants: Grants) -> list[str]:
    """The fields whose values the user may read, by their names in filters."""
    reads_all = _reads_all(lines, grants)
    return [
        name
        for name, definition in definitions_of(lines, schema).items()
        if definition.is_readable(grants.role) and (reads_all or not _is_guarded(name, definition))
    ]


def may_read_words(lines: Lines[Any], schema: Schema, grants: Grants) -> bool:
    """Whether the user may read every field that a search by words looks into."""
    fields = searchable(schema).values()
    return _reads_all(lines, grants) and all(each.is_readable(grants.role) for each in fields)


def _reads_all(lines: Lines[Any], grants: Grants) -> bool:
    return grants.owners(f"{lines.plural}:read") is None


def _is_guarded(name: str, definition: FieldDefinition) -> bool:
    return definition.sensitive or name.startswith("custom.")
