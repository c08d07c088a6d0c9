"""A field as JSON Schema, for OpenAPI and for the console's forms."""

from __future__ import annotations

from typing import Any

from daicho.fields.definitions import (
    MAX_INTEGER,
    MAX_LONG_TEXT,
    MAX_SELECTED,
    MAX_TEXT,
    FieldDefinition,
    FieldType,
    Format,
)

_TEXTS: dict[FieldType, dict[str, Any]] = {
    FieldType.URL: {"type": "string", "format": "uri", "maxLength": 2000},
    FieldType.EMAIL: {"type": "string", "format": "email", "maxLength": 254},
    FieldType.PHONE: {"type": "string", "pattern": r"^\+[1-9][0-9]{4,14}$"},
    FieldType.USER: {"type": "string", "format": "uuid"},
    FieldType.LINK: {"type": "string", "format": "uuid"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.DATETIME: {"type": "string", "format": "date-time"},
    FieldType.DECIMAL: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    FieldType.BOOLEAN: {"type": "boolean"},
}
_FORMATS: dict[Format, dict[str, Any]] = {
    Format.LINE: {"pattern": r"^[^\r\n]*$"},
    Format.POSTAL_CODE: {"pattern": "^[0-9]{7}$"},
    Format.CORPORATE_NUMBER: {"pattern": "^[1-9][0-9]{12}$"},
    Format.REGISTRATION_NUMBER: {"pattern": "^T[1-9][0-9]{12}$"},
    Format.MONTH: {"minimum": 1, "maximum": 12},
}


def json_schema(definition: FieldDefinition) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the field's stored value; null is allowed unless it is required."""
    schema: dict[str, Any] = {**_value(definition)}
    if not definition.required:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if definition.label:
        schema["title"] = definition.label
    if definition.help:
        schema["description"] = definition.help
    if definition.default is not None:
        schema["default"] = definition.default
    return schema


def _value(definition: FieldDefinition) -> dict[str, Any]:
    form = _FORMATS.get(definition.format, {}) if definition.format else {}
    match definition.type:
        case FieldType.LONG_TEXT:
            return {"type": "string", "maxLength": definition.max_length or MAX_LONG_TEXT, **form}
        case FieldType.TEXT:
            form = form or _FORMATS[Format.LINE]
            return {"type": "string", "maxLength": definition.max_length or MAX_TEXT, **form}
        case FieldType.INTEGER:
            return {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER, **form}
        case FieldType.MONEY:
            amount = {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
            properties = {"amount": amount, "currency": {"const": definition.currency}}
            return {
                "type": "object",
                "properties": properties,
                "required": ["amount"],
                "additionalProperties": False,
            }
        case FieldType.SELECT:
            return {"type": "string", "enum": _offered(definition)}
        case FieldType.MULTI_SELECT:
            items = {"type": "string", "enum": _offered(definition)}
            return {"type": "array", "items": items, "uniqueItems": True, "maxItems": MAX_SELECTED}
        case _:
            return _TEXTS[definition.type]


def _offered(definition: FieldDefinition) -> list[str | None]:
    return [option.value for option in definition.options if not option.archived]
