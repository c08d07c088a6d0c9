"""Reading: encodings, delimiters, headers, broken rows, hostile files."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from import_samples import in_chunks

from daicho.customers.imports.detection import Column, column_letters, describe, detect, detect_encoding
from daicho.customers.imports.files import (
    ENCODINGS,
    FileFormat,
    FileKind,
    encode,
    read_encoding,
)
from daicho.customers.imports.reading import read_records, read_rows
from daicho.customers.imports.records import Record, RecordSplitter
from daicho.customers.imports.rows import SourceRow
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.tabular import FileEmpty, FileUnsupported
from daicho.testkit.growth import superlinear_growth

HEADER = ["顧客番号", "姓", "名", "備考"]
MARKS = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}


def split(text: str, delimiter: str = ",", limit: int = 1000, size: int = 10**9) -> list[Record]:
    splitter = RecordSplitter(delimiter, limit)
    found = []
    for start in range(0, len(text), size):
        found += splitter.feed(text[start : start + size])
    return [*found, *splitter.finish()]


def read(data: bytes, **overrides: object) -> list[SourceRow]:
    return list(read_rows(in_chunks(data), FileFormat(**{"encoding": "cp932", **overrides})))


CELLS = st.text(st.sampled_from("ab ,;\t\"\n\r表ソ能ポ髙﨑①㈱ｱ=+-@'|\\"), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=8)


@given(TABLES, st.sampled_from(",\t;"), st.sampled_from(["\n", "\r\n"]), st.integers(1, 9))
def test_what_the_csv_module_writes_is_read_back(
    table: list[list[str]], delimiter: str, newline: str, size: int
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(table)
    assert [record.cells for record in split(text.getvalue(), delimiter, size=size)] == table


@given(st.text(st.sampled_from('a,"\n\r'), max_size=40), st.integers(1, 5))
def test_any_text_is_read_to_its_end_and_every_line_is_counted(text: str, size: int) -> None:
    records = split(text, limit=20, size=size)
    assert [record.line for record in records] == sorted({record.line for record in records})
    assert split(text, limit=20) == records
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    if records:
        assert records[0].line == 1
        assert records[-1].line <= lines
    else:
        assert text == ""


@given(st.text(st.sampled_from("a,\r\n"), max_size=30))
def test_without_quotes_every_line_is_a_record(text: str) -> None:
    records = split(text)
    assert [one.line + 1 for one, _ in pairwise(records)] == [other.line for _, other in pairwise(records)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,"b\nc",d\ne\n', [(1, ["a", "b\nc", "d"], None), (3, ["e"], None)]),
        ('a,"b""c"\n', [(1, ["a", 'b"c'], None)]),
        ('5" disk,b"c\n', [(1, ['5" disk', 'b"c'], None)]),
        ('"a"x,b\n', [(1, ["ax", "b"], None)]),
        ('a,"b\nc,d\n', [(1, ['a,"b'], "unclosed_quote"), (2, ["c", "d"], None)]),
        (
            'a,"b\nc,d\n"e",f\n',
            [(1, ['a,"b'], "unclosed_quote"), (2, ["c", "d"], None), (3, ["e", "f"], None)],
        ),
        ('"x"\n\n', [(1, ["x"], None), (2, [], None)]),
        ('a,"', [(1, ['a,"'], "unclosed_quote")]),
        ('a,""', [(1, ["a", ""], None)]),
    ],
)
def test_quotes(text: str, expected: list[tuple[int, list[str], str | None]]) -> None:
    for size in (1, 3, 1000):
        assert [(r.line, r.cells, r.fault) for r in split(text, size=size)] == expected


def test_a_quote_forgotten_in_the_middle_costs_one_row() -> None:
    lines = ["a,b"] * 10 + ['a,"b'] + ["a,b"] * 10 + ['"x, y",b'] + ["a,b"] * 10
    records = split("\n".join(lines) + "\n")
    assert len(records) == 32
    assert [record.line for record in records if record.fault] == [11]
    assert records[21].cells == ["x, y", "b"]


def test_a_row_beyond_the_limit_is_refused_and_the_next_is_read() -> None:
    records = split("a,b\n" + "x" * 5000 + ",y\nc,d\n", limit=1000, size=64)
    assert [(record.line, record.fault) for record in records] == [(1, None), (2, "too_long"), (3, None)]
    assert len(records[1].cells[0]) <= 1000


def test_a_quoted_cell_beyond_the_limit_costs_its_first_line() -> None:
    records = split('a,"b\n' + "x\n" * 600 + "c,d\n", limit=1000)
    assert records[0].fault == "unclosed_quote"
    assert records[-1].cells == ["c", "d"]


@pytest.mark.parametrize("line", ['a",b,"\n', '"\n', ',"""\n', '"a\n', 'x"",",",y"z,"\n'])
def test_time_grows_with_the_text_however_quotes_are_placed(line: str) -> None:
    """Lines that end one quoted cell and begin another were read again for each line before them."""
    assert (
        superlinear_growth(lambda count: split("h,i,j\n" + line * count + 'x"y\n', limit=10**6), int) is None
    )


def test_a_row_of_a_hundred_thousand_quoted_cells_is_read() -> None:
    assert len(split(",".join(['"a"'] * 100_000) + "\n", limit=10**6)[0].cells) == 100_000


def test_reading_keeps_memory_flat() -> None:
    def endless() -> Iterator[bytes]:
        yield b"a,b\n"
        for _ in range(200):
            yield b"x" * 65_536
        yield b"\n"
        for _ in range(50):
            yield b"1,2\n" * 4_096

    tracemalloc.start()
    rows = sum(1 for _ in read_rows(endless(), FileFormat()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 1 + 50 * 4_096
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_detected_and_read(encoding: str) -> None:
    row = ["0001", "髙橋", "﨑", "表ソ能ポ①㈱"]
    if encoding in ("euc-jp", "iso-2022-jp"):  # have no such characters
        row = ["0001", "高橋", "崎", "表ソ能ポ株"]
    text = "".join(",".join(cells) + "\r\n" for cells in [HEADER, *[row] * 30])
    data = MARKS.get(encoding, b"") + encode(text, encoding)
    found = detect(in_chunks(data, 100))
    assert found.file == FileFormat(encoding=encoding)
    assert [column.name for column in found.columns] == HEADER
    assert [each.cells for each in read_rows(in_chunks(data, 3), found.file)] == [row] * 30


def test_utf16_with_a_big_endian_mark_is_read() -> None:
    data = b"\xfe\xff" + "氏名\tメール\r\n田中\ta@example.jp\r\n".encode("utf-16-be")
    found = detect([data])
    assert (found.file.encoding, found.file.delimiter) == ("utf-16", "\t")
    assert [row.cells for row in read_rows([data], found.file)] == [["田中", "a@example.jp"]]


@pytest.mark.parametrize("name", ["Shift_JIS", "SJIS", "windows-31j", "CP932"])
def test_shift_jis_means_what_excel_writes(name: str) -> None:
    assert read_encoding(name) == "cp932"
    assert read_encoding("latin-1") is None


def test_a_few_broken_bytes_do_not_change_the_encoding() -> None:
    lines = ["氏名,会社".encode("cp932"), *["田中,青空商事".encode("cp932")] * 20, b"\x81,\xff\xff"]
    assert detect_encoding(b"\r\n".join(lines)) == "cp932"
    lines = ["氏名,会社".encode(), *["田中,青空商事".encode()] * 20, b"\x81,\xff\xff"]
    assert detect_encoding(b"\r\n".join(lines)) == "utf-8"


@pytest.mark.parametrize(
    ("above", "header_row"),
    [
        ([], 1),
        ([["顧客一覧（営業部）"]], 2),
        ([["顧客一覧", "", "", ""], ["", "", "", ""]], 3),
        ([[], ["出力日：2026/11/01", "営業部"], []], 4),
        ([["sep=,"]], 2),
    ],
)
@pytest.mark.parametrize("leading", [0, 2])
def test_the_header_is_found_below_titles_and_beside_empty_columns(
    above: list[list[str]], header_row: int, leading: int
) -> None:
    data_rows = [["0001", "田中", "太郎", "メモ"], ["0002", "佐藤", "", ""], ["0003", "鈴木", "花子", "1,2"]]
    table = above + [[""] * leading + row for row in [HEADER, *data_rows]]
    text = io.StringIO()
    csv.writer(text).writerows(table)
    data = text.getvalue().encode("cp932")
    for source, kind in ((data, FileKind.TEXT), (b"".join(write_sheet(table)), FileKind.XLSX)):
        found = detect(in_chunks(source))
        assert (found.file.kind, found.file.header_row) == (kind, header_row)
        assert [(column.index, column.name) for column in found.columns] == list(enumerate(HEADER, leading))
        rows = list(read_rows(in_chunks(source), found.file))
        assert [row.cells[leading:] for row in rows] == data_rows
        assert [row.line for row in rows] == [header_row + n for n in (1, 2, 3)]
        assert [row.fault for row in rows] == [None] * 3


def test_a_file_without_a_header_has_lettered_columns() -> None:
    data = "0001,田中,a@example.jp,03-1234-5678\r\n0002,佐藤,b@example.jp,03-1234-5679\r\n".encode("cp932")
    found = detect([data])
    assert found.file.header_row == 0
    assert [column.name for column in found.columns] == ["A", "B", "C", "D"]
    assert [row.number for row in read_rows([data], found.file)] == [1, 2]


def test_columns_follow_the_users_correction() -> None:
    data = "題,名\r\n氏名,メール\r\n田中,a@example.jp\r\n".encode("cp932")
    columns = describe([data], FileFormat(encoding="cp932", header_row=2))
    assert columns == (Column(0, "氏名", ("田中",)), Column(1, "メール", ("a@example.jp",)))


def test_letters_of_columns() -> None:
    assert [column_letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_bytes_that_do_not_decode_reject_their_cell_alone() -> None:
    head, good = "姓,備考\r\n".encode("cp932"), "表ソ,能\r\n".encode("cp932")
    rows = read(head + good + b"abc\xfc\xfc,\x81\r\n" + good)
    assert [row.broken for row in rows] == [(), (0, 1), ()]
    assert rows[2].cells == ["表ソ", "能"]


@given(st.binary(max_size=60), st.sampled_from(["cp932", "utf-8"]))
def test_bytes_come_back_as_they_were(data: bytes, encoding: str) -> None:
    records = list(read_records([data], encoding, "\x1f"))
    text = "\n".join(record.cells[0] if record.cells else "" for record in records)
    if not any(byte in data for byte in b'"\r\x1f\xef') and encoding == "utf-8":
        assert encode(text, encoding) == data.removesuffix(b"\n")


def test_rows_of_the_wrong_width_are_rejected_and_blank_ones_left_out() -> None:
    rows = read("姓,名\r\n田中\r\n\r\n,\r\n佐藤,花子,余分\r\n鈴木,一郎\r\n".encode("cp932"))
    assert [(row.number, row.line, row.fault) for row in rows] == [
        (1, 2, "column_count"),
        (2, 5, "column_count"),
        (3, 6, None),
    ]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b",,,\r\n"])
def test_a_file_without_rows_is_refused(data: bytes) -> None:
    with pytest.raises(FileEmpty):
        detect([data])


@pytest.mark.parametrize("data", [b"\xd0\xcf\x11\xe0" + b"x" * 600, b"%PDF-1.7", b"PK\x03\x04 no archive"])
def test_other_kinds_of_files_are_refused(data: bytes) -> None:
    with pytest.raises(FileUnsupported):
        detect([data])
