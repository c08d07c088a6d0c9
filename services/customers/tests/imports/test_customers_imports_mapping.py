"""Suggested mapping, its check, normalised rows, and rejected rows that can be imported again."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daicho.customers.imports.cells import neutralise, restore
from daicho.customers.imports.detection import Column, detect
from daicho.customers.imports.fields import BUILT_IN, import_fields
from daicho.customers.imports.files import FileFormat, FileKind, corrected
from daicho.customers.imports.headers import FIELD_OF_HEADER
from daicho.customers.imports.mapping import ColumnMapping, check_mapping, suggest_mapping
from daicho.customers.imports.messages import say, say_failure
from daicho.customers.imports.normalising import CellError, RowNormaliser, as_document, split_tags
from daicho.customers.imports.reading import read_rows
from daicho.customers.imports.rejected import RejectedRow, write_rejected
from daicho.customers.imports.rows import SourceRow
from daicho.faults import Invalid
from daicho.fields import FieldDefinition, FieldType, Option

sys.path.insert(0, str(Path(__file__).parent))
from import_samples import CONTACT_CUSTOM, check_file, in_chunks, sample

RANK = FieldDefinition(key="rank", type=FieldType.SELECT, label="ランク", options=(Option("S"), Option("A")))


def columns(*names: str) -> list[Column]:
    return [Column(index, name, ()) for index, name in enumerate(names)]


def suggested(resource: str, *names: str) -> list[str | None]:
    return [each.field for each in suggest_mapping(columns(*names), resource, [RANK])]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("メールアドレス（必須）", "email"),
        ("Ｅ－ｍａｉｌ", "email"),
        ("E-Mail Address", "email"),
        ("※姓", "family_name"),
        ("Last Name", "family_name"),
        ("氏名（フリガナ）", "full_name_kana"),
        ("お名前（漢字）", "full_name"),
        ("ご担当者名", "full_name"),
        ("氏名よみがな", "full_name_kana"),
        ("姓（カナ）", "family_name_kana"),
        ("電話番号1", "phone"),
        ("電話番号2", None),
        ("電話番号（自宅）", "phone"),
        ("勤務先TEL", "phone"),
        ("携帯TEL", "mobile"),
        ("Eメールアドレス", "email"),
        ("PCメール", "email"),
        ("E-mail 1 - Value", "email"),
        ("ご住所", "address.street"),
        ("住所１", "address.street"),
        ("住所2", "address.building"),
        ("番地・建物名", "address.street"),
        ("郵便番号（ハイフンなし）", "address.postal_code"),
        ("誕生日（西暦）", "birthday"),
        ("貴社名", "company_name"),
        ("会社・団体名", "company_name"),
        ("お役職", "title"),
        ("会員No.", "customer_code"),
        ("得意先コード", "customer_code"),
        ("営業担当者名", "owner"),
        ("No", None),
        ("資本金", None),
        ("フリガナ(セイ)", "family_name_kana"),
        ("ﾌﾘｶﾞﾅ", "full_name_kana"),
        ("ふりがな", "full_name_kana"),
        ("お名前", "full_name"),
        ("TEL", "phone"),
        ("携帯", "mobile"),
        ("〒", "address.postal_code"),
        ("郵便\n番号", "address.postal_code"),
        ("address.city", "address.city"),
        ("family_name", "family_name"),
        ("Customer Code", "customer_code"),
        ("営業担当", "owner"),
        ("ランク", "custom.rank"),
        ("custom.rank", "custom.rank"),
        ("エラー内容", None),
        ("", None),
    ],
)
def test_headers_in_japanese_and_english_suggest_a_field(name: str, field: str | None) -> None:
    assert suggested("contact", name) == [field]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("貴社名", "name"),
        ("商号", "name"),
        ("会社名（カナ）", "name_kana"),
        ("法人番号（13桁）", "corporate_number"),
        ("適格請求書発行事業者番号", "registration_number"),
        ("本社所在地", "address.street"),
        ("ホームページURL", "url"),
        ("代表TEL", "phone"),
        ("資本金（円）", "capital"),
        ("資本金（千円）", None),
        ("Website", "url"),
    ],
)
def test_headers_of_companies_suggest_a_field(name: str, field: str | None) -> None:
    assert suggested("company", name) == [field]


def test_a_field_is_suggested_once_and_a_full_name_gives_way_to_its_parts() -> None:
    assert suggested("contact", "電話番号", "TEL", "氏名", "姓") == ["phone", None, None, "family_name"]


def test_every_suggestion_is_a_field_that_exists() -> None:
    for resource, names in FIELD_OF_HEADER.items():
        assert set(names.values()) <= set(BUILT_IN[resource])


def test_a_custom_field_of_the_same_name_comes_first() -> None:
    own = FieldDefinition(key="shop_title", type=FieldType.TEXT, label="役職")
    assert suggest_mapping(columns("役職"), "contact", [own])[0].field == "custom.shop_title"


@pytest.mark.parametrize(
    ("mapping", "faults"),
    [
        ([(0, "family_name")], []),
        ([(0, "full_name"), (1, None)], []),
        ([(0, "email")], [("/mapping", "name_unmapped")]),
        ([(9, "family_name")], [("/mapping/0/column", "unknown_column")]),
        ([(0, "family_name"), (0, "email")], [("/mapping/1/column", "column_twice")]),
        ([(0, "family_name"), (1, "family_name")], [("/mapping/1/field", "field_twice")]),
        ([(0, "__proto__")], [("/mapping/0/field", "unknown_field")]),
        ([(0, "custom.secret")], [("/mapping/0/field", "unknown_field")]),
        ([(0, "custom.fixed")], [("/mapping/0/field", "not_permitted")]),
    ],
)
def test_a_mapping_is_checked(mapping: list[tuple[int, str | None]], faults: list[tuple[str, str]]) -> None:
    own = [
        FieldDefinition(key="secret", type=FieldType.TEXT, read_roles=("admin",)),
        FieldDefinition(key="fixed", type=FieldType.TEXT, write_roles=("admin",)),
    ]
    chosen = [ColumnMapping(*each) for each in mapping]
    found = check_mapping(chosen, columns("a", "b"), "contact", import_fields("contact", own), role="member")
    assert [(fault.pointer, fault.code) for fault in found] == faults


def normalise(
    cells: list[str], names: list[str], **row: object
) -> tuple[dict[str, object], list[tuple[str | None, str]]]:
    heads = columns(*names)
    fields = import_fields("contact", [RANK])
    mapping = [ColumnMapping(column.index, column.name) for column in heads if column.name in fields]
    owners = {"hanako@example.jp": "0198c2c4-5a8e-7a3f-9d43-3a1b2c3d4e5f"}
    normaliser = RowNormaliser(heads, mapping, fields, {"owner": owners.get})
    done = normaliser.normalise(SourceRow(1, 2, cells, **row))  # type: ignore[arg-type]
    return done.values, [(error.column, error.code) for error in done.errors]


def test_a_column_can_name_the_owner() -> None:
    values, errors = normalise(["田中", "hanako@example.jp"], ["family_name", "owner"])
    assert (values["owner"], errors) == ("0198c2c4-5a8e-7a3f-9d43-3a1b2c3d4e5f", [])
    assert normalise(["田中", "taro"], ["family_name", "owner"])[1] == [("owner", "unknown_user")]


def test_all_errors_of_a_row_are_told_in_the_order_of_columns() -> None:
    names = ["email", "family_name", "notes", "custom.rank"]
    errors = normalise(["x", "\udc81", "a\x00", "Z"], names, broken=(1,))[1]
    assert errors == [
        ("email", "invalid_email"),
        ("family_name", "undecodable"),
        ("notes", "control_character"),
        ("custom.rank", "unknown_option"),
    ]


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        (
            "姓,住所",
            "田中,〒530-0001 大阪府大阪市北区梅田１丁目1-3 大阪駅前第3ビル 5F",
            ("5300001", "大阪府", "大阪市北区", "梅田１丁目1-3", "大阪駅前第3ビル 5F"),
        ),
        ("姓,都道府県,住所", "田中,東京都,府中市宮西町2-24", (None, "東京都", "府中市", "宮西町2-24", None)),
        (
            "姓,郵便番号,住所,建物名",
            "田中,183-0022,〒100-0001 東京都府中市宮西町2-24 第一ビル,第二ビル",
            ("1830022", "東京都", "府中市", "宮西町2-24 第一ビル", "第二ビル"),
        ),
        ("姓,市区町村,住所", "田中,府中市,東京都町田市1-2", (None, None, "府中市", "東京都町田市1-2", None)),
        ("姓,住所", "田中,霞が関1-2-3", (None, None, None, "霞が関1-2-3", None)),
        ("姓,住所", "田中,", (None, None, None, None, None)),
    ],
)
def test_a_whole_address_in_one_column_is_parted(
    header: str, cells: str, expected: tuple[str | None, ...]
) -> None:
    [row] = check_file(f"{header}\r\n{cells}\r\n".encode(), "contact", ())
    names = ("postal_code", "prefecture", "city", "street", "building")
    assert not row.errors
    assert tuple(row.values.get(f"address.{name}") for name in names) == expected


def test_a_column_that_is_left_out_is_not_checked() -> None:
    assert normalise(["田中", "x\x00"], ["family_name", "whatever"])[1] == []


def test_values_become_the_document_of_the_api() -> None:
    values = {
        "full_name": "田中　太郎",
        "full_name_kana": "タナカ タロウ",
        "email": "a@example.jp",
        "phone": "+81312345678",
        "mobile": "+819012345678",
        "address.city": "千代田区",
        "custom.rank": "S",
        "tags": "重要、 東京;重要",
        "owner": "x",
        "notes": None,
    }
    assert as_document(values, "contact") == {
        "family_name": "田中",
        "given_name": "太郎",
        "family_name_kana": "タナカ",
        "given_name_kana": "タロウ",
        "emails": [{"kind": "work", "address": "a@example.jp"}],
        "phones": [{"kind": "work", "number": "+81312345678"}, {"kind": "mobile", "number": "+819012345678"}],
        "address": {"city": "千代田区"},
        "custom": {"rank": "S"},
        "tags": ["重要", "東京"],
        "owner_id": "x",
    }
    assert as_document({"phone": "+81312345678"}, "company") == {"phone": "+81312345678"}
    assert split_tags(" a,,b\n") == ["a", "b"]


@given(st.text(st.sampled_from("'=+-@\t\r\0aあ"), max_size=6))
def test_a_neutralised_cell_is_harmless_and_comes_back(cell: str) -> None:
    harmless = neutralise(cell)
    assert not harmless.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))
    assert restore(harmless) == cell


FORMATS = [
    FileFormat(encoding="cp932"),
    FileFormat(encoding="cp932", delimiter="\t", newline="\n"),
    FileFormat(encoding="utf-8-sig", delimiter=";"),
    FileFormat(encoding="utf-16", delimiter="\t"),
    FileFormat(encoding="utf-16-be"),
    FileFormat(encoding="cp932", delimiter="|"),
    FileFormat(kind=FileKind.XLSX, encoding=None, delimiter=None),
]


@pytest.mark.parametrize("file", FORMATS)
def test_rejected_rows_are_a_file_that_is_read_back_as_it_was(file: FileFormat) -> None:
    heads = columns("姓", "備考", "メール")
    cells = [
        ["田中", "=1+1", "taro@"],
        ["'-5", '表ソ,"能"\tx;y', "+81"],
        ["髙﨑", "一行目\n二行目", "@x"],
        ["㈱", "\t前", "'=x"],
        ["-", "末", ""],
    ]
    rejected = [RejectedRow(each, [CellError("メール", "invalid_email")]) for each in cells]
    data = b"".join(write_rejected(rejected, heads, file))
    found = detect(in_chunks(data, 10))
    assert (found.file.encoding, found.file.delimiter, found.file.kind) == (
        file.encoding,
        file.delimiter,
        file.kind,
    )
    assert [column.name for column in found.columns] == ["エラー内容", "姓", "備考", "メール"]
    rows = list(read_rows(in_chunks(data), found.file))
    originals = [[restore(cell) for cell in row.cells[1:]] for row in rows]
    assert originals == [[restore(cell) for cell in row] for row in cells]
    assert rows[0].cells[0] == "メール：メールアドレスの形式が正しくありません（例：taro@example.co.jp）。"


def test_no_cell_of_a_rejected_sheet_is_a_formula() -> None:
    data = b"".join(write_rejected([RejectedRow(["=1+1", "-5"], [])], columns("a", "b"), FORMATS[-1]))
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    assert [cell.data_type for cell in sheet[2][1:]] == ["s", "s"]
    assert [cell.value for cell in sheet[2][1:]] == ["=1+1", "-5"]


def test_no_cell_of_a_rejected_text_file_begins_like_a_formula() -> None:
    table = [["=cmd", "+1", "-1", "@x", "\tx", "\rx", "\0x", "'=x"]]
    rejected = [RejectedRow(each, [CellError("=cmd", "invalid_email")]) for each in table]
    text = b"".join(write_rejected(rejected, columns("=cmd"), FORMATS[0])).decode("cp932")
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\0")) for cell in row)


def test_bytes_that_did_not_decode_are_handed_back() -> None:
    data = b"\x90\xa9,x\r\n\x81,\xfc\xfc\r\n"
    file = FileFormat(encoding="cp932")
    rejected = [RejectedRow(row.cells, [CellError("姓", "undecodable")]) for row in read_rows([data], file)]
    assert b"".join(write_rejected(rejected, columns("姓", "x"), file)).endswith(b",\x81,\xfc\xfc\r\n")


def _one_column_on(error: CellError) -> CellError:
    """The error in a file that has the column of reasons as well."""
    if error.code != "column_count":
        return error
    return CellError(error.column, error.code, {name: count + 1 for name, count in error.params.items()})


@pytest.mark.parametrize(
    "file", ["contacts-small.csv", "contacts-utf16.csv", "contacts-unicode.txt", "contacts.xlsx"]
)
def test_what_was_rejected_is_rejected_again_and_passes_once_corrected(file: str) -> None:
    data = sample(file).read_bytes()
    found = detect(in_chunks(data))
    done = check_file(data, "contact", CONTACT_CUSTOM)
    bad = [
        RejectedRow(row.cells, each.errors)
        for row, each in zip(read_rows(in_chunks(data), found.file), done, strict=True)
        if each.errors
    ]
    again = b"".join(write_rejected(bad, found.columns, found.file))
    redone = check_file(again, "contact", CONTACT_CUSTOM)
    assert [each.errors for each in redone] == [
        [_one_column_on(error) for error in row.errors] for row in bad
    ]
    corrected = [
        RejectedRow([*row.cells[:8], "ok@example.jp", *row.cells[9:]], [])
        for row in bad
        if [error.code for error in row.errors] == ["invalid_email"] and found.file.kind is FileKind.TEXT
    ]
    passed = check_file(
        b"".join(write_rejected(corrected, found.columns, found.file)), "contact", CONTACT_CUSTOM
    )
    assert [each.errors for each in passed] == [[]] * len(corrected)


def test_the_user_corrects_what_was_detected() -> None:
    file = FileFormat(encoding="utf-8")
    assert corrected(file, encoding="Shift_JIS", header_row=3) == FileFormat(encoding="cp932", header_row=3)
    with pytest.raises(Invalid) as refused:
        corrected(file, encoding="latin-1", delimiter="x", header_row=-1)
    assert [(fault.pointer, fault.code) for fault in refused.value.fields] == [
        ("/encoding", "unknown_option"),
        ("/delimiter", "unknown_option"),
        ("/header_row", "too_small"),
    ]
    with pytest.raises(Invalid):
        corrected(FORMATS[-1], delimiter=",")


def test_errors_are_said_in_both_languages() -> None:
    assert say(CellError("姓", "required"), "ja") == "姓：空欄です。"
    assert say(CellError(None, "column_count"), "en") == "The number of columns differs from the header's."
    assert (
        say(CellError("備考", "too_long", {"maximum": 200}), "ja") == "備考：200 文字以内で入力してください。"
    )
    assert say(CellError(None, "too_long"), "en") == "The row is too long."


def test_an_import_that_was_left_alone_is_told_for_how_long() -> None:
    assert (
        say_failure("expired", "ja", has_begun=False)
        == "30 日間操作がなかったため、ファイルを削除しました。もう一度アップロードしてください。"
    )
