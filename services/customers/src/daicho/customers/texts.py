"""What custom fields add to the texts that a record is found by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from daicho.customers.terms import PHONE, TEXT, tokens_in_steps
from daicho.fields import FieldDefinition, FieldType, Schema
from daicho.keyring import TenantKeys
from daicho.nihongo import fold, phone_digits
from daicho.runtime import in_slices

LONGEST: Final = 2_000
"""Characters of a long text that are searchable: its index would outgrow the record."""
LONGEST_TOGETHER: Final = 10_000
"""Characters of all searchable custom texts of a record that are searchable, in the order of the fields."""


def custom_texts(
    schema: Schema, values: Mapping[str, Any], role: str | None = None
) -> tuple[list[str], list[str]]:
    """The folded texts, and the digits of telephones, of the searchable fields that ``role`` may read."""
    texts: list[str] = []
    phones: list[str] = []
    for kind, text in custom_texts_in_steps(schema, values, role):
        (phones if kind == PHONE else texts).append(text)
    return texts, phones


def custom_texts_in_steps(
    schema: Schema, values: Mapping[str, Any], role: str | None = None
) -> Iterator[tuple[str, str]]:
    """As :func:`custom_texts`, one by one, each with its class."""
    room = LONGEST_TOGETHER
    for key, definition in searchable(schema).items():
        value = values.get(key)
        if value is None:
            continue
        if definition.type is FieldType.PHONE:
            if definition.is_readable(role):
                yield PHONE, phone_digits(value)
            continue
        text = _beginning(str(value), min(LONGEST, room))
        room -= len(text)  # of every field, or what one role finds would depend on what another may read
        if definition.is_readable(role):
            yield TEXT, text


async def long_tokens(keys: TenantKeys, schema: Schema, values: Mapping[str, Any]) -> frozenset[int] | None:
    """The blind-index tokens of the custom texts, computed in slices; None where they are so short that it takes no time."""
    held = (values.get(key) for key in searchable(schema))
    if sum(len(text) for text in held if isinstance(text, str)) <= LONGEST // 2:
        return None
    steps = (
        tokens
        for kind, text in custom_texts_in_steps(schema, values)
        for tokens in tokens_in_steps(keys, kind, text)
    )
    return frozenset(chain.from_iterable(await in_slices(tuple, steps)))


def _beginning(text: str, count: int) -> str:
    """The first ``count`` characters of the folded ``text``; folds no more of it than they take.

    Half-width kana and composed letters become fewer characters, two at most one."""
    folded = fold(text[:count])
    if len(folded) < count < len(text):
        folded = fold(text[: 2 * count])
    return folded[:count]


def searchable(schema: Schema) -> dict[str, FieldDefinition]:
    """The searchable fields of a schema."""
    return {key: field for key, field in schema.definitions.items() if field.searchable}
