"""The shared sample files give exactly their expected outcomes and values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from daicho.customers.imports.detection import detect
from daicho.customers.imports.normalising import NormalisedRow
from daicho.nihongo import split_company

sys.path.insert(0, str(Path(__file__).parent))
from import_samples import (
    COMPANY_NAMES,
    CONTACT_CUSTOM,
    CONTACT_NAMES,
    check_file,
    company_custom,
    expected,
    in_chunks,
    plain,
    sample,
)


def assert_as_expected(rows: list[NormalisedRow], answer: dict[str, Any], names: dict[str, str]) -> None:
    assert len(rows) == len(answer["rows"])
    for row, wanted in zip(rows, answer["rows"], strict=True):
        assert (row.number, row.line) == (wanted["row"], wanted["line"])
        errors = [{"column": error.column, "code": error.code} for error in row.errors]
        assert errors == wanted.get("errors", []), wanted
        if wanted["outcome"] == "accepted":
            assert_values(row, wanted["values"], names)


def assert_values(row: NormalisedRow, wanted: dict[str, Any], names: dict[str, str]) -> None:
    company = row.values[names["company"]]
    split = split_company(company) if company else None
    parts = {f"company_{part}": getattr(split, part, None) for part in ("core", "form", "position")}
    for field, value in wanted.items():
        got = parts[field] if field in parts else plain(row.values[names.get(field, field)])
        assert got == value, (row.number, field)


@pytest.mark.parametrize("size", [1, 7, 4096, 10**7])
@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("contacts-small.csv", "contacts-small.expected.json"),
        ("contacts.xlsx", "contacts-xlsx.expected.json"),
        ("contacts-utf8bom.csv", "contacts-unicode.expected.json"),
        ("contacts-utf16.csv", "contacts-unicode.expected.json"),
        ("contacts-unicode.txt", "contacts-unicode.expected.json"),
        ("contacts-broken.csv", "contacts-broken.expected.json"),
    ],
)
def test_contacts_come_out_as_expected_whatever_the_chunks(file: str, answer: str, size: int) -> None:
    rows = check_file(sample(file).read_bytes(), "contact", CONTACT_CUSTOM, size=size)
    assert_as_expected(rows, expected(answer), CONTACT_NAMES)


def test_companies_come_out_as_expected() -> None:
    answer = expected("companies.expected.json")
    rows = check_file(
        sample("companies.csv").read_bytes(), "company", company_custom(answer["industry_options"])
    )
    assert_as_expected(rows, answer, COMPANY_NAMES)


@pytest.mark.parametrize(
    ("file", "encoding", "delimiter", "header_row"),
    [
        ("contacts-small.csv", "cp932", ",", 1),
        ("contacts-broken.csv", "cp932", ",", 1),
        ("companies.csv", "cp932", ",", 1),
        ("orders.csv", "cp932", ",", 1),
        ("contacts-utf8bom.csv", "utf-8-sig", ",", 1),
        ("contacts-utf16.csv", "utf-16", ",", 1),
        ("contacts-unicode.txt", "utf-16", "\t", 1),
        ("contacts.xlsx", None, None, 4),
    ],
)
def test_the_format_of_each_sample_is_detected(
    file: str, encoding: str | None, delimiter: str | None, header_row: int
) -> None:
    found = detect(in_chunks(sample(file).read_bytes())).file
    assert (found.encoding, found.delimiter, found.header_row) == (encoding, delimiter, header_row)
