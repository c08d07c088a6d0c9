"""What custom fields add to the texts that a record is found by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daicho.fields import FieldDefinition, FieldType, Schema
from daicho.nihongo import fold, phone_digits

LONGEST: Final = 2_000
"""Characters of a long text that are searchable: its index would outgrow the record."""


def custom_texts(
    schema: Schema, values: Mapping[str, Any], role: str | None = None
) -> tuple[list[str], list[str]]:
    """The folded texts, and the digits of telephones, of the searchable fields that ``role`` may read."""
    texts: list[str] = []
    phones: list[str] = []
    for key, definition in searchable(schema).items():
        value = values.get(key)
        if value is None or not definition.is_readable(role):
            continue
        if definition.type is FieldType.PHONE:
            phones.append(phone_digits(value))
        else:
            texts.append(fold(str(value))[:LONGEST])
    return texts, phones


def searchable(schema: Schema) -> dict[str, FieldDefinition]:
    """The searchable fields of a schema."""
    return {key: field for key, field in schema.definitions.items() if field.searchable}
