"""Contacts in lists: opened, shown, searched, filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, get_args

from daicho.customers.contacts import rows
from daicho.customers.contacts.repository import REPOSITORY
from daicho.customers.contacts.schemas import ContactCard, Lifecycle
from daicho.customers.contacts.sealing import Rest
from daicho.customers.finding.narrowing import Indexed
from daicho.customers.lines import Lines, field, tag_binding
from daicho.customers.model import Company, Contact, Resource
from daicho.customers.repository import Repository, Row
from daicho.customers.terms import EMAIL, KANA, NAME, PHONE
from daicho.fields import FieldDefinition, FieldType, Schema
from daicho.fields.filters import Binding, PlainColumn, Sealed
from daicho.keyring import TenantKeys
from daicho.nihongo import KANA_BUCKETS, PREFECTURES, kana_bucket

_c = Contact.__table__.c

_FIELDS: Final = (
    field("id", FieldType.LINK),
    field("family_name", FieldType.TEXT, sensitive=True),
    field("given_name", FieldType.TEXT, sensitive=True),
    field("family_name_kana", FieldType.TEXT, sensitive=True),
    field("given_name_kana", FieldType.TEXT, sensitive=True),
    field("email", FieldType.EMAIL, sensitive=True),
    field("phone", FieldType.PHONE, sensitive=True),
    field("company_id", FieldType.LINK),
    field("company_name", FieldType.TEXT),
    field("department", FieldType.TEXT),
    field("title", FieldType.TEXT),
    field("customer_code", FieldType.TEXT),
    field("lifecycle", FieldType.SELECT, options=get_args(Lifecycle)),
    field("first_kana", FieldType.SELECT, options=KANA_BUCKETS),
    field("address.prefecture", FieldType.SELECT, options=PREFECTURES),
    field("address.postal_code", FieldType.TEXT, sensitive=True),
    field("address.city", FieldType.TEXT, sensitive=True),
    field("address.street", FieldType.TEXT, sensitive=True),
    field("address.building", FieldType.TEXT, sensitive=True),
    field("birthday", FieldType.DATE, sensitive=True),
    field("notes", FieldType.LONG_TEXT, sensitive=True),
    field("owner_id", FieldType.USER),
    field("tags", FieldType.TEXT),
    field("created_at", FieldType.DATETIME),
    field("updated_at", FieldType.DATETIME),
)


class ContactLine:
    """One contact of a list, opened."""

    __slots__ = ("_custom", "_keys", "_opened", "_schema", "row")

    def __init__(self, keys: TenantKeys, row: Row, schema: Schema) -> None:
        self.row, self._keys, self._schema = row, keys, schema
        self._opened = rows.open_card(keys, row)
        self._custom: dict[str, Any] = row["custom"]

    def card(self, role: str | None) -> ContactCard:
        """What a list shows; see :class:`daicho.customers.lines.Line`, as for the other methods."""
        custom = self._schema.readable(self._custom, role) if self._custom else {}
        return rows.card_view(self.row, self._opened, custom)

    def _rest(self) -> Rest:
        whole = "rest" in self.row.keys()  # noqa: SIM118 a record's "in" looks at values
        return rows.open_rest(self._keys, self.row) if whole else Rest()

    def texts(self, role: str | None) -> Mapping[str, Sequence[str]]:
        """Names, kana, e-mails, telephones, company, searchable custom fields."""
        custom = {**self._custom, **self._rest().custom}
        return rows.texts_of(self._opened, self.row["company_name"], self._schema, custom, role)

    def values(self, tags: Sequence[str]) -> Mapping[str, object]:
        """Everything that a filter may name."""
        row, card, rest = self.row, self._opened, self._rest()
        custom = {**self._custom, **rest.custom}
        plain = {name: row[name] for name in _PLAIN}
        return {
            **plain,
            **{f"custom.{key}": value for key, value in custom.items()},
            **{
                f"address.{name}": getattr(rest, name)
                for name in ("postal_code", "city", "street", "building")
            },
            **{name: getattr(card, name) for name in _NAMES},
            "email": [address for _, address in card.emails],
            "phone": [number for _, number in card.phones],
            "first_kana": kana_bucket(card.family_name_kana),
            "address.prefecture": row["prefecture"],
            "birthday": rest.birthday,
            "notes": rest.notes,
            "tags": tags,
        }

    def kana(self) -> str:
        """姓 and 名 in kana."""
        return (self._opened.family_name_kana or "") + "\0" + (self._opened.given_name_kana or "")


_PLAIN: Final = (
    "id",
    "company_id",
    "company_name",
    "department",
    "title",
    "customer_code",
    "lifecycle",
    "owner_id",
    "created_at",
    "updated_at",
)
_NAMES: Final = ("family_name", "given_name", "family_name_kana", "given_name_kana")


class ContactLines(Lines[ContactCard]):
    """The lines of contacts."""

    resource: ClassVar[Resource] = "contact"
    plural: ClassVar[str] = "contacts"
    repository: ClassVar[Repository] = REPOSITORY
    fields: ClassVar[Mapping[str, FieldDefinition]] = {each.key: each for each in _FIELDS}
    bindings: ClassVar[Mapping[str, Binding]] = {
        "id": PlainColumn(_c.id),
        "company_id": PlainColumn(_c.company_id),
        "company_name": PlainColumn(Company.__table__.c.name),
        "department": PlainColumn(_c.department),
        "title": PlainColumn(_c.title),
        "customer_code": PlainColumn(_c.customer_code),
        "lifecycle": PlainColumn(_c.lifecycle),
        "first_kana": PlainColumn(_c.first_kana),
        "address.prefecture": PlainColumn(_c.prefecture),
        "owner_id": PlainColumn(_c.owner_id),
        "created_at": PlainColumn(_c.created_at),
        "updated_at": PlainColumn(_c.updated_at),
        "email": Sealed(is_set=_c.has_email),
        "phone": Sealed(is_set=_c.has_phone),
        "tags": tag_binding("contact"),
    }
    resting: ClassVar[frozenset[str]] = frozenset(
        {"address.postal_code", "address.city", "address.street", "address.building", "birthday", "notes"}
    )
    indexed: ClassVar[Mapping[str, Indexed]] = {
        "family_name": Indexed(NAME, ends=False),
        "given_name": Indexed(NAME, begins=False),
        "family_name_kana": Indexed(KANA, ends=False),
        "given_name_kana": Indexed(KANA, begins=False),
        "email": Indexed(EMAIL),
        "phone": Indexed(PHONE),
    }

    def open(self, keys: TenantKeys, row: Row, schema: Schema) -> ContactLine:
        """``row`` opened."""
        return ContactLine(keys, row, schema)
