"""Dates, eras, holidays and the fiscal year."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.nihongo import (
    JAPAN,
    Unreadable,
    add_business_days,
    add_months,
    fiscal_half_period,
    fiscal_quarter_period,
    fiscal_year,
    fiscal_year_period,
    holiday_name,
    is_business_day,
    read_date,
    read_datetime,
    show_era,
)


@pytest.mark.parametrize(
    "typed",
    [
        "2024/4/1",
        "2024-04-01",
        "2024.4.1",
        "2024年4月1日",
        "２０２４／４／１",
        "2024ー04ー01",
        "令和6年4月1日",
        "令和６年４月１日",
        "R6.4.1",
        "r6.4.1",
        "R06/04/01",
        "R060401",
        "令6.4.1",
        "20240401",
        "45383",
        "2024/4/1 0:00",
        "2024-04-01 00:00:00",
        "2024年4月1日(月)",
        "2024 年 4 月 1 日",
    ],
)
def test_a_date_is_read_however_it_is_written(typed: str) -> None:
    assert read_date(typed) == dt.date(2024, 4, 1)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("昭和64年1月7日", dt.date(1989, 1, 7)),
        ("平成元年1月8日", dt.date(1989, 1, 8)),
        ("㍻元年1月8日", dt.date(1989, 1, 8)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("S60.5.3", dt.date(1985, 5, 3)),
        ("M45.7.29", dt.date(1912, 7, 29)),
        ("平成35年1月1日", dt.date(2023, 1, 1)),
        ("23925", dt.date(1965, 7, 2)),
    ],
)
def test_eras_and_serials_count_right(typed: str, day: dt.date) -> None:
    assert read_date(typed) == day


@pytest.mark.parametrize(
    "typed",
    [
        "2024/2/30",
        "2023/2/29",
        "令和6年2月30日",
        "1990/13/1",
        "不明",
        "20240431",
        "24/4/1",
        "4/1/2024",
        "2024/4-1",
        "2024年4/1",
        "2024/4/1日",
        "2024",
        "令和0年1月1日",
        "2024/4/1 13:45",
        "٢٠٢٤/٤/١",
        "",
    ],
)
def test_what_is_no_date_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable, match="invalid_date"):
        read_date(typed)


@given(st.dates(dt.date(1868, 1, 25), dt.date(2117, 12, 31)))
def test_the_era_of_a_day_reads_back(day: dt.date) -> None:
    assert read_date(show_era(day)) == day
    assert read_date(show_era(day, short=True)) == day


@given(st.dates(dt.date(1928, 1, 1), dt.date(2170, 1, 1)))
def test_a_serial_is_the_number_of_days_in_excel(day: dt.date) -> None:
    assert read_date(str((day - dt.date(1899, 12, 30)).days)) == day


def test_today_in_the_era() -> None:
    assert show_era(dt.date(2026, 11, 21)) == "令和8年11月21日"
    assert show_era(dt.date(2019, 5, 1)) == "令和元年5月1日"
    assert show_era(dt.date(1989, 1, 7), short=True) == "S64.1.7"


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2024/4/1 13:05", dt.datetime(2024, 4, 1, 13, 5, tzinfo=JAPAN)),
        ("2024年4月1日13時5分", dt.datetime(2024, 4, 1, 13, 5, tzinfo=JAPAN)),
        ("2024-04-01T13:05:09Z", dt.datetime(2024, 4, 1, 13, 5, 9, tzinfo=dt.UTC)),
        ("2024-04-01T13:05:09+09:00", dt.datetime(2024, 4, 1, 13, 5, 9, tzinfo=JAPAN)),
        ("45383.5", dt.datetime(2024, 4, 1, 12, tzinfo=JAPAN)),
        ("2024/4/1", dt.datetime(2024, 4, 1, tzinfo=JAPAN)),
    ],
)
def test_a_moment_is_read_as_wall_time_in_japan(typed: str, moment: dt.datetime) -> None:
    assert read_datetime(typed) == moment


@pytest.mark.parametrize("typed", ["2024/4/1 25:00", "13:05", "2024/2/30 1:00"])
def test_what_is_no_moment_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable, match="invalid_datetime"):
        read_datetime(typed)


def test_substitute_holidays_count() -> None:
    assert holiday_name(dt.date(2026, 5, 6)) is not None
    assert holiday_name(dt.date(2026, 9, 22)) == "国民の休日"
    assert not is_business_day(dt.date(2026, 11, 23))


def test_business_days_skip_weekends_holidays_and_closures() -> None:
    assert add_business_days(dt.date(2026, 11, 20), 1) == dt.date(2026, 11, 24)
    assert add_business_days(dt.date(2026, 11, 24), -1) == dt.date(2026, 11, 20)
    assert add_business_days(
        dt.date(2026, 8, 12), 1, {dt.date(2026, 8, 13), dt.date(2026, 8, 14)}
    ) == dt.date(2026, 8, 17)


def test_fiscal_periods_begin_in_the_stated_month() -> None:
    day = dt.date(2026, 2, 10)
    assert fiscal_year(day) == 2025
    assert fiscal_year_period(day).first == dt.date(2025, 4, 1)
    assert (fiscal_half_period(day).first, fiscal_half_period(day).end) == (
        dt.date(2025, 10, 1),
        dt.date(2026, 4, 1),
    )
    assert fiscal_half_period(day, shift=-1).first == dt.date(2025, 4, 1)
    assert fiscal_quarter_period(day, start_month=12).first == dt.date(2025, 12, 1)


@given(st.dates(dt.date(1950, 1, 1), dt.date(2090, 1, 1)), st.integers(1, 12))
def test_a_day_lies_in_its_own_periods(day: dt.date, start: int) -> None:
    for period_of in (fiscal_year_period, fiscal_half_period, fiscal_quarter_period):
        period = period_of(day, start)
        assert period.first <= day < period.end
        assert period_of(day, start, 1).first == period.end


def test_months_end_on_their_last_day() -> None:
    assert add_months(dt.date(2024, 1, 31), 1) == dt.date(2024, 2, 29)
    assert add_months(dt.date(2024, 1, 31), -2) == dt.date(2023, 11, 30)
