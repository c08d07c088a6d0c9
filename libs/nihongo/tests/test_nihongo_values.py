"""Telephones, postal codes, numbers, e-mail, words."""

import re
from collections.abc import Callable
from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daicho.nihongo import (
    PREFECTURES,
    Unreadable,
    is_mobile,
    phone_digits,
    places_of,
    read_boolean,
    read_corporate_number,
    read_decimal,
    read_email,
    read_integer,
    read_month,
    read_phone,
    read_postal_code,
    read_registration_number,
    read_yen,
    show_phone,
)
from daicho.nihongo.emails import read_email_with_library
from daicho.nihongo.phones import read_phone_with_library, show_phone_with_library


def outcome(read: Callable[[str], object], text: str) -> object:
    try:
        return read(text)
    except Unreadable as unreadable:
        return unreadable.code


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("０３－３２３４－５６７８", "+81332345678"),
        ("03‐3234‐5678", "+81332345678"),
        ("03―3234―5678", "+81332345678"),
        ("03ー3234ー5678", "+81332345678"),
        ("03ｰ3234ｰ5678", "+81332345678"),
        ("03−3234−5678", "+81332345678"),
        ("096(280)2565", "+81962802565"),
        ("（０３）３２３４－５６７８", "+81332345678"),
        ("03 3234 5678", "+81332345678"),
        ("0332345678", "+81332345678"),
        ("+81 90-1234-0001", "+819012340001"),
        ("+81-(0)90-1234-0001", "+819012340001"),
        ("＋８１９０１２３４０００１", "+819012340001"),
        ("0120-000-123", "+81120000123"),
        ("0800-123-4567", "+818001234567"),
        ("050-1234-5678", "+815012345678"),
        ("060-1234-5678", "+816012345678"),
        ("℡03-3234-5678", "+81332345678"),
        ("+1 212-555-1234", "+12125551234"),
        ("010-1-212-555-1234", "+12125551234"),
    ],
)
def test_a_telephone_number_becomes_e164(typed: str, e164: str) -> None:
    assert read_phone(typed) == e164


@pytest.mark.parametrize(
    "typed",
    [
        "03-1234",
        "なし",
        "090-1234-567",
        "03-12345-6789",
        "9012345678",
        "0120-FLOWER",
        "03-1234-5678内線9",
        "+",
        "-",
        "+1 555",
    ],
)
def test_what_is_no_telephone_number_is_refused(typed: str) -> None:
    assert outcome(read_phone, typed) == "invalid_phone"


PLAIN_PHONES = st.one_of(
    st.from_regex(r"0[0-9]{1,4}([- ]?)[0-9]{1,4}\1[0-9]{3,4}", fullmatch=True),
    st.from_regex(r"0[0-9]{1,4}\([0-9]{1,4}\)[0-9]{3,4}", fullmatch=True),
    st.from_regex(r"\+81[- ]?[0-9]{1,4}[- ]?[0-9]{1,4}[- ]?[0-9]{3,4}", fullmatch=True),
)


@given(PLAIN_PHONES)
def test_the_fast_path_for_plain_phones_answers_as_phonenumbers_does(typed: str) -> None:
    assert outcome(read_phone, typed) == outcome(read_phone_with_library, typed)


@given(st.integers(1, 999_999_999), st.sampled_from(["0120{:06d}", "03{:08d}", "090{:08d}", "0467{:06d}"]))
def test_an_accepted_number_is_one_that_phonenumbers_calls_possible(number: int, shape: str) -> None:
    typed = shape.format(number)
    answer = outcome(read_phone, typed)
    assume(answer != "invalid_phone")
    parsed = phonenumbers.parse(str(answer), None)
    assert phonenumbers.is_possible_number(parsed)
    assert phone_digits(str(answer)) == typed


def test_a_number_is_shown_with_hyphens() -> None:
    assert show_phone("+81332345678") == "03-3234-5678"
    assert show_phone("+12125551234") == "+1 212-555-1234"


@given(st.from_regex(r"\+81(?:[25-9]0[0-9]{8}|[1-9][0-9]{8})", fullmatch=True))
def test_the_fast_way_to_show_a_number_shows_what_the_library_does(e164: str) -> None:
    assert show_phone(e164) == show_phone_with_library(e164)


def test_mobile_numbers_are_told_from_free_phones() -> None:
    assert is_mobile("+819012345678")
    assert not is_mobile("+818001234567")
    assert not is_mobile("+81332345678")


@pytest.mark.parametrize(
    "typed", ["064-0820", "０６４ー０８２０", "0640820", "〒064-0820", "064―0820", "064ｰ0820", "064−0820"]
)
def test_a_postal_code_is_seven_digits(typed: str) -> None:
    assert read_postal_code(typed) == "0640820"


@pytest.mark.parametrize("typed", ["123-456", "12345678", "1234-567", "abc-defg", "٠٦٤٠٨٢٠"])
def test_what_is_no_postal_code_is_refused(typed: str) -> None:
    assert outcome(read_postal_code, typed) == "invalid_postal_code"


def test_a_postal_code_leads_to_its_places() -> None:
    assert [(p.prefecture, p.city, p.town) for p in places_of("1500043")] == [("東京都", "渋谷区", "道玄坂")]
    assert len(places_of("4980000")) > 1
    assert places_of("0000000") == ()


def test_there_are_47_prefectures() -> None:
    assert len(set(PREFECTURES)) == 47


@pytest.mark.parametrize(
    "typed", ["9998303614522", "9-9983-0361-4522", "9 9983 0361 4522", "９９９８３０３６１４５２２"]
)
def test_a_corporate_number_is_13_digits_with_a_check_digit(typed: str) -> None:
    assert read_corporate_number(typed) == "9998303614522"


@pytest.mark.parametrize(
    "typed", ["1998303614522", "123456789012", "9.12345E+12", "12345678901AB", "0998303614522"]
)
def test_a_wrong_corporate_number_is_refused(typed: str) -> None:
    assert outcome(read_corporate_number, typed) == "invalid_corporate_number"


@pytest.mark.parametrize("typed", ["T9998303614522", "t9998303614522", "Ｔ９９９８３０３６１４５２２"])
def test_a_registration_number_is_t_and_13_digits(typed: str) -> None:
    assert read_registration_number(typed) == "T9998303614522"


@pytest.mark.parametrize("typed", ["9998303614522", "T1998303614522", "T123", "申請中", "TT998303614522"])
def test_a_wrong_registration_number_is_refused(typed: str) -> None:
    assert outcome(read_registration_number, typed) == "invalid_registration_number"


@pytest.mark.parametrize(
    ("typed", "yen"),
    [
        ("1234567", 1234567),
        ("￥1,234,567", 1234567),
        ("¥1,234,567", 1234567),
        ("\\1,234", 1234),
        ("1,234,567円", 1234567),
        ("７２，８４８，０６０円", 72848060),
        ("-5,000", -5000),
        ("▲5,000", -5000),
        ("△5,000円", -5000),
        ("(5,000)", -5000),
        ("￥-5,000", -5000),
        ("−5,000", -5000),
        ("０円", 0),
        ("5200万", 52_000_000),
        ("170000万", 1_700_000_000),
        ("2,700万円", 27_000_000),
        ("26億円", 2_600_000_000),
        ("1億2,500万円", 125_000_000),
        ("1.5億円", 150_000_000),
        ("1兆2億3万4円", 1_000_200_030_004),
        ("500千円", 500_000),
        ("12百万円", 12_000_000),
        ("1,234.00", 1234),
    ],
)
def test_money_is_whole_yen(typed: str, yen: int) -> None:
    assert read_yen(typed) == yen


@pytest.mark.parametrize(
    "typed",
    [
        "百万円くらい",
        "12x4円",
        "非公開",
        "1,23",
        "1,2345",
        "1.5",
        "円",
        "￥",
        "(5,000",
        "--5",
        "1万2億",
        "",
        "٣",
    ],
)
def test_what_is_no_money_is_refused(typed: str) -> None:
    assert outcome(read_yen, typed) == "invalid_number"


@given(st.integers(-(10**15), 10**15))
def test_every_way_of_writing_an_amount_reads_back(yen: int) -> None:
    ways = [
        str(yen),
        f"{yen:,}",
        f"{yen:,}円",
        f"￥{yen:,}",
        "".join(chr(ord(c) + 0xFEE0) for c in f"{yen:,}"),
    ]
    assert {read_yen(way) for way in ways} == {yen}


def test_numbers_are_read_in_any_width() -> None:
    assert read_decimal("－１，２３４．５") == Decimal("-1234.5")
    assert read_integer("1,234.0") == 1234
    assert outcome(read_integer, "1.5") == "invalid_number"
    assert outcome(read_decimal, "1e5") == "invalid_number"
    assert outcome(read_decimal, "NaN") == "invalid_number"


@pytest.mark.parametrize(
    ("typed", "month"), [("3月末", 3), ("3月", 3), ("03", 3), ("９月", 9), ("12", 12), ("3月決算", 3)]
)
def test_a_month_is_read(typed: str, month: int) -> None:
    assert read_month(typed) == month


@pytest.mark.parametrize("typed", ["13月", "0", "年度末", "3日", "03/31"])
def test_what_is_no_month_is_refused(typed: str) -> None:
    assert outcome(read_month, typed) == "invalid_month"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ＳＯＦＩＡ＿１＠ＥＸＡＭＰＬＥ．ＣＯ．ＪＰ　", "sofia_1@example.co.jp"),
        ("taro..yamada@docomo.ne.jp", "taro..yamada@docomo.ne.jp"),
        ("hanako.@ezweb.ne.jp", "hanako.@ezweb.ne.jp"),
        ("a..b.@au.com", "a..b.@au.com"),
        ("first+tag@sub.example.com", "first+tag@sub.example.com"),
        ("info@日本語.jp", "info@xn--wgv71a119e.jp"),
    ],
)
def test_an_address_is_stored_in_lower_case_ascii(typed: str, stored: str) -> None:
    assert read_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "taro@",
        "taro.example.co.jp",
        "a@@example.co.jp",
        "ta ro@example.co.jp",
        "taro@example",
        "太郎@example.co.jp",
        "a..b@example.co.jp",
        "ab.@example.co.jp",
        ".ab@example.jp",
        "a..b@sub.docomo.ne.jp",
        "@docomo.ne.jp",
        ".a@docomo.ne.jp",
        "a@example.jp\nbcc: b@example.jp",
        '"a b"@example.jp',
        "Taro <taro@example.jp>",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    assert outcome(read_email, typed) == "invalid_email"


PLAIN_ADDRESSES = st.from_regex(
    re.compile(
        r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,66}@([a-z0-9-]{1,65}\.){0,3}([a-z]{1,5}|[0-9]{1,3}|local|test|example)"
    ),
    fullmatch=True,
)


@given(st.one_of(PLAIN_ADDRESSES, st.emails().map(str.lower)))
def test_the_fast_path_for_plain_addresses_answers_as_email_validator_does(typed: str) -> None:
    assume(typed.isascii())
    assert outcome(read_email, typed) == outcome(read_email_with_library, typed)


@pytest.mark.parametrize("typed", ["同意する", "同意", "はい", "○", "1", "TRUE", "可", "１", "ｔｒｕｅ"])
def test_words_of_consent_are_yes(typed: str) -> None:
    assert read_boolean(typed) is True


@pytest.mark.parametrize("typed", ["同意しない", "不同意", "いいえ", "×", "0", "FALSE", "不可"])
def test_words_of_refusal_are_no(typed: str) -> None:
    assert read_boolean(typed) is False


def test_a_word_that_is_neither_is_refused() -> None:
    assert outcome(read_boolean, "たぶん") == "unknown_option"
