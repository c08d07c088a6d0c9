"""Files like the samples but others: other people, encodings, delimiters, line ends, titles above."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from daicho.customers.imports.detection import detect
from daicho.nihongo import split_company

sys.path.insert(0, str(Path(__file__).parent))
from import_samples import CONTACT_CUSTOM, CONTACT_NAMES, FOLDER, check_file, in_chunks, plain, sample

ENCODINGS = ["cp932", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
TITLES = ["顧客一覧（営業部）", "", "出力日：2026/11/01", "営業部 顧客リスト"]


@pytest.fixture(scope="module")
def makers() -> Any:
    sample("gen/contacts.py")
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("gen.contacts")
    sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("seed", range(12))
def test_other_files_of_the_same_kind_come_out_right(makers: Any, seed: int) -> None:
    rng = random.Random(seed)
    encoding, delimiter, newline = ENCODINGS[seed % 6], rng.choice(",\t;"), rng.choice(["\r\n", "\n"])
    records, _ = makers.build(
        rng,
        100,
        charset="cp932" if encoding == "cp932" else "unicode",
        accept=rng.sample(makers.ACCEPT, 20),
        reject=rng.sample(makers.REJECT, 15),
        duplicates=False,
    )
    text, lines = makers.csv_text(records, delimiter=delimiter, newline=newline)
    above = [rng.choice(TITLES) + delimiter * rng.choice([0, 21]) for _ in range(seed % 4)]
    data = ("".join(title + newline for title in above) + text).encode(encoding)
    found = detect(in_chunks(data)).file
    assert (found.encoding, found.delimiter, found.header_row) == (encoding, delimiter, len(above) + 1)
    answers = makers.expected_rows(records, [line + len(above) for line in lines])
    rows = check_file(data, "contact", CONTACT_CUSTOM)
    assert len(rows) == len(answers)
    for row, answer in zip(rows, answers, strict=True):
        errors = [{"column": error.column, "code": error.code} for error in row.errors]
        assert (row.number, row.line, errors) == (answer["row"], answer["line"], answer.get("errors", []))
        if not errors:
            assert {field: value_of(row.values, field) for field in answer["values"]} == answer["values"]


def value_of(values: dict[str, Any], field: str) -> Any:
    if field in ("company_core", "company_form", "company_position"):
        company = values["company_name"]
        return getattr(split_company(company), field.removeprefix("company_")) if company else None
    return plain(values[CONTACT_NAMES.get(field, field)])
