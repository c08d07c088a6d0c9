"""The columns of an export: what heads them, and what of a record stands in them.

Headers are such that an import of the file suggests the field that each column came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from daicho.customers.contacts.schemas import ContactInput
from daicho.customers.imports.fields import CONTACT_FIELDS
from daicho.customers.imports.headers import FIELD_OF_HEADER
from daicho.customers.imports.mapping import header_reader
from daicho.customers.imports.normalising import join_tags
from daicho.customers.model import Resource
from daicho.customers.repository import Row
from daicho.faults import Language
from daicho.fields import FieldDefinition, FieldType, phone_text, text_writer
from daicho.nihongo import JAPAN


class Opened(NamedTuple):
    """A record, its custom values those that the caller may read, and what users are called in files."""

    state: Any
    row: Row
    people: Mapping[UUID, str]


Text = Callable[[Opened], str]


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column. ``field`` is the import's name of it, None where an import leaves it out."""

    field: str | None
    header: str
    text: Text


class _Made(NamedTuple):
    """A column that is not named yet; ``names`` in Japanese and in English."""

    field: str | None
    names: tuple[str, str]
    text: Text


def columns_of(
    resource: Resource, definitions: Sequence[FieldDefinition], role: str | None, language: Language
) -> list[ExportColumn]:
    """Every column that ``role`` may read."""
    field_of = header_reader(resource, definitions)
    made = [*_BUILT_IN[resource], *_custom(definitions, role, language), *_AROUND]
    return [
        ExportColumn(each.field, _header(each, resource, field_of, language), _in_language(each, language))
        for each in made
    ]


def _header(
    column: _Made, resource: Resource, field_of: Callable[[str], str | None], language: Language
) -> str:
    """The first of a column's names that an import takes for its field: a company's own fields may be called alike."""
    japanese, english = column.names
    names = [japanese, english] if language == "ja" else [english, japanese]
    if column.field is not None:
        names += [key for key, field in FIELD_OF_HEADER[resource].items() if field == column.field]
        names.append(column.field)
    else:
        names += [f"Daicho {english}"]
    return next((name for name in names if field_of(name) == column.field), names[-1])


def _in_language(column: _Made, language: Language) -> Text:
    return _lifecycle if column.field == "lifecycle" and language == "ja" else column.text


def _custom(definitions: Iterable[FieldDefinition], role: str | None, language: Language) -> Iterator[_Made]:
    for each in definitions:
        if each.is_readable(role):
            name = each.label or each.key
            yield _Made(f"custom.{each.key}", (name, name), _custom_text(each, language))


def _custom_text(definition: FieldDefinition, language: Language) -> Text:
    key, write = definition.key, text_writer(definition, language)
    is_user = definition.type is FieldType.USER

    def text(opened: Opened) -> str:
        value = opened.state.custom.get(key)
        if value is None:
            return ""
        return opened.people.get(UUID(value), value) if is_user else write(value)

    return text


def users_of(states: Iterable[Any], definitions: Iterable[FieldDefinition]) -> set[UUID]:
    """Everybody whom the columns of ``states`` name."""
    keys = [each.key for each in definitions if each.type is FieldType.USER]
    found = set()
    for state in states:
        if state.owner_id:
            found.add(state.owner_id)
        found.update(UUID(value) for key in keys if (value := state.custom.get(key)))
    return found


def _member(name: str) -> Text:
    def text(opened: Opened) -> str:
        value = getattr(opened.state, name)
        return "" if value is None else str(value)

    return text


def _address(name: str) -> Text:
    def text(opened: Opened) -> str:
        address = opened.state.address
        return (getattr(address, name) or "") if address else ""

    return text


def _postal_code(opened: Opened) -> str:
    code = _address("postal_code")(opened)
    return f"{code[:3]}-{code[3:]}" if len(code) == 7 else code


_lifecycle_label = text_writer(CONTACT_FIELDS["lifecycle"])


def _lifecycle(opened: Opened) -> str:
    return _lifecycle_label(opened.state.lifecycle)


def _owner(opened: Opened) -> str:
    owner_id = opened.state.owner_id
    return opened.people.get(owner_id, str(owner_id)) if owner_id else ""


def _tags(opened: Opened) -> str:
    return join_tags(opened.state.tags)


def _email(opened: Opened) -> str:
    emails = opened.state.emails
    return emails[0].address if emails else ""


def _other_emails(opened: Opened) -> str:
    return "、".join(each.address for each in opened.state.emails[1:])


def _places(state: ContactInput) -> dict[str, int]:
    """The number that stands in each of the columns for one, by its place among the contact's."""
    found: dict[str, int] = {}
    for place, phone in enumerate(state.phones):
        column = phone.kind if phone.kind in {"mobile", "fax"} else "phone"
        held = found.get(column)
        if held is None or (phone.kind == "work" and state.phones[held].kind != "work"):
            found[column] = place
    return found


def _phone(column: str) -> Text:
    def text(opened: Opened) -> str:
        place = _places(opened.state).get(column) if opened.state.phones else None
        return "" if place is None else phone_text(opened.state.phones[place].number)

    return text


def _other_phones(opened: Opened) -> str:
    phones = opened.state.phones
    if len(phones) < 2:
        return ""
    shown = set(_places(opened.state).values())
    return "、".join(phone_text(each.number) for place, each in enumerate(phones) if place not in shown)


def _company_phone(opened: Opened) -> str:
    number = opened.state.phone
    return phone_text(number) if number else ""


def _capital(opened: Opened) -> str:
    capital = opened.state.capital
    return "" if capital is None else str(capital.amount)


def _moment(name: str) -> Text:
    return lambda opened: opened.row[name].astimezone(JAPAN).strftime("%Y-%m-%d %H:%M:%S")


_PLACE: Final = (
    _Made("address.postal_code", ("郵便番号", "Postal code"), _postal_code),
    _Made("address.prefecture", ("都道府県", "Prefecture"), _address("prefecture")),
    _Made("address.city", ("市区町村", "City"), _address("city")),
    _Made("address.street", ("番地", "Street"), _address("street")),
    _Made("address.building", ("建物名", "Building"), _address("building")),
)
_HANDLING: Final = (
    _Made("owner", ("担当", "Owner"), _owner),
    _Made("tags", ("タグ", "Tags"), _tags),
)
_AROUND: Final = (
    _Made(None, ("ID", "Record ID"), lambda opened: str(opened.row["id"])),
    _Made(None, ("作成日時", "Created at"), _moment("created_at")),
    _Made(None, ("更新日時", "Updated at"), _moment("updated_at")),
)
_BUILT_IN: Final[Mapping[Resource, tuple[_Made, ...]]] = {
    "contact": (
        _Made("customer_code", ("顧客番号", "Customer code"), _member("customer_code")),
        _Made("family_name", ("姓", "Last name"), _member("family_name")),
        _Made("given_name", ("名", "First name"), _member("given_name")),
        _Made("family_name_kana", ("セイ", "Last name kana"), _member("family_name_kana")),
        _Made("given_name_kana", ("メイ", "First name kana"), _member("given_name_kana")),
        _Made("company_name", ("会社名", "Company"), _member("company_name")),
        _Made("department", ("部署", "Department"), _member("department")),
        _Made("title", ("役職", "Title"), _member("title")),
        _Made("email", ("メールアドレス", "E-mail"), _email),
        _Made("phone", ("電話番号", "Phone"), _phone("phone")),
        _Made("mobile", ("携帯電話", "Mobile"), _phone("mobile")),
        _Made("fax", ("FAX", "Fax"), _phone("fax")),
        *_PLACE,
        _Made("birthday", ("誕生日", "Birthday"), _member("birthday")),
        _Made("lifecycle", ("ライフサイクル", "Lifecycle"), _member("lifecycle")),
        *_HANDLING,
        _Made("notes", ("備考", "Notes"), _member("notes")),
        _Made(None, ("その他のメールアドレス", "Other e-mails"), _other_emails),
        _Made(None, ("その他の電話番号", "Other phones"), _other_phones),
    ),
    "company": (
        _Made("name", ("会社名", "Company name"), _member("name")),
        _Made("name_kana", ("会社名カナ", "Company name kana"), _member("name_kana")),
        _Made("corporate_number", ("法人番号", "Corporate number"), _member("corporate_number")),
        _Made("registration_number", ("登録番号", "Registration number"), _member("registration_number")),
        _Made("phone", ("電話番号", "Phone"), _company_phone),
        _Made("url", ("ホームページ", "Website"), _member("url")),
        *_PLACE,
        _Made("capital", ("資本金", "Capital"), _capital),
        _Made("closing_month", ("決算月", "Closing month"), _member("closing_month")),
        _Made("founded_on", ("設立日", "Founded on"), _member("founded_on")),
        *_HANDLING,
    ),
}
