"""Kinds of text files: small ones, old encodings, line ends of every machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from daicho.customers.imports.detection import detect, detect_encoding
from daicho.customers.imports.reading import read_rows

sys.path.insert(0, str(Path(__file__).parent))
from import_samples import in_chunks


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize(
    "text",
    [
        "氏名,電話番号\r\n田中 太郎,03-1234-5678\r\n",
        "姓,名,会社名\n鈴木,花子,株式会社青空\n",
        "お名前;ふりがな\r\n佐藤;さとう\r\n",
        "コード\t名称\r\n1\tサンプル\r\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc-jp", "iso-2022-jp"])
def test_a_small_file_is_evidence_enough(text: str, encoding: str, rows: int) -> None:
    header, _, row = text.partition("\n")
    found = detect([f"{header}\n{row * rows}".encode(encoding)])
    assert found.file.encoding == encoding
    assert found.file.header_row == 1
    assert [column.name for column in found.columns] == header.strip().replace("\t", ";").replace(
        ",", ";"
    ).split(";")


def test_half_width_kana_alone_are_not_taken_for_euc() -> None:
    text = "ｼﾒｲ,ﾃﾞﾝﾜ\r\nﾀﾅｶ ﾀﾛｳ,03-1234-5678\r\nｽｽﾞｷ ﾊﾅｺ,03-1234-5679\r\n"
    assert detect_encoding(text.encode("cp932")) == "cp932"


def test_what_euc_does_not_know_rejects_its_cell_alone() -> None:
    data = "氏名,会社名\r\n".encode("euc-jp") + b"\xc5\xc4\xc3\xe6,\xad\xea\r\n" * 2  # NEC's ㈱, row 13
    found = detect([data])
    assert found.file.encoding == "euc-jp"
    assert [row.broken for row in read_rows([data], found.file)] == [(1,), (1,)]


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-16-le"])
def test_lines_that_end_in_a_lone_cr_are_lines(encoding: str) -> None:
    data = "氏名,備考\r田中,一\r佐藤,二\r".encode(encoding)
    found = detect(in_chunks(data, 7))
    assert (found.file.newline, [column.name for column in found.columns]) == ("\r", ["氏名", "備考"])
    rows = [(row.line, row.cells) for row in read_rows(in_chunks(data, 3), found.file)]
    assert rows == [(2, ["田中", "一"]), (3, ["佐藤", "二"])]


def test_mixed_line_ends_are_read_line_by_line() -> None:
    data = "氏名,備考\n田中,一\r\n佐藤,二\n\r\n森,三".encode()
    rows = [(row.line, row.cells) for row in read_rows([data], detect([data]).file)]
    assert rows == [(2, ["田中", "一"]), (3, ["佐藤", "二"]), (5, ["森", "三"])]
