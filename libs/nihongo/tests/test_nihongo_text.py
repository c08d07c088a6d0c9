"""Widths, kana, folding and company names."""

import re
import unicodedata

import jaconv
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daicho.nihongo import (
    KANA_BUCKETS,
    VARIANTS,
    Folding,
    compose,
    fold,
    kana_bucket,
    narrow,
    search_digits,
    split_company,
    store_kana,
    trim,
)
from daicho.testkit.growth import superlinear_growth

JAPANESE = st.text(
    st.one_of(
        st.sampled_from("髙﨑邊邉齋斎齊嶋嶌濵濱澤櫻廣國眞龍惠德㈱㈲Ⅲ㎝①ｶﾞﾊﾟーｰ－ＡＢａｂ１"),
        st.characters(min_codepoint=0x3041, max_codepoint=0x30FE),
        st.characters(min_codepoint=0xFF01, max_codepoint=0xFF9F),
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
    ),
    max_size=20,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙﨑", "高崎"),
        ("渡邊", "渡邉"),
        ("渡辺", "渡邉"),
        ("齋藤", "斉藤"),
        ("斎藤", "齊藤"),
        ("中嶋", "中嶌"),
        ("濵田", "濱田"),
        ("黒澤", "黒沢"),
        ("櫻井", "桜井"),
        ("廣國眞龍惠德", "広国真竜恵徳"),
        ("たなか", "ﾀﾅｶ"),
        ("ＡＢＣ", "abc"),
        ("㈱", "(株)"),
        ("ガス", "ｶﾞｽ"),
        ("が", "ガ"),
    ],
)
def test_two_spellings_of_one_thing_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_length_counts_after_folding() -> None:
    assert len(fold("㈱")) == 3


@given(JAPANESE)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(JAPANESE)
def test_the_fold_is_the_stated_one(text: str) -> None:
    stated = unicodedata.normalize("NFKC", text).casefold()
    stated = "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in stated)
    stated = unicodedata.normalize("NFKC", stated)
    kept = {other: one for one, others in VARIANTS.items() for other in others}
    assert fold(text) == "".join(kept.get(c, c) for c in stated)


def test_more_variants_can_be_added() -> None:
    assert Folding({**VARIANTS, "渡": "渉"}).fold("渉邊") == "渡辺"


@given(JAPANESE)
@example("わ\u3099")  # composes in katakana alone
def test_kana_is_stored_in_one_form(text: str) -> None:
    stored = store_kana(text)
    assert store_kana(stored) == stored
    assert not any("ぁ" <= c <= "ゖ" or "ｦ" <= c <= "ﾟ" for c in stored)


@given(st.text(st.characters(min_codepoint=0x30A1, max_codepoint=0x30F6), max_size=12))
def test_kana_typed_as_hiragana_or_in_half_width_is_stored_as_full_width_katakana(kana: str) -> None:
    assert store_kana(jaconv.kata2hira(kana)) == kana
    half = jaconv.z2h(kana)
    assert store_kana(half) == kana or any(c in "ヮヰヱヵヶヷヸヹヺ" for c in kana)


@pytest.mark.parametrize(
    ("kana", "bucket"),
    [
        ("アオキ", "あ"),
        ("ガトウ", "か"),
        ("ｶﾞﾄｳ", "か"),
        ("ぱく", "は"),
        ("ヴァン", "あ"),
        ("ンダ", "わ"),
        ("ャマ", "や"),
        ("Sato", "他"),
        ("田中", "他"),
        ("", None),
        (None, None),
    ],
)
def test_the_first_kana_gives_the_index_row(kana: str | None, bucket: str | None) -> None:
    assert kana_bucket(kana) == bucket
    assert bucket is None or bucket in KANA_BUCKETS


@pytest.mark.parametrize(
    ("query", "digits"),
    [
        ("090", "090"),
        ("０９０", "090"),
        ("03-3", "033"),
        ("(03) 3ー1", "0331"),
        ("a1", ""),
        ("ー", ""),
        ("", ""),
    ],
)
def test_a_query_of_digits_and_hyphens_is_a_telephone_number(query: str, digits: str) -> None:
    assert search_digits(query) == digits


@pytest.mark.parametrize(
    ("name", "core", "form", "position"),
    [
        ("株式会社　八千代工業", "八千代工業", "株式会社", "front"),
        ("八千代工業 株式会社", "八千代工業", "株式会社", "back"),
        ("(株)サクラ", "サクラ", "株式会社", "front"),
        ("サクラ（株）", "サクラ", "株式会社", "back"),
        ("㈱サクラ", "サクラ", "株式会社", "front"),
        ("サクラ㈲", "サクラ", "有限会社", "back"),
        ("(同)サクラ", "サクラ", "合同会社", "front"),
        ("一般社団法人サクラ", "サクラ", "一般社団法人", "front"),
        ("（一社）サクラ", "サクラ", "一般社団法人", "front"),
        ("ＮＰＯ法人サクラ", "サクラ", "特定非営利活動法人", "front"),
        ("ＡＢＣ", "ABC", None, None),
        ("株式会社", "株式会社", None, None),
        ("㈱髙松ｼｽﾃﾑ", "髙松システム", "株式会社", "front"),
    ],
)
def test_a_company_name_splits_into_core_form_and_position(
    name: str, core: str, form: str | None, position: str | None
) -> None:
    split = split_company(name)
    assert (split.core, split.form, split.position) == (core, form, position)


def test_trimming_takes_blanks_of_both_widths_and_keeps_line_ends() -> None:
    assert trim("　 a\n　") == "a\n"
    assert trim("\n \r\n") == ""


def test_narrow_letters_and_wide_kana_come_out_of_any_width() -> None:
    assert narrow("Ａﾊﾟ①") == "Aパ1"


def test_composing_takes_linear_time_and_keeps_thirty_marks_in_a_row() -> None:
    def marked(size: int) -> str:
        return "a" + "\u0301\u0316" * (size // 2)

    assert superlinear_growth(compose, marked) is None
    assert superlinear_growth(fold, lambda size: "ｶ" + "ﾞ\u0301" * (size // 2)) is None
    assert len(unicodedata.normalize("NFD", compose(marked(1_000)))) == 31
    assert compose(marked(30) * 20) == unicodedata.normalize("NFKC", marked(30) * 20)


def test_every_combining_mark_is_counted() -> None:
    """A character that begins with a mark once it is decomposed is none of a word, or one of the five that are named."""
    marks = (chr(code) for code in range(0x300, 0x110000) if not 0xD800 <= code < 0xE000)
    late = {each for each in marks if unicodedata.combining(unicodedata.normalize("NFKD", each)[0])}
    assert {each for each in late if re.match(r"\w", each)} == {"\uff9e", "\uff9f"}
    assert {each for each in late if not unicodedata.combining(each)} == set("\u0f73\u0f75\u0f81\uff9e\uff9f")
