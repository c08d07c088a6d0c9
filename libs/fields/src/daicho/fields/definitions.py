"""What a field is: its type, its rules, and which definitions are sound."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

MAX_FIELDS = 200
"""Custom fields of one resource."""
MAX_OPTIONS = 5_000
MAX_OPTION = 100
"""Characters of an option's value or label after NFKC. A stored one may have :data:`MAX_TEXT`."""
MAX_OPTION_TEXT = 100_000
"""Characters of the values and labels of all options of a field together, after NFKC."""
MAX_SELECTED = 100
MAX_TEXT = 500
MAX_LONG_TEXT = 20_000
MAX_SCALE = 6
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps; what money, integers and scaled decimals stay below."""


class FieldType(StrEnum):
    """The types of fields. The comment says how a value looks in JSON, which is also how it is stored."""

    TEXT = "text"  # string of one line, without invisible characters (nihongo.is_single_line)
    LONG_TEXT = "long_text"  # string, line ends as LF
    INTEGER = "integer"  # integer
    DECIMAL = "decimal"  # string such as "-1.25", at most ``scale`` places
    MONEY = "money"  # {"amount": integer in minor units, "currency": ISO 4217}
    DATE = "date"  # "2026-11-21"
    DATETIME = "datetime"  # RFC 3339 in UTC
    BOOLEAN = "boolean"  # true, false
    SELECT = "select"  # an option's value
    MULTI_SELECT = "multi_select"  # list of options' values, in the options' order
    URL = "url"  # http or https
    EMAIL = "email"  # lower-case ASCII
    PHONE = "phone"  # E.164
    USER = "user"  # UUID
    LINK = "link"  # UUID


class Format(StrEnum):
    """A text or an integer with a form of its own; the products' built-in fields use them."""

    LINE = "line"  # text without line ends
    KANA = "kana"  # stored as full-width katakana
    POSTAL_CODE = "postal_code"  # seven digits
    CORPORATE_NUMBER = "corporate_number"  # 13 digits with check digit
    REGISTRATION_NUMBER = "registration_number"  # T and 13 digits
    MONTH = "month"  # integer 1 to 12


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One choice of a select. An archived one stays on the records that have it and is offered no more."""

    value: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
    label: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    color: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    archived: bool = False


class FieldDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One field of a resource. ``read_roles`` and ``write_roles`` are role keys; None lets everybody."""

    key: str
    type: FieldType
    label: str = ""
    help: str = ""
    section: str = ""
    required: bool = False
    unique: bool = False
    sensitive: bool = False
    searchable: bool = False
    sortable: bool = False
    default: object = None
    options: tuple[Option, ...] = ()
    format: Format | None = None
    scale: int = 2
    currency: str = "JPY"
    link_resource: str | None = None
    max_length: int | None = None
    read_roles: tuple[str, ...] | None = None
    write_roles: tuple[str, ...] | None = None

    def is_readable(self, role: str | None) -> bool:
        """Whether ``role`` sees the field; None stands for the system itself."""
        return role is None or self.read_roles is None or role in self.read_roles

    def is_writable(self, role: str | None) -> bool:
        """Whether ``role`` may change the field, for which it must see the field."""
        allowed = role is None or self.write_roles is None or role in self.write_roles
        return allowed and self.is_readable(role)
