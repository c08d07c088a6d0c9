"""Folding finds what the shared search samples say."""

import json
from pathlib import Path
from typing import Any

import pytest

from daicho.nihongo import fold, phone_digits, search_digits

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def load(name: str) -> Any:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"LACKING: the sample file {name} (expected in ../shared/data beside the repository)")
    return json.loads(path.read_text(encoding="utf-8"))


def texts_of(values: dict[str, Any]) -> list[str]:
    names = (("company",), ("last_name", "first_name"), ("last_kana", "first_kana"), ("email",))
    return [fold("".join(values[part] or "" for part in parts)) for parts in names]


def test_every_sample_query_finds_its_rows() -> None:
    rows = [
        row["values"] for row in load("contacts-small.expected.json")["rows"] if row["outcome"] == "accepted"
    ]
    folded = [
        (
            row["customer_code"],
            texts_of(row),
            [phone_digits(row[key]) for key in ("phone", "mobile") if row[key]],
        )
        for row in rows
    ]
    for query in load("search.expected.json")["queries"]:
        word, digits = fold(query["query"]), search_digits(query["query"])
        found = [
            code
            for code, texts, numbers in folded
            if any(word in text for text in texts) or (digits and any(digits in number for number in numbers))
        ]
        assert sorted(found) == query["match"], query
        if "begins" in query:
            begins = [
                code
                for code, texts, numbers in folded
                if any(text.startswith(word) for text in texts)
                or (digits and any(number.startswith(digits) for number in numbers))
            ]
            assert sorted(begins) == query["begins"], query
