"""Numbers are shown by their number format."""

from __future__ import annotations

import datetime as dt
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.styles.numbers import is_date_format as openpyxl_is_date_format
from openpyxl.utils.datetime import from_excel
from workbooks import MAIN, pack, parts, sheet

from daicho.tabular import read_xlsx
from daicho.tabular.number_formats import is_date_format, show_number
from daicho.tabular.serial_dates import EPOCH_1900, EPOCH_1904, from_serial


def shown(value: str, number_format: int, code: str | None = None) -> str:
    """The text of a workbook's only cell, which holds ``value`` in this number format."""
    own = (
        f"<numFmts><numFmt numFmtId='{number_format}' formatCode={quoteattr(code)}/></numFmts>"
        if code
        else ""
    )
    styles = f"<styleSheet xmlns='{MAIN}'>{own}<cellXfs><xf/><xf numFmtId='{number_format}'/></cellXfs></styleSheet>"
    data = pack(parts(styles=styles.encode(), sheet=sheet(f"<row><c s='1'><v>{value}</v></c></row>")))
    ((_, (text,)),) = read_xlsx([data], columns=500)
    return text


@pytest.mark.parametrize("number_format", [14, 15, 16, 17, 27, 28, 31, 34, 35, 36, 50, 55, 56, 57, 58])
def test_built_in_days_are_days_japanese_ones_too(number_format: int) -> None:
    assert shown("45000.5", number_format) == "2023-03-15"


@pytest.mark.parametrize("number_format", [18, 20, 21, 32, 33, 45, 47])
def test_built_in_times_are_times_japanese_ones_too(number_format: int) -> None:
    assert shown("0.395833333333333", number_format) == "09:30"


@pytest.mark.parametrize("number_format", [0, 1, 2, 4, 9, 13, 37, 44, 48, 49, 59, 163])
def test_other_built_in_formats_show_numbers(number_format: int) -> None:
    assert shown("45000.5", number_format) == "45000.5"


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("yyyy/mm/dd", "45000.5", "2023-03-15"),
        ("yyyy/m/d h:mm", "45000.5", "2023-03-15 12:00:00"),
        ('[$-411]ggge"年"m"月"d"日"', "45000.5", "2023-03-15"),
        ("m/d", "45000", "2023-03-15"),
        ("h:mm", "0.5", "12:00"),
        ("h:mm:ss AM/PM", "0.50001157407", "12:00:01"),
        ("h:mm", "45000.5", "2023-03-15 12:00:00"),
        ("[h]:mm", "1.5", "36:00"),
        ("[h]:mm:ss", "1.50001157407", "36:00:01"),
        ("[h]:mm", "-0.0625", "-1:30"),
        ('#,##0"days"', "45000.5", "45000.5"),
        ("[Red]0", "45000.5", "45000.5"),
        ("0_d", "45000.5", "45000.5"),
        ("@;yyyy", "45000.5", "45000.5"),
    ],
)
def test_own_formats_show_days_times_elapsed_time_or_numbers(code: str, value: str, text: str) -> None:
    assert shown(value, 164, code) == text


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("00000", "123", "00123"),
        ("00000", "1234567", "1234567"),
        ("00000", "-5", "-5"),
        ("00000", "1.5", "1.5"),
        ("000\\-0000", "600001", "060-0001"),
        ("[<=999]000;[<=9999]000\\-00;000\\-0000", "600001", "060-0001"),
        ("[<=999]000;[<=9999]000\\-00;000\\-0000", "60", "060"),
        ("[<=999]000;[<=9999]000\\-00;000\\-0000", "9301", "093-01"),
        ('"No."000', "7", "No.007"),
        ("(00) 0000-0000", "312345678", "(03) 1234-5678"),
        ("000;-000", "7", "007"),
        ("0", "7", "7"),
        ("#,##0", "1234", "1234"),
        ("0.00", "7", "7"),
        ("00%", "7", "7"),
        ("0000E+00", "7", "7"),
    ],
)
def test_zeros_of_a_format_are_digits(code: str, value: str, text: str) -> None:
    assert shown(value, 164, code) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("57.699999999999996", "57.7"),
        ("121.00000000000001", "121"),
        ("0.1", "0.1"),
        ("1.23456789012345E+17", "123456789012345000"),
        ("12345678901234567890", "12345678901234600000"),
        ("123456789012345", "123456789012345"),
        ("1E-7", "0.0000001"),
        ("-0", "0"),
        ("-2.50", "-2.5"),
        ("1E999", "1E999"),
    ],
)
def test_number_has_the_digits_that_a_spreadsheet_shows(value: str, text: str) -> None:
    assert shown(value, 0) == text


@pytest.mark.parametrize("value", ["20200401", "-1", "1E300"])
def test_day_that_the_calendar_lacks_is_a_number(value: str) -> None:
    assert shown(value, 14) == show_number(value)


def test_date_as_text_that_is_none_stands_as_it_is() -> None:
    data = pack(parts(sheet=sheet('<row><c t="d"><v>2024-02-31</v></c><c t="d"><v>2024-02-29</v></c></row>')))
    assert list(read_xlsx([data], columns=500)) == [(1, ["2024-02-31", "2024-02-29"])]


@example("[d[]")
@given(st.text(st.sampled_from('dmyhs[]"0#;_\\Red年月 .:-/$@'), max_size=20))
def test_formats_are_judged_as_openpyxl_judges_them(code: str) -> None:
    assert is_date_format(code) == openpyxl_is_date_format(code)


@given(st.floats(0, 100_000), st.sampled_from([EPOCH_1900, EPOCH_1904]))
def test_days_are_counted_as_openpyxl_counts_them(serial: float, epoch: dt.datetime) -> None:
    assert from_serial(serial, epoch) == from_excel(serial, epoch)
