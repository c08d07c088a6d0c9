"""Amounts, telephone numbers, kana and dates as people type them in files."""

import pytest

from daicho.nihongo import Unreadable, read_date, read_phone, read_yen, split_extension, store_kana


@pytest.mark.parametrize(
    ("typed", "yen"),
    [
        ("1千万円", 10_000_000),
        ("1億5千万円", 150_000_000),
        ("5百万円", 5_000_000),
        ("3,000万円", 30_000_000),
        ("2千5百万", 25_000_000),
        ("3千円", 3_000),
        ("5千", 5_000),
        ("1億2,500万円", 125_000_000),
        ("JPY 1,200", 1_200),
        ("0", 0),
        ("0円", 0),
    ],
)
def test_thousands_and_hundreds_count_before_large_units(typed: str, yen: int) -> None:
    assert read_yen(typed) == yen


@pytest.mark.parametrize("typed", ["万", "千万", "1万億", "$12", "€12", "USD 12", "1億万"])
def test_amounts_without_digits_or_in_another_currency_are_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        read_yen(typed)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("03-3234-5604（代）", "+81332345604"),
        ("03-3234-5604 (代表)", "+81332345604"),
        ("03-3234-5604 代表", "+81332345604"),
        ("81-3-3234-5602", "+81332345602"),
        ("\u202a090-1234-5678\u202c", "+819012345678"),
        ("TEL 03-1234-5678", "+81312345678"),
    ],
)
def test_marks_around_a_number_are_no_part_of_it(typed: str, e164: str) -> None:
    assert read_phone(typed) == e164


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("03-3234-5603 内線12", ("03-3234-5603", "12")),
        ("03-3234-5604（内線 123）", ("03-3234-5604", "123")),
        ("03-3234-5604 ext. 12", ("03-3234-5604", "12")),
        ("03-3234-5604 x12", ("03-3234-5604", "12")),
        ("03-3234-5604", ("03-3234-5604", None)),
        ("内線12", ("内線12", None)),
    ],
)
def test_an_extension_is_parted_from_its_number(typed: str, parts: tuple[str, str | None]) -> None:
    assert split_extension(typed) == parts


@pytest.mark.parametrize("typed", ["03-1234-5678 / 090-1234-5678", "03-1234-5678 内線", "内線12"])
def test_two_numbers_and_extensions_alone_are_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        read_phone(typed)


@pytest.mark.parametrize(
    ("typed", "kana"),
    [
        ("マ－ガレット", "マーガレット"),
        ("オ\u2010カ", "オーカ"),
        ("まーがれっと", "マーガレット"),
        ("A-1", "A-1"),
    ],
)
def test_a_hyphen_after_kana_is_the_long_vowel_mark(typed: str, kana: str) -> None:
    assert store_kana(typed) == kana


@pytest.mark.parametrize("typed", ["1225", "0401", "2020"])
def test_four_digits_are_no_date(typed: str) -> None:
    with pytest.raises(Unreadable):
        read_date(typed)
