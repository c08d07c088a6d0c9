"""Files with one trap each: shared samples and their like in other places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from import_samples import check_file, in_chunks, plain, sample

from daicho.customers.imports.detection import detect, detect_encoding
from daicho.customers.imports.faults import FileTooWide
from daicho.customers.imports.messages import say
from daicho.customers.imports.normalising import CellError, NormalisedRow, as_document, drop_honorific
from daicho.fields import FieldDefinition, FieldType

CUSTOM = {
    "memo": FieldDefinition(key="memo", type=FieldType.TEXT, label="メモ欄"),
    "amount": FieldDefinition(key="amount", type=FieldType.MONEY, label="金額"),
    "usd": FieldDefinition(key="usd", type=FieldType.MONEY, label="米ドル", currency="USD"),
    "joined": FieldDefinition(key="joined", type=FieldType.DATE, label="入会日"),
}
CASES = {
    each["file"]: each
    for each in json.loads(sample("import-cases/expected.json").read_text(encoding="utf-8"))["cases"]
}


def values_of(row: NormalisedRow, resource: str) -> dict[str, Any]:
    """Values by field name, with a full name in its parts, and the kinds of numbers that a contact has."""
    values = {name: plain(value) for name, value in row.values.items()}
    document = as_document(row.values, resource)
    values |= {name: document.get(name) for name in ("family_name", "given_name") if name in document}
    kinds = {"work": "phone", "mobile": "mobile", "fax": "fax"}
    values |= {kinds[each["kind"]]: each["number"] for each in document.get("phones", ())}
    return values


@pytest.mark.parametrize("name", CASES)
def test_sample_gives_its_expected_values(name: str) -> None:
    case = CASES[name]
    data = sample(f"import-cases/{name}").read_bytes()
    custom = tuple(CUSTOM[key] for key in case["custom"])
    try:
        rows = check_file(data, case["resource"], custom)
    except FileTooWide:
        assert case["rows"][0].get("or_file_refused")
        return
    assert len(rows) == len(case["rows"])
    for row, wanted in zip(rows, case["rows"], strict=True):
        codes = [error.code for error in row.errors]
        if wanted.get("rejected") == ["not_unique"]:
            assert row.values["customer_code"] == rows[0].values["customer_code"]
        elif codes:
            assert codes == wanted.get("rejected", wanted.get("or_rejected")), wanted
        else:
            found = values_of(row, case["resource"])
            values = wanted.get("values", wanted.get("or_values"))
            assert values is not None, wanted
            assert {key: found.get(key) for key in values} == values


@pytest.mark.parametrize("word", ["#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#n/a", "＃Ｎ／Ａ"])
@pytest.mark.parametrize("column", ["備考", "顧客番号", "誕生日", "会社名"])
def test_error_word_is_no_value_in_any_column(word: str, column: str) -> None:
    (row,) = check_file(f"姓,{column}\r\n山田,{word}\r\n".encode(), "contact", ())
    assert [(error.column, error.code) for error in row.errors] == [(column, "error_value")]


def test_text_that_begins_with_a_number_sign_stays() -> None:
    (row,) = check_file("姓,備考\r\n山田,#1 customer\r\n".encode(), "contact", ())
    assert row.values["notes"] == "#1 customer"


def test_column_count_says_both_counts() -> None:
    (row,) = check_file("姓,名,備考\r\n山田,太郎\r\n".encode(), "contact", ())
    assert (row.errors[0].code, dict(row.errors[0].params)) == ("column_count", {"expected": 3, "found": 2})
    assert "3 列" in say(row.errors[0], "ja")
    assert "2 found" in say(row.errors[0], "en")
    assert say(CellError(None, "column_count"), "ja") == "列の数が見出しと合いません。"


def test_value_beyond_the_header_is_told() -> None:
    (row,) = check_file("姓,名\r\n山田,太郎,x\r\n".encode(), "contact", ())
    assert [error.code for error in row.errors] == ["column_count"]


def test_extension_is_kept_in_the_notes() -> None:
    (row,) = check_file("姓,電話番号,備考\r\n山田,03-3234-5603 内線12,常連\r\n".encode(), "contact", ())
    assert (row.values["phone"], row.values["notes"]) == ("+81332345603", "常連\n電話番号：内線 12")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("山田 太郎 様", "山田 太郎"),
        ("山田太郎様", "山田太郎"),
        ("山田太郎 殿", "山田太郎"),
        ("山田さん", "山田"),
        ("Mr. John Smith", "John Smith"),
        ("Ms Jane Doe", "Jane Doe"),
        ("Yamada-sama", "Yamada"),
        ("鵜殿", "鵜殿"),
        ("Aung San", "Aung San"),
        ("様", "様"),
        ("Drake Bell", "Drake Bell"),
    ],
)
def test_honorifics_are_no_part_of_a_name(typed: str, name: str) -> None:
    assert drop_honorific(typed) == name


def test_more_than_500_columns_are_refused_with_the_limit() -> None:
    header = ",".join(["姓", *(f"c{number}" for number in range(520))])
    with pytest.raises(FileTooWide) as caught:
        detect(in_chunks(f"{header}\r\n{header}\r\n".encode()))
    assert "500" in str(caught.value.messages.say("en", caught.value.params))


def test_empty_surplus_columns_are_not_counted() -> None:
    data = "姓,名" + "," * 600 + "\r\n山田,太郎" + "," * 600 + "\r\n"
    (row,) = check_file(data.encode(), "contact", ())
    assert row.values["given_name"] == "太郎"


def test_utf16_without_a_mark_is_still_found() -> None:
    assert detect_encoding("姓,名\r\n山田,太郎\r\n".encode("utf-16-le")) == "utf-16-le"
    assert detect_encoding("name,mail\r\n".encode("utf-16-be")) == "utf-16-be"
