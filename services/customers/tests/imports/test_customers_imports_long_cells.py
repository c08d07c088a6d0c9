"""Cells that are longer than any field: what is read of them, the same for all who read, and never a value that was cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_customers_imports_pipeline import table

from daicho.customers.imports import naming
from daicho.customers.imports.cells import LONGEST, bound_cells, neutralise, read_cell
from daicho.customers.imports.detection import Column
from daicho.customers.imports.files import FileFormat, FileKind
from daicho.customers.imports.mapping import ColumnMapping
from daicho.customers.imports.naming import MOST_BYTES, questions
from daicho.customers.imports.normalising import RowNormaliser
from daicho.customers.imports.reading import read_rows
from daicho.customers.imports.rows import SourceRow
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.faults import TooLarge
from daicho.fields import FieldDefinition, FieldType

UNSEEN = "\u200b" * 2_100
HEADER = "顧客番号,姓,名,担当,備考"


def rows_of(*cells: str) -> list[SourceRow]:
    """The rows of a text file with one column of ``cells``."""
    text = "h,i\n" + "".join(f'"{cell}",x\n' for cell in cells)
    return list(read_rows([text.encode()], FileFormat()))


def utf8(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


@pytest.mark.parametrize(
    "long", ["a" * (LONGEST + 1), "あ" * 32_000, "'=" + "a" * 30_000, "\u3000" + "あ" * 30_000]
)
def test_cell_beyond_the_longest_field_keeps_one_character_more_than_fits_and_shows_the_cut(
    long: str,
) -> None:
    (row,) = rows_of(long)
    text = read_cell(row.cells[0])
    assert len(text) == LONGEST + 1
    assert text == read_cell(long)[:LONGEST] + "…"


@pytest.mark.parametrize(
    "long",
    [
        "\u200b" * 30_000 + "Z-1",
        " " * 30_000 + "'=Z-1" + "\u3000" * 30_000,
        "'\t" + " " * 30_000 + "''=Z-1",
        "'=" + "a" * (LONGEST - 1),
        "\u200b" + "a" * LONGEST,
    ],
)
def test_long_cell_with_a_text_that_fits_is_read_as_before(long: str) -> None:
    (row,) = rows_of(long)
    assert len(row.cells[0]) <= LONGEST + 1
    assert read_cell(row.cells[0]) == read_cell(long.replace("\u200b", ""))


def test_line_ends_count_as_one_character_when_a_cell_is_bounded() -> None:
    (cell,) = bound_cells(["a\r\n" * 9_999 + "a"])
    assert cell == "a\n" * 9_999 + "a"


def test_cells_that_fit_stay_as_they_are() -> None:
    cells = ["'=1", " a ", neutralise("+81"), "あ\n", "x" * LONGEST]
    assert bound_cells(cells) == cells
    assert rows_of("\u200b あ\ufeff")[0].cells == [" あ", "x"]


def test_bytes_that_do_not_decode_and_rows_at_fault_stay_as_they_are() -> None:
    data = b"h,i\n\xff" + "\u200b".encode() + b",\xe2\x80\x8bb\n\xe2\x80\x8ba\n"
    broken, short = read_rows([data], FileFormat())
    assert (broken.cells, broken.readable(0), broken.readable(1)) == (["\udcff\u200b", "b"], "", "b")
    assert (short.cells, short.fault, short.readable(0)) == (["\u200ba"], "column_count", "")


def test_row_of_a_sheet_with_a_million_characters_is_rejected_as_one_of_text_is() -> None:
    names = [f"c{each}" for each in range(40)]
    sheet = b"".join(write_sheet([names, ["x" * 30_000] * 40, ["a"] * 40]))
    long, short = read_rows([sheet], FileFormat(kind=FileKind.XLSX, encoding=None, delimiter=None))
    assert (long.fault, len(long.cells), len(long.cells[0])) == ("too_long", 1, 1_000)
    assert (short.fault, len(short.cells)) == (None, 40)


async def test_key_behind_thousands_of_invisible_characters_finds_its_record(imports, owner) -> None:
    await owner.make("/v1/contacts", family_name="鈴木", customer_code="K-1")
    rows = (f"{UNSEEN}K-1,鈴木,花子,,", f"K-2{UNSEEN},田中,,,", "K-2,田中,,,")
    done = await imports.whole(owner, "k.csv", utf8(*rows), match_on="customer_code", on_match="update")
    assert (done["updated"], done["created"], done["rejected"]) == (1, 1, 1)
    errors = [(each["row"], each["column"], each["code"]) for each in await imports.errors(owner, done["id"])]
    assert errors == [(3, "顧客番号", "repeated_in_file")]
    assert sorted(each["customer_code"] for each in await imports.all_of(owner, "contacts")) == ["K-1", "K-2"]


async def test_text_that_no_field_holds_is_rejected_by_its_columns_name_and_one_that_fits_is_stored_whole(
    imports, owner
) -> None:
    options = [{"value": each} for each in ("赤", "青")]
    await owner.make(
        "/v1/fields", resource="contact", key="colours", type="multi_select", label="色", options=options
    )
    header = HEADER + ",色"
    rows = (
        f"L-1,田中,,,{UNSEEN}{'あ' * LONGEST},赤",
        f"L-2,田中,,,{'あ' * (LONGEST + 1)},赤",
        f"L-3,{'い' * 32_000},,,,赤",
        f"L-4,田中,,,,{'赤;' * 10_000}青",
    )
    made = await imports.upload(owner, "l.csv", "\n".join([header, *rows, ""]).encode())
    assert (await imports.check(owner, made["id"]))["valid"] == 1
    errors = await imports.errors(owner, made["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [
        (2, "備考", "too_long"),
        (3, "姓", "too_long"),
        (4, "色", "unknown_option"),
    ]
    await imports.run(owner, made["id"])
    (contact,) = await imports.all_of(owner, "contacts")
    assert contact["notes"] == "あ" * LONGEST
    rejected = await owner("GET", f"/v1/imports/{made['id']}/rejected")
    assert f"{'あ' * LONGEST}…" in rejected.content.decode("utf-8-sig")


def test_text_longer_than_any_field_is_refused_though_its_reader_takes_it() -> None:
    field = FieldDefinition(key="c", type=FieldType.USER)
    normaliser = RowNormaliser(
        [Column(0, "担当", ())], [ColumnMapping(0, "custom.c")], {"custom.c": field}, {"custom.c": str}
    )
    for text, codes in (("a" * LONGEST, []), ("a" * (LONGEST + 1), ["too_long"])):
        errors = normaliser.normalise(SourceRow(1, 2, [text])).errors
        assert [(each.column, each.code) for each in errors] == [("担当", code) for code in codes]


def test_questions_are_bounded_by_bytes_and_by_number() -> None:
    long = [f"{each:04d}" + "あ" * 5_000 for each in range(200)]
    asked = list(questions(long))
    assert [name for names in asked for name in names] == long
    assert max(sum(len(name.encode()) for name in names) for names in asked) <= MOST_BYTES
    assert [len(names) for names in questions(map(str, range(2_500)))] == [1_000, 1_000, 500]
    assert list(questions(["あ" * MOST_BYTES, "い"])) == [["あ" * MOST_BYTES], ["い"]]


async def test_answer_that_no_message_holds_ends_the_import_with_the_reason(
    imports, owner, monkeypatch
) -> None:
    asked: list[int] = []

    async def refuse(_self: Any, request: Any, actor: Any) -> None:
        asked.append(len(request.names))
        raise TooLarge(limit=4_194_304)

    monkeypatch.setattr(type(imports.users), "FindUsers", refuse)
    made = await imports.upload(owner, "t.csv", utf8("T-1,田中,,佐藤,"))
    async with asyncio.timeout(20):
        found = await imports.check(owner, made["id"])
    assert (found["status"], found["failure"], asked) == ("failed", naming.NamesTooLarge.code, [1])
    assert "担当者" in found["failure_detail"]


async def test_owner_cell_with_bytes_that_do_not_decode_rejects_its_row_alone(imports, owner) -> None:
    data = table("B-1,田中,,,,,#,", "B-2,林,,,,,,").replace(b"#", b"\x81\xff")
    made = await imports.upload(owner, "b.csv", data)
    assert (await imports.check(owner, made["id"]))["valid"] == 1
    errors = [(each["row"], each["column"], each["code"]) for each in await imports.errors(owner, made["id"])]
    assert errors == [(1, "担当", "undecodable")]
