"""The shared sample files, and how their expected names map to ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daicho.customers.imports.detection import Detected, detect
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.mapping import suggest_mapping
from daicho.customers.imports.normalising import NormalisedRow, RowNormaliser
from daicho.customers.imports.reading import read_rows
from daicho.fields import FieldDefinition, FieldType, Option

FOLDER = Path(__file__).resolve().parents[4].parent / "shared" / "data"

CONTACT_NAMES = {
    "company": "company_name",
    "last_name": "family_name",
    "first_name": "given_name",
    "last_kana": "family_name_kana",
    "first_kana": "given_name_kana",
    "postal_code": "address.postal_code",
    "prefecture": "address.prefecture",
    "city": "address.city",
    "block": "address.street",
    "building": "address.building",
    "note": "notes",
    "registered_on": "custom.registered_on",
    "total_spent": "custom.total_spent",
    "rank": "custom.rank",
    "consent": "custom.consent",
}
COMPANY_NAMES = {
    "company": "name",
    "company_kana": "name_kana",
    "postal_code": "address.postal_code",
    "prefecture": "address.prefecture",
    "city": "address.city",
    "block": "address.street",
    "industry": "custom.industry",
}
CONTACT_CUSTOM = (
    FieldDefinition(key="registered_on", type=FieldType.DATE, label="登録日"),
    FieldDefinition(key="total_spent", type=FieldType.MONEY, label="累計購入額"),
    FieldDefinition(key="rank", type=FieldType.SELECT, label="ランク", options=tuple(map(Option, "SABC"))),
    FieldDefinition(key="consent", type=FieldType.BOOLEAN, label="メール配信同意"),
)


def company_custom(industries: Iterable[str]) -> tuple[FieldDefinition, ...]:
    """The custom field 業種 with its options."""
    options = tuple(map(Option, industries))
    return (FieldDefinition(key="industry", type=FieldType.SELECT, label="業種", options=options),)


def sample(name: str) -> Path:
    """A shared sample file; the test is skipped, saying so, where the samples are not laid out beside the repository."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"LACKING: the sample file {name} (expected in ../shared/data beside the repository)")
    return path


def expected(name: str) -> dict[str, Any]:
    """The answers for a sample file."""
    loaded: dict[str, Any] = json.loads(sample(name).read_text(encoding="utf-8"))
    return loaded


def in_chunks(data: bytes, size: int = 4096) -> Iterator[bytes]:
    """``data`` piece by piece, as it comes off the disk."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def check_file(
    data: bytes,
    resource: str,
    custom: tuple[FieldDefinition, ...],
    *,
    size: int = 4096,
    detected: Detected | None = None,
) -> list[NormalisedRow]:
    """Detect, map as suggested, read and normalise: what an import does when the user changes nothing."""
    found = detected or detect(in_chunks(data, size))
    fields = import_fields(resource, custom)
    normaliser = RowNormaliser(found.columns, suggest_mapping(found.columns, resource, custom), fields)
    return [normaliser.normalise(row) for row in read_rows(in_chunks(data, size), found.file)]


def plain(value: Any) -> Any:
    """Money as the samples write it: whole yen."""
    return value["amount"] if isinstance(value, dict) else value
