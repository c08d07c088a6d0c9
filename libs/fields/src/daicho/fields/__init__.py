"""Fields that tenants define, the one validator of their values, and the filter language over them.

Pure: no I/O, no clock, no service's nouns. Values are in the form in which JSON carries and stores them
(see :class:`FieldType`).
"""

from daicho.fields.checks import check_definition, check_in_steps, is_key
from daicho.fields.definitions import (
    MAX_FIELDS,
    MAX_OPTIONS,
    FieldDefinition,
    FieldType,
    Format,
    Option,
)
from daicho.fields.indexing import IndexKind, IndexValue, comparable, index_kind, index_rows
from daicho.fields.schema_fragment import json_schema
from daicho.fields.validation import Checked, FieldValidator, Resolve, Schema, as_fault
from daicho.fields.values import Refused, read_url
from daicho.fields.writing import ToText, phone_text, text_writer

__all__ = [
    "MAX_FIELDS",
    "MAX_OPTIONS",
    "Checked",
    "FieldDefinition",
    "FieldType",
    "FieldValidator",
    "Format",
    "IndexKind",
    "IndexValue",
    "Option",
    "Refused",
    "Resolve",
    "Schema",
    "ToText",
    "as_fault",
    "check_definition",
    "check_in_steps",
    "comparable",
    "index_kind",
    "index_rows",
    "is_key",
    "json_schema",
    "phone_text",
    "read_url",
    "text_writer",
]
