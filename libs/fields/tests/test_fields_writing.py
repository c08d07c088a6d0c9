"""Values as text that people read, and back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.fields import FieldDefinition, FieldType, FieldValidator, Option, Refused, text_writer

# Labels that are another's value, hold separators, or say the same: what a list of options may really look like.
TANGLED = (
    Option("a", "甲"),
    Option("b", "乙、丙"),
    Option("c", "a"),
    Option("d", "乙"),
    Option("e", "丙"),
    Option("f", "甲"),
    Option("g,h"),
    Option("i,j", "ｉ、ｊ"),
)
CHOICES = st.sampled_from([each.value for each in TANGLED])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=30)
MOMENTS = st.floats(-2e9, 6e9).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))
JSON: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "long_text": TEXTS,
    "integer": st.integers(-(2**53), 2**53),
    "decimal": st.decimals(-(10**9), 10**9, places=2).map(str),
    "money": st.integers(-(2**53), 2**53).map(lambda amount: {"amount": amount}),
    "date": st.dates(dt.date(1868, 1, 25), dt.date(2200, 1, 1)).map(str),
    "datetime": (MOMENTS | MOMENTS.map(lambda at: at.replace(microsecond=0))).map(lambda at: at.isoformat()),
    "boolean": st.booleans(),
    "select": CHOICES,
    "multi_select": st.lists(CHOICES, min_size=1, max_size=4),
    "url": st.just("https://example.jp/a?b=c,d"),
    "email": st.just("Tanaka@example.jp"),
    "phone": st.sampled_from(
        ["03-1234-5678", "09012345678", "0120-123-456", "08001234567", "+1 212-555-1234"]
    ),
    "user": st.uuids().map(str),
    "link": st.uuids().map(str),
}


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
@pytest.mark.parametrize("type_", FieldType)
@given(data=st.data(), language=st.sampled_from(["ja", "en"]))
def test_a_written_value_reads_as_itself(
    type_: FieldType, currency: str, data: st.DataObject, language: Any
) -> None:
    definition = FieldDefinition(key="field", type=type_, options=TANGLED, currency=currency)
    validator = FieldValidator(definition)
    try:
        stored = validator.from_json(data.draw(JSON[type_]))
    except Refused:
        return
    if stored is not None and not (type_ == "datetime" and "." in stored):
        assert validator.from_text(text_writer(definition, language)(stored)) == stored


@pytest.mark.parametrize(
    ("type_", "stored", "text"),
    [
        ("money", {"amount": -1234, "currency": "JPY"}, "-1234"),
        ("money", {"amount": 1234, "currency": "USD"}, "12.34"),
        ("datetime", "2026-11-25T01:02:03Z", "2026-11-25 10:02:03"),
        ("datetime", "2026-11-25T01:02:03.400000Z", "2026-11-25T01:02:03.400000Z"),
        ("boolean", True, "はい"),
        ("select", "a", "甲"),
        ("select", "c", "c"),
        ("select", "gone", "gone"),
        ("multi_select", ["a", "d"], "甲、乙"),
        ("multi_select", ["d", "e"], "乙;丙"),
        ("phone", "+81312345678", "03-1234-5678"),
    ],
)
def test_text_is_what_people_write(type_: str, stored: Any, text: str) -> None:
    assert text_writer(FieldDefinition(key="field", type=FieldType(type_), options=TANGLED))(stored) == text
