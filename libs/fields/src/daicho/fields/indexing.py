"""Values as the typed index tables hold them: text, bigint, uuid, date and timestamptz only.

Other types (numeric, jsonb, arrays) would turn into sequential scans under row-level security.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import cast
from uuid import UUID

from daicho import nihongo
from daicho.fields.definitions import FieldDefinition, FieldType

MAX_INDEXED_TEXT = 200
"""Characters of folded text that an index row holds; a longer text keeps its beginning."""

IndexValue = str | int | UUID | dt.date | dt.datetime


class IndexKind(StrEnum):
    """The column types of the index tables."""

    TEXT = "text"
    BIGINT = "bigint"
    UUID = "uuid"
    DATE = "date"
    TIMESTAMPTZ = "timestamptz"


_KINDS: Mapping[FieldType, IndexKind] = {
    FieldType.TEXT: IndexKind.TEXT,
    FieldType.INTEGER: IndexKind.BIGINT,
    FieldType.DECIMAL: IndexKind.BIGINT,
    FieldType.MONEY: IndexKind.BIGINT,
    FieldType.DATE: IndexKind.DATE,
    FieldType.DATETIME: IndexKind.TIMESTAMPTZ,
    FieldType.BOOLEAN: IndexKind.BIGINT,
    FieldType.SELECT: IndexKind.TEXT,
    FieldType.MULTI_SELECT: IndexKind.TEXT,
    FieldType.URL: IndexKind.TEXT,
    FieldType.EMAIL: IndexKind.TEXT,
    FieldType.PHONE: IndexKind.TEXT,
    FieldType.USER: IndexKind.UUID,
    FieldType.LINK: IndexKind.UUID,
}


def index_kind(definition: FieldDefinition) -> IndexKind | None:
    """Which index table holds the field; None for long text and for sensitive fields, which have no index."""
    return None if definition.sensitive else _KINDS.get(definition.type)


def index_rows(definition: FieldDefinition, value: object) -> tuple[IndexValue, ...]:
    """The index values of one stored value: none for null, several for a multi-select.

    Text is folded and cut to :data:`MAX_INDEXED_TEXT`.
    """
    if value is None or index_kind(definition) is None:
        return ()
    values = value if isinstance(value, (list, tuple)) else (value,)
    typed = (comparable(definition, each) for each in values)
    return tuple(each[:MAX_INDEXED_TEXT] if isinstance(each, str) else each for each in typed)


def comparable(definition: FieldDefinition, value: object) -> IndexValue:
    """One stored value in the type that it is compared in; text and URLs folded, but whole;
    telephones as domestic digits.

    Dates and moments may come as objects or in their stored form.
    """
    return _COMPARABLE[definition.type](value, definition)


def _folded(value: object, _definition: FieldDefinition) -> str:
    return nihongo.fold(str(value))


def _plain(value: object, _definition: FieldDefinition) -> str:
    return str(value)


def _phone(value: object, _definition: FieldDefinition) -> str:
    return nihongo.phone_digits(str(value))


def _integer(value: object, _definition: FieldDefinition) -> int:
    return int(cast(int, value))


def _decimal(value: object, definition: FieldDefinition) -> int:
    return int(Decimal(str(value)).scaleb(definition.scale))


def _money(value: object, _definition: FieldDefinition) -> int:
    amount = value["amount"] if isinstance(value, Mapping) else value
    return int(cast(int, amount))


def _date(value: object, _definition: FieldDefinition) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def _datetime(value: object, _definition: FieldDefinition) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))


def _uuid(value: object, _definition: FieldDefinition) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


_COMPARABLE: Mapping[FieldType, Callable[[object, FieldDefinition], IndexValue]] = {
    FieldType.TEXT: _folded,
    FieldType.LONG_TEXT: _folded,
    FieldType.URL: _folded,
    FieldType.INTEGER: _integer,
    FieldType.BOOLEAN: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.MONEY: _money,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.SELECT: _plain,
    FieldType.MULTI_SELECT: _plain,
    FieldType.EMAIL: _plain,
    FieldType.PHONE: _phone,
    FieldType.USER: _uuid,
    FieldType.LINK: _uuid,
}
