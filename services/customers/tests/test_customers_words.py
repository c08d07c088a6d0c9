"""Words find what the definition of search says, for texts as people and Excel make them.

The definition stands in the shared data's README ("search"); here it is written down a second time, without index.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daicho.customers.contacts.lines import ContactLines
from daicho.customers.contacts.rows import columns_of, texts_of
from daicho.customers.contacts.schemas import ContactInput, Email, Phone
from daicho.customers.contacts.sealing import Card
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.finding.narrowing import words_of
from daicho.customers.words import Words
from daicho.faults import Invalid
from daicho.fields import Schema
from daicho.fields.filters import FilterContext, matcher, parse_filter
from daicho.keyring import KeyMaterial, TenantKeys
from daicho.tenancy import TenantId

KEYS = TenantKeys.of_material(
    KeyMaterial(TenantId(UUID(int=1)), {1: b"r" * 32}, current=1, index=(b"i" * 32,), unique=b"u" * 32)
)
PLAIN = ResourceSchema(0, Schema(()))
VARIANTS = [
    "髙高",
    "﨑崎",
    "邊辺",
    "邉辺",
    "齋斉",
    "斎斉",
    "齊斉",
    "嶋島",
    "嶌島",
    "濵浜",
    "濱浜",
    "澤沢",
    "櫻桜",
    "廣広",
    "國国",
    "眞真",
    "龍竜",
    "惠恵",
    "德徳",
]
HYPHENS = "-‐−―ー"


def folded(text: str) -> str:
    """NFKC, casefold, katakana, then the characters that count as the same."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" or char in "ゝゞ" else char for char in text)
    text = unicodedata.normalize("NFKC", text)
    return text.translate({ord(pair[0]): pair[1] for pair in VARIANTS})


def digits_of(query: str) -> str:
    """The digits of a query of digits, hyphens, brackets and blanks alone; else nothing."""
    rest = [char for char in unicodedata.normalize("NFKC", query) if char not in HYPHENS + "() "]
    return "".join(rest) if rest and all("0" <= char <= "9" for char in rest) else ""


def is_hit(state: ContactInput, query: str) -> bool:
    """The definition: every word stands in a text, or its digits in a telephone; one character only begins them."""
    texts = [
        folded(state.company_name or ""),
        folded(state.family_name + (state.given_name or "")),
        folded((state.family_name_kana or "") + (state.given_name_kana or "")),
        *(folded(email.address) for email in state.emails),
    ]
    numbers = [
        "0" + each.number[3:] if each.number.startswith("+81") else each.number[1:] for each in state.phones
    ]
    digits, words = digits_of(query), folded(query).split()
    if digits and len(words) > 1:
        words = [digits]

    def stands(word: str, among: list[str]) -> bool:
        return any(text.startswith(word) if len(word) == 1 else word in text for text in among)

    return all(stands(word, texts) or (bool(digits) and stands(digits, numbers)) for word in words)


# Each entry is a spelling that some file or keyboard brings; surrogates cannot arrive, as JSON is UTF-8.
PIECES = [
    *"田中佐藤高髙橋崎﨑辺邉邊斉齋商事東京株式会社々〆ヶ",
    *"たなかサトウぱばがゔっゃーｰ～ﾀﾅｶｶﾞﾊﾟﾞﾟ゛゜",
    *"abcABCａｂＣéÉßİıǰŉſﬁÅ",
    *"0123456789０１②Ⅲ㈱㌔㍿㎝",
    *"-‐−―()（）.@＠_+,'&・／",
    "e\u0301", "か\u3099", "ハ\u309a", "わ\u3099", "\u3099", "\u0301", "葛\U000e0100", "\u1100", "\u1161",
    "𠮟", "𩸽", "🍣", "👨\u200d👩\u200d👧", "❤\ufe0f", "\u200b", "\ufeff", " ", "\u3000", "\u00a0", "\u0000",
]  # fmt: skip
text = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
filled = text.filter(bool)
local = st.text("abcdeghkmnorstuyz0123456789._-", min_size=1, max_size=8)
states = st.builds(
    ContactInput,
    family_name=filled,
    given_name=st.none() | text,
    family_name_kana=st.none() | text,
    given_name_kana=st.none() | text,
    company_name=st.none() | filled,
    emails=st.lists(st.builds(lambda name: Email(f"{name}@example.co.jp"), local), max_size=2),
    phones=st.lists(
        st.builds(Phone, st.from_regex(r"\+81[1-9][0-9]{8,9}|\+1212[0-9]{7}", fullmatch=True)), max_size=2
    ),
)


@st.composite
def queries(draw: st.DrawFn, state: ContactInput) -> str:
    """Mostly something that stands in the record, as somebody might spell it; else anything."""
    whole = draw(
        st.sampled_from(
            [
                state.family_name + (state.given_name or ""),
                (state.family_name_kana or "") + (state.given_name_kana or ""),
                state.company_name or "",
                *(email.address for email in state.emails),
                *("0" + phone.number[3:] for phone in state.phones),
            ]
        )
    )
    start = draw(st.integers(0, max(0, len(whole) - 1)))
    part = whole[start : start + draw(st.integers(1, 6))]
    spelt = draw(
        st.sampled_from(
            [part, part.upper(), folded(part), unicodedata.normalize("NFD", part), f"　{part} ", f"({part})"]
        )
    )
    return draw(
        st.sampled_from([spelt, spelt + draw(text), f"{spelt} {draw(text)}", f"{part[:2]}-{part[2:]}"]) | text
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[ContactInput, str]:
    state = draw(states)
    return state, draw(queries(state))


def texts(state: ContactInput) -> dict[str, list[str]]:
    card = Card(
        state.family_name,
        state.given_name,
        state.family_name_kana,
        state.given_name_kana,
        tuple((each.kind, each.address) for each in state.emails),
        tuple((each.kind, each.number) for each in state.phones),
    )
    return texts_of(card, state.company_name, PLAIN.schema, {})


def tokens(state: ContactInput) -> set[int]:
    return set(columns_of(KEYS, UUID(int=2), state, PLAIN)["tokens"])


def is_candidate(words: list[list[list[int]]], held: set[int]) -> bool:
    return all(any(alternative and held.issuperset(alternative) for alternative in word) for word in words)


@settings(max_examples=600, deadline=None)
@given(cases())
@example((ContactInput(family_name="か", given_name="\u3099"), "が"))
@example((ContactInput(family_name="髙﨑", company_name="㈱東京"), "(株)東"))
@example((ContactInput(family_name="田", phones=[Phone("+81312345678")]), "03-12"))
@example((ContactInput(family_name="田", phones=[Phone("+81312345678")]), "（03）1234 5678"))
@example((ContactInput(family_name="あ" * 200), "ア" * 200))
@example((ContactInput(family_name="あ" * 199), "ア" * 200))
def test_words_decide_as_the_definition_and_the_index_offers_every_hit(
    case: tuple[ContactInput, str],
) -> None:
    state, query = case
    words = Words.read(query)
    assert words.match(texts(state)) == is_hit(state, query)
    if words.words and is_hit(state, query):
        assert is_candidate(words.terms(KEYS), tokens(state))


FIELDS = ("family_name", "given_name", "family_name_kana", "given_name_kana", "email", "phone")


@st.composite
def filtered(draw: st.DrawFn) -> tuple[ContactInput, dict[str, object]]:
    """A record and a filter that its own values make likely to hold."""
    state = draw(states)
    held = {
        **{name: getattr(state, name) or "" for name in FIELDS[:4]},
        "email": state.emails[0].address if state.emails else "",
        "phone": state.phones[0].number if state.phones else "",
    }

    def condition() -> dict[str, object]:
        field, op = draw(st.sampled_from(FIELDS)), draw(st.sampled_from(["eq", "contains", "begins"]))
        whole = held[field]
        end = draw(st.integers(1, 6))
        part = {"eq": whole, "begins": whole[:end], "contains": whole[-end:]}[op]
        value = part if draw(st.booleans()) or not part else folded(part)
        value = value.strip() or "田中"
        return {"field": field, "op": op, "value": value}

    leaves = [condition() for _ in range(draw(st.integers(1, 3)))]
    how = draw(st.sampled_from(["all", "any", "not", "one"]))
    if how == "one":
        return state, leaves[0]
    return state, {"not": leaves[0]} if how == "not" else {how: leaves}


@settings(max_examples=400, deadline=None)
@given(filtered())
@example(
    (
        ContactInput(family_name="か", given_name="\u3099い"),
        {"field": "family_name", "op": "eq", "value": "か"},
    )
)
@example(
    (
        ContactInput(family_name="田", family_name_kana="ハ", given_name_kana="ﾟイ"),
        {"field": "given_name_kana", "op": "begins", "value": "ﾟイ"},
    )
)
def test_what_a_filter_asks_of_the_index_loses_no_record_that_it_lets_through(
    case: tuple[ContactInput, dict[str, object]],
) -> None:
    state, tree = case
    try:
        node = parse_filter(tree, ContactLines.fields, FilterContext(date(2026, 4, 1)), role=None, pointer="")
    except Invalid:
        return  # a value that is no e-mail address or telephone
    record = {
        **{name: getattr(state, name) for name in FIELDS[:4]},
        "email": [each.address for each in state.emails],
        "phone": [each.number for each in state.phones],
    }
    if matcher(node)(record):
        assert is_candidate(words_of(node, ContactLines.indexed, KEYS), tokens(state))


@pytest.mark.parametrize(
    ("text", "code"),
    [("ﷺ" * 20, "too_long"), ("㈱" * 70, "too_long"), (" ".join(map(str, range(1, 22))) + " a", "too_many")],
)
def test_query_is_bounded_after_folding(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        Words.read(text)
    [fault] = refused.value.fields
    assert (fault.pointer, fault.code) == ("/q", code)


def test_word_that_is_repeated_is_looked_for_once() -> None:
    assert Words.read("a A ａ b " * 20).words == ("a", "b")
