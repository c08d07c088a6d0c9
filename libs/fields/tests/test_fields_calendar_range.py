"""Days and moments at the ends of the calendar: refused with the range, or read, shown and compared."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daicho.faults import FIELD_MESSAGES, Invalid
from daicho.fields import (
    FieldDefinition,
    FieldType,
    FieldValidator,
    Refused,
    Schema,
    check_definition,
    text_writer,
)
from daicho.fields.filters import FilterContext, matcher, parse_filter
from daicho.nihongo import FIRST_DAY, LAST_DAY, is_day_in_range, is_moment_in_range

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=OFFSETS)
TODAY = FilterContext(dt.date(2026, 11, 21))
FIELDS = {
    "day": FieldDefinition(key="day", type=FieldType.DATE),
    "moment": FieldDefinition(key="moment", type=FieldType.DATETIME),
}
COMPARISONS = ("eq", "ne", "lt", "lte", "gt", "gte")
FIRST = dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=23, minutes=59)))
LAST = dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=23, minutes=59)))


def validator(key: str) -> FieldValidator:
    return FieldValidator(FIELDS[key])


def refusal(read: Any) -> Refused | None:
    try:
        read()
    except Refused as refused:
        return refused
    return None


def values_of(op: str, value: str) -> object:
    return [value] if op == "in" else [value, value] if op == "between" else value


@given(MOMENTS)
@example(FIRST)
@example(LAST)
@example(dt.datetime(9999, 12, 30, 14, 59, 59, tzinfo=dt.UTC))
@example(dt.datetime(9999, 12, 30, 15, tzinfo=dt.UTC))
@example(dt.datetime(1, 1, 1, 15, tzinfo=dt.UTC))
def test_a_moment_is_stored_and_shown_or_refused_with_the_range(moment: dt.datetime) -> None:
    refused = refusal(lambda: validator("moment").from_json(moment.isoformat()))
    if not is_moment_in_range(moment):
        assert refused is not None
        assert refused.params == {"first": "0001-01-02", "last": "9999-12-30"}
        return
    assert refused is None
    stored = validator("moment").from_json(moment.isoformat())
    assert dt.datetime.fromisoformat(stored) == moment
    assert validator("moment").from_text(text_writer(FIELDS["moment"])(stored)) == (
        stored if moment.microsecond == 0 else validator("moment").from_text(stored)
    )


@given(st.dates())
@example(dt.date.min)
@example(dt.date.max)
@example(FIRST_DAY)
@example(LAST_DAY)
def test_a_day_is_stored_or_refused_with_the_range(day: dt.date) -> None:
    for read in (validator("day").from_json, validator("day").from_text):
        refused = refusal(lambda read=read: read(day.isoformat()))
        assert (refused is None) == is_day_in_range(day)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("op", [*COMPARISONS, "in", "between"])
@given(data=st.data())
def test_every_day_and_moment_filters_or_is_refused(field: str, op: str, data: st.DataObject) -> None:
    ends = st.sampled_from([dt.date.min, FIRST_DAY, LAST_DAY, dt.date.max, FIRST, LAST])
    drawn = data.draw(ends | (st.dates() if field == "day" else st.dates() | MOMENTS))
    is_moment = isinstance(drawn, dt.datetime)
    if is_moment and field == "day":
        return
    tree = {"field": field, "op": op, "value": values_of(op, drawn.isoformat())}
    in_range = is_moment_in_range(drawn) if isinstance(drawn, dt.datetime) else is_day_in_range(drawn)
    if not in_range:
        with pytest.raises(Invalid) as refused:
            parse_filter(tree, FIELDS, TODAY)
        assert [each.code for each in refused.value.fields] == ["day_out_of_range"]
        assert refused.value.fields[0].pointer.startswith("/filter/value")
        return
    matches = matcher(parse_filter(tree, FIELDS, TODAY))
    for stored in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):  # stored before there was a range
        assert matches({field: stored if field == "moment" else stored[:10]}) in (True, False)


@pytest.mark.parametrize("stored", ["9999-12-31T23:59:59Z", "9999-12-31T15:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_moment_stored_before_the_range_is_shown_as_it_is(stored: str) -> None:
    assert text_writer(FIELDS["moment"])(stored) == stored


@pytest.mark.parametrize(("key", "stored"), [("moment", "9999-12-31T23:59:59Z"), ("day", "9999-12-31")])
def test_a_value_stored_before_the_range_may_stay_but_not_come_anew(key: str, stored: str) -> None:
    schema = Schema(FIELDS.values())
    assert schema.check({key: stored}, current={key: stored}).values == {key: stored}
    assert [each.code for each in schema.check({key: stored}, current={}).faults] == ["day_out_of_range"]


def test_a_default_at_the_end_of_the_calendar_is_refused() -> None:
    definition = FieldDefinition(key="moment", type=FieldType.DATETIME, default="9999-12-31T23:59:59Z")
    (fault,) = check_definition(definition)
    assert (fault.pointer, fault.code) == ("/default", "day_out_of_range")
    assert "9999-12-30" in FIELD_MESSAGES[fault.code].en.format(**fault.params)


@pytest.mark.parametrize("text", ["0574-02-07", "1543-01-31"])
def test_days_of_historic_persons_are_stored(text: str) -> None:
    assert validator("day").from_text(text) == text
    stored = validator("moment").from_text(f"{text} 12:00")
    assert text_writer(FIELDS["moment"])(stored) == f"{text} 12:00:00"
