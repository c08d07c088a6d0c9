"""The one validator: forms, the API and the import all end here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daicho import nihongo
from daicho.faults import FieldFault, listed
from daicho.fields.definitions import (
    MAX_LONG_TEXT,
    MAX_SELECTED,
    MAX_TEXT,
    FieldDefinition,
    FieldType,
    Format,
)
from daicho.fields.values import (
    Options,
    Refused,
    as_boolean,
    as_date,
    as_datetime,
    as_decimal,
    as_integer,
    as_money,
    as_text,
    bounded,
    date_from_text,
    datetime_from_text,
    in_range,
    money_from_text,
    read_line,
    read_url,
    read_uuid,
    store_decimal,
)

Resolve = Callable[[str], str | None]
"""From what a person typed (an e-mail address, a name, a code) to the id of a user or a record, if there is one."""

FromText = Callable[[str], Any]
FromJson = Callable[[object, object], Any]


class FieldValidator:
    """One field's two ways in. Build it once and use it for every row."""

    def __init__(self, definition: FieldDefinition, resolve: Resolve | None = None) -> None:
        self.definition = definition
        self._from_text, self._from_json = _WAYS[definition.type](definition, resolve)

    def from_text(self, text: str) -> Any:
        """The stored value of a typed text; None when it is blank.

        Raises:
            nihongo.Unreadable: with the field code (``Refused`` when there are parameters too).
        """
        text = nihongo.trim(text)
        if not text:
            return self._empty()
        return self._from_text(text)

    @property
    def from_trimmed(self) -> FromText:
        """:meth:`from_text` for text that is trimmed already and not empty: for loops over cells."""
        return self._from_text

    def from_json(self, value: object, kept: object = None) -> Any:
        """The stored value of a JSON value; None for null and for blank text.

        ``kept`` is the value that the record has now: an option that was archived since may stay, and so may a text
        with line ends that is older than the rule against them.

        Raises:
            nihongo.Unreadable: as :meth:`from_text`.
        """
        if value is None or (isinstance(value, str) and not nihongo.trim(value)) or value == []:
            return self._empty()
        return self._from_json(value, kept)

    def _empty(self) -> None:
        if self.definition.required:
            raise Refused("required")


def _text(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    longest = MAX_LONG_TEXT if definition.type is FieldType.LONG_TEXT else MAX_TEXT
    maximum = definition.max_length or longest
    shape = _SHAPES[definition.format] if definition.format else _PLAIN[definition.type]

    def read(text: str) -> str:
        if not text.isascii() and nihongo.expands_too_much(text):
            raise Refused("expands_too_much")
        return shape(text)

    def from_text(text: str) -> str:
        return read(bounded(text, maximum))

    def from_json(value: object, kept: object) -> str:
        cleaned = bounded(as_text(value), maximum)
        return cleaned if cleaned == kept else read(cleaned)  # a value of before a rule may stay

    return from_text, from_json


def _line(text: str) -> str:
    if read_line(text) is None:
        raise Refused("control_character")
    return text


_PLAIN: Mapping[FieldType, Callable[[str], str]] = {
    FieldType.TEXT: _line,
    FieldType.LONG_TEXT: str,
}
"""For a text without a format."""
_SHAPES: Mapping[Format, Callable[[str], str]] = {
    Format.LINE: _line,
    Format.KANA: lambda text: nihongo.store_kana(_line(text)),
    Format.POSTAL_CODE: nihongo.read_postal_code,
    Format.CORPORATE_NUMBER: nihongo.read_corporate_number,
    Format.REGISTRATION_NUMBER: nihongo.read_registration_number,
}


def _integer(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    if definition.format is Format.MONTH:
        return nihongo.read_month, lambda value, _: nihongo.read_month(str(as_integer(value)))
    return lambda text: in_range(nihongo.read_integer(text)), lambda value, _: as_integer(value)


def _decimal(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    scale = definition.scale
    return (
        lambda text: store_decimal(nihongo.read_decimal(text), scale),
        lambda value, _: as_decimal(value, scale),
    )


def _money(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    currency = definition.currency
    return lambda text: money_from_text(text, currency), lambda value, _: as_money(value, currency)


def _date(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    return date_from_text, as_date


def _datetime(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    return datetime_from_text, as_datetime


def _boolean(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    def from_text(text: str) -> bool:
        try:
            return nihongo.read_boolean(text)
        except nihongo.Unreadable:
            raise Refused("unknown_option", options="はい, いいえ, true, false, 1, 0") from None

    return from_text, lambda value, _: as_boolean(value)


def _select(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    options = Options(definition)
    return options.find, lambda value, kept: options.find(as_text(value), kept)


def _multi_select(definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    options = Options(definition)

    def from_json(value: object, kept: object) -> list[str]:
        if not isinstance(value, list):
            raise Refused("invalid_type", expected="list")
        if len(value) > MAX_SELECTED:
            raise Refused("too_many", maximum=MAX_SELECTED)
        found = []
        for index, each in enumerate(value):
            if not isinstance(each, str):
                raise Refused("invalid_type", f"/{index}", expected="text")
            try:
                found.append(options.find(each, kept))
            except Refused as refused:
                raise Refused(refused.code, f"/{index}", **refused.params) from None
        return options.ordered(found)

    return options.split, from_json


def _url(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    return read_url, lambda value, _: read_url(as_text(value))


def _email(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    return nihongo.read_email, lambda value, _: nihongo.read_email(as_text(value))


def _phone(_definition: FieldDefinition, _resolve: Resolve | None) -> tuple[FromText, FromJson]:
    return nihongo.read_phone, lambda value, _: nihongo.read_phone(as_text(value))


def _reference(definition: FieldDefinition, resolve: Resolve | None) -> tuple[FromText, FromJson]:
    code = "unknown_user" if definition.type is FieldType.USER else "unknown_record"

    def from_text(text: str) -> str:
        found = resolve(text) if resolve else read_uuid(text, code)
        if found is None:
            raise Refused(code)
        return found

    return from_text, lambda value, _: read_uuid(as_text(value), code)


_WAYS: Mapping[FieldType, Callable[[FieldDefinition, Resolve | None], tuple[FromText, FromJson]]] = {
    FieldType.TEXT: _text,
    FieldType.LONG_TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.MONEY: _money,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.BOOLEAN: _boolean,
    FieldType.SELECT: _select,
    FieldType.MULTI_SELECT: _multi_select,
    FieldType.URL: _url,
    FieldType.EMAIL: _email,
    FieldType.PHONE: _phone,
    FieldType.USER: _reference,
    FieldType.LINK: _reference,
}


def as_fault(unreadable: nihongo.Unreadable, pointer: str) -> FieldFault:
    """The field fault at ``pointer`` of what a reader raised."""
    return unreadable.at(pointer) if isinstance(unreadable, Refused) else FieldFault(pointer, unreadable.code)


def check_default(definition: FieldDefinition) -> tuple[FieldFault, ...]:
    """What is wrong with the default of ``definition``."""
    if definition.default is None:
        return ()
    try:
        FieldValidator(definition).from_json(definition.default)
    except nihongo.Unreadable as unreadable:
        return (as_fault(unreadable, "/default"),)
    return ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check: the stored values of the fields that were sent and right, and every fault."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: tuple[FieldFault, ...] = ()


class Schema:
    """The fields of one resource, ready to check records. Build it once per version of the definitions."""

    def __init__(self, definitions: Iterable[FieldDefinition]) -> None:
        self.definitions = {definition.key: definition for definition in definitions}
        self._validators = {key: FieldValidator(each) for key, each in self.definitions.items()}

    def check(
        self,
        values: Mapping[str, object],
        *,
        role: str | None = None,
        current: Mapping[str, object] | None = None,
        pointer: str = "/custom",
    ) -> Checked:
        """Check JSON values by key.

        Without ``current`` a record is being made: defaults are filled in and required fields must be
        there, but for those that ``role`` may not write: they stay empty until somebody who may fills them in. With it, the record's present values, only what was sent is checked. A field that ``role``
        may not see does not exist for it; one that it may not change is refused. Pointers are ``pointer``
        and the key.
        """
        stored: dict[str, Any] = {}
        faults: list[FieldFault] = []
        for key, value in values.items():
            code = self._refusal(key, role)
            if code:
                params = {"known": self._known(role)} if code == "unknown_field" else {}
                faults.append(FieldFault(f"{pointer}/{_escape(key)}", code, params))
                continue
            try:
                stored[key] = self._validators[key].from_json(value, (current or {}).get(key))
            except nihongo.Unreadable as unreadable:
                faults.append(as_fault(unreadable, f"{pointer}/{key}"))
        if current is None:
            faults += self._complete(values, stored, pointer, role)
        return Checked(stored, tuple(faults))

    def readable(self, values: Mapping[str, Any], role: str | None) -> dict[str, Any]:
        """The part of a record's values that ``role`` may see; values of fields that are gone drop out."""
        return {
            key: value
            for key, value in values.items()
            if key in self.definitions and self.definitions[key].is_readable(role)
        }

    def _refusal(self, key: str, role: str | None) -> str | None:
        definition = self.definitions.get(key)
        if definition is None or not definition.is_readable(role):
            return "unknown_field"
        return None if definition.is_writable(role) else "not_permitted"

    def _known(self, role: str | None) -> str:
        """The fields that ``role`` may read, as a sentence names them."""
        return listed(key for key, definition in self.definitions.items() if definition.is_readable(role))

    def _complete(
        self, sent: Mapping[str, object], stored: dict[str, Any], pointer: str, role: str | None
    ) -> Iterable[FieldFault]:
        for key, definition in self.definitions.items():
            if key in sent:
                continue
            if definition.default is not None:
                stored[key] = self._validators[key].from_json(definition.default, definition.default)
            elif definition.required and definition.is_writable(role):
                yield FieldFault(f"{pointer}/{key}", "required")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
