"""Companies in lists: shown, searched, filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from daicho.customers.companies import rows
from daicho.customers.companies.repository import REPOSITORY
from daicho.customers.companies.schemas import CompanyCard
from daicho.customers.lines import Lines, field, tag_binding
from daicho.customers.model import Company, Resource
from daicho.customers.repository import Repository, Row
from daicho.fields import FieldDefinition, FieldType, Schema
from daicho.fields.filters import Binding, PlainColumn
from daicho.keyring import TenantKeys
from daicho.nihongo import PREFECTURES

_k = Company.__table__.c

_FIELDS: Final = (
    field("id", FieldType.LINK),
    field("name", FieldType.TEXT),
    field("name_kana", FieldType.TEXT),
    field("corporate_number", FieldType.TEXT),
    field("registration_number", FieldType.TEXT),
    field("phone", FieldType.PHONE),
    field("url", FieldType.URL),
    field("address.prefecture", FieldType.SELECT, options=PREFECTURES),
    field("address.postal_code", FieldType.TEXT),
    field("address.city", FieldType.TEXT),
    field("address.street", FieldType.TEXT),
    field("address.building", FieldType.TEXT),
    field("capital", FieldType.MONEY),
    field("closing_month", FieldType.INTEGER),
    field("founded_on", FieldType.DATE),
    field("owner_id", FieldType.USER),
    field("tags", FieldType.TEXT),
    field("created_at", FieldType.DATETIME),
    field("updated_at", FieldType.DATETIME),
)
_WHOLE: Final = (
    "registration_number",
    "url",
    "address.postal_code",
    "address.street",
    "address.building",
    "capital",
    "closing_month",
    "founded_on",
)


class CompanyLine:
    """One company of a list, opened."""

    __slots__ = ("_custom", "_schema", "row")

    def __init__(self, keys: TenantKeys, row: Row, schema: Schema) -> None:
        self.row, self._schema = row, schema
        self._custom: dict[str, Any] = row["custom"]
        if "rest" in row.keys():  # noqa: SIM118 a record's "in" looks at values
            self._custom |= rows.open_rest(keys, row)

    def card(self, role: str | None) -> CompanyCard:
        """What a list shows; see :class:`daicho.customers.lines.Line`, as for the other methods."""
        sensitive = {key for key, each in self._schema.definitions.items() if each.sensitive}
        custom = {key: value for key, value in self._custom.items() if key not in sensitive}
        return rows.card_view(self.row, self._schema.readable(custom, role))

    def texts(self, role: str | None) -> Mapping[str, Sequence[str]]:
        """Name, kana, searchable custom fields."""
        return rows.texts_of(self.row["name"], self.row["name_kana"], self._schema, self._custom, role)

    def values(self, tags: Sequence[str]) -> Mapping[str, object]:
        """Everything that a filter may name."""
        row = self.row
        held = set(row.keys())
        plain = {name: row[column] for name in _COLUMNS if (column := name.removeprefix("address.")) in held}
        custom = {f"custom.{key}": value for key, value in self._custom.items()}
        return {**plain, **custom, "tags": tags}

    def kana(self) -> str:
        """The reading of the name."""
        return self.row["name_kana"] or ""


_COLUMNS: Final = tuple(each.key for each in _FIELDS if each.key != "tags")


class CompanyLines(Lines[CompanyCard]):
    """The lines of companies."""

    resource: ClassVar[Resource] = "company"
    plural: ClassVar[str] = "companies"
    repository: ClassVar[Repository] = REPOSITORY
    fields: ClassVar[Mapping[str, FieldDefinition]] = {each.key: each for each in _FIELDS}
    bindings: ClassVar[Mapping[str, Binding]] = {
        **{
            each.key: PlainColumn(_k[each.key.removeprefix("address.")])
            for each in _FIELDS
            if each.key not in {"tags", "phone"}
        },
        "tags": tag_binding("company"),
    }
    resting: ClassVar[frozenset[str]] = frozenset(_WHOLE)

    def open(self, keys: TenantKeys, row: Row, schema: Schema) -> CompanyLine:
        """``row`` opened."""
        return CompanyLine(keys, row, schema)
