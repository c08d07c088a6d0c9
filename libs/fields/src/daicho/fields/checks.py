"""Which definitions of fields are sound."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from daicho.faults import FieldFault
from daicho.fields.definitions import (
    MAX_FIELDS,
    MAX_LONG_TEXT,
    MAX_OPTION,
    MAX_OPTION_TEXT,
    MAX_OPTIONS,
    MAX_SCALE,
    MAX_TEXT,
    FieldDefinition,
    FieldType,
    Format,
    Option,
)
from daicho.fields.validation import check_default
from daicho.fields.values import option_key, read_line
from daicho.nihongo import expands_too_much

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COLOR = re.compile(r"#[0-9a-f]{6}")

RESERVED_KEYS = frozenset(
    [
        "id",
        "tenant_id",
        "version",
        "type",
        "kind",
        "resource",
        "custom",
        "created_at",
        "updated_at",
        "deleted_at",
        "created_by",
        "updated_by",
        "owner",
        "owner_id",
        "all",
        "any",
        "not",
        "and",
        "or",
        "null",
        "true",
        "false",
        "none",
        "constructor",
        "prototype",
        "proto",
        "hasownproperty",
        "valueof",
        "tostring",
        "select",
        "from",
        "where",
        "insert",
        "update",
        "delete",
        "drop",
        "table",
        "union",
        "order",
        "group",
        "by",
        "having",
        "limit",
        "offset",
        "join",
        "user",
    ]
)

_SORTABLE = frozenset(FieldType) - {FieldType.LONG_TEXT, FieldType.MULTI_SELECT}
_UNIQUE = frozenset(
    {
        FieldType.TEXT,
        FieldType.INTEGER,
        FieldType.DATE,
        FieldType.URL,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.LINK,
    }
)
_SEARCHABLE = frozenset(
    {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL}
)
_FORMATS: Mapping[FieldType, frozenset[Format]] = {
    FieldType.TEXT: frozenset(Format) - {Format.MONTH},
    FieldType.INTEGER: frozenset({Format.MONTH}),
}
_SELECTS = frozenset({FieldType.SELECT, FieldType.MULTI_SELECT})


def is_key(key: str) -> bool:
    """Whether ``key`` is on the allow-list of identifiers: a lower-case word that nothing else uses."""
    return _KEY.fullmatch(key) is not None and key not in RESERVED_KEYS


def check_definition(
    definition: FieldDefinition, taken: Collection[str] = (), before: FieldDefinition | None = None
) -> tuple[FieldFault, ...]:
    """The faults of a new definition, or of one that replaces ``before``; ``taken`` are the keys that the resource has
    already.

    Pointers lead into the definition. Nothing wrong is an empty tuple. Options that ``before`` has are not looked at again.
    """
    return tuple(fault for fault in check_in_steps(definition, taken, before) if fault is not None)


def check_in_steps(
    definition: FieldDefinition, taken: Collection[str] = (), before: FieldDefinition | None = None
) -> Iterator[FieldFault | None]:
    """As :func:`check_definition`, with None after each short part of the work: there may be 5,000 options."""
    is_right = True
    for fault in (
        *_check_key(definition, taken),
        *_check_flags(definition),
        *_check_details(definition),
    ):
        is_right = False
        yield fault
    if before is None or before.options != definition.options or before.type is not definition.type:
        for step in _check_options(definition, before.options if before else ()):
            is_right = is_right and step is None
            yield step
    if is_right:
        yield from check_default(definition)


def _check_key(definition: FieldDefinition, taken: Collection[str]) -> Iterator[FieldFault]:
    if not _KEY.fullmatch(definition.key):
        yield FieldFault("/key", "invalid_key")
    elif definition.key in RESERVED_KEYS:
        yield FieldFault("/key", "reserved_key")
    elif definition.key in taken:
        yield FieldFault("/key", "not_unique")
    elif len(taken) >= MAX_FIELDS:
        yield FieldFault("/key", "too_many", {"maximum": MAX_FIELDS})


def _check_flags(definition: FieldDefinition) -> Iterator[FieldFault]:
    if definition.sortable and (definition.type not in _SORTABLE or definition.sensitive):
        yield FieldFault("/sortable", "not_sortable")
    if definition.unique and definition.type not in _UNIQUE:
        yield FieldFault("/unique", "not_for_type")
    if definition.searchable and definition.type not in _SEARCHABLE:
        yield FieldFault("/searchable", "not_for_type")


def _check_options(definition: FieldDefinition, before: Sequence[Option]) -> Iterator[FieldFault | None]:
    if definition.type not in _SELECTS:
        if definition.options:
            yield FieldFault("/options", "not_for_type")
        return
    if not definition.options:
        yield FieldFault("/options", "no_options")
    if len(definition.options) > MAX_OPTIONS:
        yield FieldFault("/options", "too_many", {"maximum": MAX_OPTIONS})
        return
    if _characters(definition.options) > max(MAX_OPTION_TEXT, _characters(before)):
        yield FieldFault("/options", "too_long", {"maximum": MAX_OPTION_TEXT})
        return
    yield from _check_each_option(definition.options, {text for each in before for text in _texts(each)})


def _texts(option: Option) -> tuple[str, str]:
    return option.value, option.label


def _characters(options: Sequence[Option]) -> int:
    return sum(len(text) for option in options for text in _texts(option))


def _check_each_option(options: Sequence[Option], kept: Collection[str]) -> Iterator[FieldFault | None]:
    seen: dict[str, int] = {}
    room = MAX_OPTION_TEXT
    for index, option in enumerate(options):
        pointer = f"/options/{index}"
        for name, text in (("value", option.value), ("label", option.label)):
            key = option_key(text)
            room -= 0 if text in kept else len(key)
            if text not in kept and max(len(text), len(key)) > MAX_OPTION:
                yield FieldFault(f"{pointer}/{name}", "too_long", {"maximum": MAX_OPTION})
            elif text not in kept and expands_too_much(text):
                yield FieldFault(f"{pointer}/{name}", "expands_too_much")
            elif read_line(text) is None:
                yield FieldFault(f"{pointer}/{name}", "control_character")
            elif text and seen.setdefault(key, index) != index:
                yield FieldFault(f"{pointer}/{name}", "not_unique")
        if not option.value.strip():
            yield FieldFault(f"{pointer}/value", "required")
        if option.color is not None and not _COLOR.fullmatch(option.color):
            yield FieldFault(f"{pointer}/color", "invalid")
        if room < 0:
            yield FieldFault("/options", "too_long", {"maximum": MAX_OPTION_TEXT})
            return
        yield None


def _check_details(definition: FieldDefinition) -> Iterator[FieldFault]:
    if definition.format is not None and definition.format not in _FORMATS.get(definition.type, ()):
        yield FieldFault("/format", "not_for_type")
    yield from _beyond("/scale", definition.scale, 0, MAX_SCALE)
    if definition.type is FieldType.MONEY and not _CURRENCY.fullmatch(definition.currency):
        yield FieldFault("/currency", "invalid_currency")
    if definition.type is FieldType.LINK and not definition.link_resource:
        yield FieldFault("/link_resource", "required")
    longest = MAX_LONG_TEXT if definition.type is FieldType.LONG_TEXT else MAX_TEXT
    if definition.max_length is not None:
        yield from _beyond("/max_length", definition.max_length, 1, longest)
    for name, maximum in (("label", 100), ("help", 1000), ("section", 100)):
        text = getattr(definition, name)
        if len(text) > maximum:
            yield FieldFault(f"/{name}", "too_long", {"maximum": maximum})
        elif name != "help" and read_line(text) is None:
            yield FieldFault(f"/{name}", "control_character")


def _beyond(pointer: str, number: int, least: int, most: int) -> Iterator[FieldFault]:
    if number < least:
        yield FieldFault(pointer, "too_small", {"minimum": least})
    if number > most:
        yield FieldFault(pointer, "too_large", {"maximum": most})
