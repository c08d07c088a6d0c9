"""Whatever the ledger holds, its export read as an import finds every field by itself and changes nothing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_samples import in_chunks

from daicho.customers import history
from daicho.customers.companies import normalising as companies
from daicho.customers.companies.schemas import CompanyInput, Money
from daicho.customers.contacts import normalising as contacts
from daicho.customers.contacts.schemas import ContactInput, Email, Phone
from daicho.customers.exports.columns import Opened, columns_of
from daicho.customers.exports.schemas import ExportRequest
from daicho.customers.exports.writing import file_of, lacking_in
from daicho.customers.imports.detection import detect
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.mapping import suggest_mapping
from daicho.customers.imports.normalising import RowNormaliser, join_tags, split_tags
from daicho.customers.imports.reading import read_rows
from daicho.customers.imports.states import patch_of
from daicho.customers.merging import merge
from daicho.customers.schemas import Address
from daicho.fields import FieldDefinition, FieldType, Option, Schema

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
USER = UUID("0198c2c4-5a8e-7a3f-9d43-3a1b2c3d4e5f")
PEOPLE = {USER: "suzuki@example.jp"}
NASTY = [
    "=1+1",
    "'=1+1",
    "''@x",
    "＝cmd|' /C calc'!A0",
    "-5",
    "+81",
    "@a",
    'a"b',
    'a,"b"\n\'c',
    "'",
    "\tx",
    "a\tb",
    "0012",
]
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0"
"""Letters and marks that show nothing: no line holds them."""
LINES = st.sampled_from([each for each in NASTY if each.isprintable()]) | st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn"), exclude_characters=FILLERS),
    min_size=1,
    max_size=20,
)
TEXTS = st.sampled_from(NASTY) | LINES
NAMES = LINES.filter(str.strip)
KANA = st.text("アイウカガャータナｶﾀﾅ", min_size=1, max_size=8)
TAGS = st.lists(NAMES.map(lambda text: text[:50]), max_size=4)
ADDRESSES = st.builds(
    Address,
    postal_code=st.none() | st.just("100-0001"),
    prefecture=st.none() | st.just("東京都"),
    city=st.none() | LINES,
    street=st.none() | LINES,
    building=st.none() | LINES,
)
MAILS = st.sampled_from(["a@example.jp", "b.c@example.com", "d@example.jp"])
NUMBERS = st.sampled_from(
    ["03-1234-5678", "090-1234-5678", "080-9999-0000", "+1 212-555-1234", "0120-123-456"]
)
CONTACTS = st.builds(
    ContactInput,
    family_name=NAMES,
    given_name=st.none() | LINES,
    family_name_kana=st.none() | KANA,
    given_name_kana=st.none() | KANA,
    emails=st.lists(
        st.builds(Email, MAILS, st.sampled_from(["work", "home"])),
        max_size=3,
        unique_by=lambda each: each.address,
    ),
    phones=st.lists(
        st.builds(Phone, NUMBERS, st.sampled_from(["work", "mobile", "home", "fax", "other"])),
        max_size=4,
        unique_by=lambda each: each.number,
    ),
    company_name=st.none() | NAMES,
    department=st.none() | LINES,
    title=st.none() | LINES,
    address=st.none() | ADDRESSES,
    birthday=st.none() | st.dates(date(1868, 1, 25), date(2100, 1, 1)),
    notes=st.none() | TEXTS,
    customer_code=NAMES,
    lifecycle=st.sampled_from(["lead", "prospect", "customer", "former", "other"]),
    owner_id=st.just(USER),
    tags=TAGS,
)
COMPANIES = st.builds(
    CompanyInput,
    name=NAMES,
    name_kana=st.none() | KANA,
    corporate_number=st.none() | st.just("7000012050002"),
    registration_number=st.none() | st.just("T7000012050002"),
    phone=st.none() | NUMBERS,
    url=st.none() | st.just("https://example.jp/?a=1,2"),
    address=st.none() | ADDRESSES,
    capital=st.none() | st.builds(Money, st.integers(-(10**12), 10**12)),
    closing_month=st.none() | st.integers(1, 12),
    founded_on=st.none() | st.dates(date(1868, 1, 25), date(2100, 1, 1)),
    owner_id=st.just(USER),
    tags=TAGS,
)
#: Fields of a company's own that are called like the product's, or like each other.
TANGLED = (
    FieldDefinition(key="mail", type=FieldType.TEXT, label="メールアドレス"),
    FieldDefinition(key="phone", type=FieldType.INTEGER, label="電話番号"),
    FieldDefinition(key="id", type=FieldType.TEXT, label="ID"),
    FieldDefinition(
        key="rank", type=FieldType.SELECT, label="ランク", options=(Option("S", "最重要"), Option("A"))
    ),
    FieldDefinition(
        key="rank_2", type=FieldType.MULTI_SELECT, label="ランク", options=(Option("x、y"), Option("z"))
    ),
    FieldDefinition(key="ran_k", type=FieldType.BOOLEAN, label=""),
    FieldDefinition(key="owner", type=FieldType.USER, label="担当"),
    FieldDefinition(key="spent", type=FieldType.MONEY, label="累計購入額"),
    FieldDefinition(key="note", type=FieldType.LONG_TEXT, label="備考"),
)
CUSTOM = st.fixed_dictionaries(
    {},
    optional={
        "mail": LINES,
        "phone": st.integers(-99, 99),
        "id": LINES,
        "rank": st.sampled_from(["S", "A"]),
        "rank_2": st.sampled_from([["x、y"], ["z"], ["x、y", "z"]]),
        "ran_k": st.booleans(),
        "owner": st.just(str(USER)),
        "spent": st.integers(-(10**9), 10**9).map(lambda amount: {"amount": amount}),
        "note": TEXTS,
    },
)
FILES = st.sampled_from(
    [
        ExportRequest(format="csv"),
        ExportRequest(format="csv", encoding="utf-8"),
        ExportRequest(format="csv", encoding="cp932"),
        ExportRequest(format="tsv"),
        ExportRequest(format="xlsx"),
    ]
)


def stored(resource: str, typed: Any, custom: dict[str, Any]) -> Any:
    """The state as the ledger keeps it."""
    state, wrong = (contacts if resource == "contact" else companies).normalise(typed)
    checked = Schema(TANGLED).check(custom)
    assert not wrong + list(checked.faults)
    values = {key: value for key, value in checked.values.items() if value is not None}
    return msgspec.structs.replace(state, custom=values)


def written(resource: str, states: list[Any], given: ExportRequest, language: Any) -> bytes:
    columns = columns_of(resource, TANGLED, "owner", language)
    file = file_of(given)
    rows = [
        Opened(state, {"id": uuid5(USER, str(number)), "created_at": NOW, "updated_at": NOW}, PEOPLE)
        for number, state in enumerate(states)
    ]
    table = [
        [column.header for column in columns],
        *([column.text(row) for column in columns] for row in rows),
    ]
    if given.encoding == "cp932" and lacking_in(table, "cp932"):
        file = file_of(ExportRequest(format=given.format, encoding="utf-8-sig"))
    return file.rows(table[:1]) + file.rows(table[1:]) + file.finish()


def changes_of(resource: str, states: list[Any], data: bytes) -> list[Any]:
    """What an import of ``data`` would change, row by row."""
    found = detect(in_chunks(data))
    mapping = suggest_mapping(found.columns, resource, TANGLED)
    named = {"suzuki@example.jp": str(USER)}
    normaliser = RowNormaliser(
        found.columns,
        mapping,
        import_fields(resource, TANGLED),
        {"owner": named.get, "custom.owner": named.get},
    )
    rows = [normaliser.normalise(row) for row in read_rows(in_chunks(data), found.file)]
    assert len(rows) == len(states)
    assert [row.errors for row in rows] == [[]] * len(rows)
    return [
        history.compare(
            history.flat(state), history.flat(merge(state, patch_of(resource, row.values, state)))
        )
        for state, row in zip(states, rows, strict=True)
    ]


@pytest.mark.parametrize("resource", ["contact", "company"])
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(data=st.data(), given_=FILES, language=st.sampled_from(["ja", "en"]))
def test_an_export_imported_again_changes_nothing(
    resource: str, data: st.DataObject, given_: ExportRequest, language: Any
) -> None:
    typed = data.draw(
        st.lists(st.tuples(CONTACTS if resource == "contact" else COMPANIES, CUSTOM), min_size=1, max_size=4)
    )
    states = [stored(resource, *each) for each in typed]
    assert changes_of(resource, states, written(resource, states, given_, language)) == [{}] * len(states)


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("resource", ["contact", "company"])
def test_an_import_finds_each_columns_field_by_its_header(resource: str, language: Any) -> None:
    columns = columns_of(resource, TANGLED, "owner", language)
    data = written(resource, [], ExportRequest(), language)
    found = detect(in_chunks(data + b"x\r\n"))
    suggested = suggest_mapping(found.columns, resource, TANGLED)
    assert [each.field for each in suggested] == [column.field for column in columns]
    assert {f"custom.{each.key}" for each in TANGLED} <= {column.field for column in columns}
    missing = import_fields(resource, TANGLED).keys() - {column.field for column in columns}
    assert missing <= {"full_name", "full_name_kana"}


def test_a_column_that_a_role_may_not_read_is_not_there() -> None:
    secret = FieldDefinition(key="secret", type=FieldType.TEXT, label="秘密", read_roles=("owner",))
    headers = {
        role: [each.header for each in columns_of("contact", [secret], role, "ja")]
        for role in ("owner", "member")
    }
    assert "秘密" in headers["owner"]
    assert "秘密" not in headers["member"]


@given(state=CONTACTS, given_=FILES.filter(lambda each: each.format != "xlsx"))
def test_no_cell_begins_with_what_a_spreadsheet_runs(state: ContactInput, given_: ExportRequest) -> None:
    kept = stored("contact", state, {})
    data = written("contact", [kept], given_, "ja")
    found = detect(in_chunks(data))
    for row in read_rows(in_chunks(data), found.file):
        assert not [cell for cell in row.cells if re.match("[=+\\-@＝＋－＠\\t\\r\\n]", cell)]


@given(st.lists(NAMES, max_size=5))
def test_tags_in_one_cell_come_apart_again(tags: list[str]) -> None:
    kept = contacts.unique_tags(tags)
    assert split_tags(join_tags(kept)) == kept
