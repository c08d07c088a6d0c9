"""Stored values as text that people read and that the validator reads back as the same value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from daicho import nihongo
from daicho.faults import Language
from daicho.fields.definitions import FieldDefinition, FieldType
from daicho.fields.values import MINOR_DIGITS, Options, Refused

ToText = Callable[[Any], str]

_BOOLEANS: Final[Mapping[Language, tuple[str, str]]] = {"ja": ("いいえ", "はい"), "en": ("no", "yes")}
_JOINERS: Final = ("、", ";", "|", "\n")


def text_writer(definition: FieldDefinition, language: Language = "ja") -> ToText:
    """From a stored value, never None, to its text; build it once and use it for every row.

    :meth:`FieldValidator.from_text` reads the same value back, but for options that were archived since, and for
    several in one cell whose names themselves hold | or ;. Users and links stay ids.
    """
    match definition.type:
        case FieldType.MONEY:
            return _money
        case FieldType.DATETIME:
            return _datetime
        case FieldType.BOOLEAN:
            no, yes = _BOOLEANS[language]
            return lambda value: yes if value else no
        case FieldType.SELECT:
            return _labels(definition).__getitem__
        case FieldType.MULTI_SELECT:
            return _multi_select(definition)
        case FieldType.PHONE:
            return phone_text
        case _:
            return str


def phone_text(e164: str) -> str:
    """A number as it is written at home, where that says the same."""
    shown = nihongo.show_phone(e164)
    try:
        return shown if nihongo.read_phone(shown) == e164 else e164
    except nihongo.Unreadable:
        return e164


def _money(value: Mapping[str, Any]) -> str:
    currency = value["currency"]
    return format(Decimal(value["amount"]).scaleb(-MINOR_DIGITS.get(currency, 2)), "f")


def _datetime(value: str) -> str:
    """Wall time in Japan; in UTC as stored where there are fractions of a second, which the former leaves out, and where
    the moment is at an end of the calendar (stored before there was a range)."""
    moment = dt.datetime.fromisoformat(value)
    if moment.microsecond or not nihongo.is_moment_in_range(moment):
        return value
    return moment.astimezone(nihongo.JAPAN).replace(tzinfo=None).isoformat(" ", "seconds")


class _labels(dict[str, str]):  # noqa: N801 a mapping that is called as a function is
    """Value → label, where the label means that value and no other; a value that is no option any more is its own."""

    def __init__(self, definition: FieldDefinition) -> None:
        options = Options(definition)
        super().__init__(
            (each.value, each.label)
            for each in definition.options
            if each.label and (each.archived or _means(options.find, each.label) == each.value)
        )

    def __missing__(self, value: str) -> str:
        return value


def _multi_select(definition: FieldDefinition) -> Callable[[list[str]], str]:
    labels, split = _labels(definition), Options(definition).split

    def text(values: list[str]) -> str:
        for names in ([labels[each] for each in values], values):
            for joiner in _JOINERS:
                if _means(split, joined := joiner.join(names)) == values:
                    return joined
        return _JOINERS[0].join(labels[each] for each in values)

    return text


def _means(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except Refused:
        return None
