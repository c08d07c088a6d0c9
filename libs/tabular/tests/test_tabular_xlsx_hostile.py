"""Workbooks that no spreadsheet wrote: refused, or read with bounded memory."""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable

import pytest
from workbooks import (
    MAIN,
    MEGABYTE,
    OFFICE,
    PACKAGE,
    SHEET_TYPE,
    pack,
    parts,
    relations,
    repeated,
    sheet,
    strings,
    types,
    workbook,
)

from daicho.tabular import (
    FileTooComplex,
    FileTooLarge,
    FileUnreadable,
    FileUnsupported,
    Row,
    read_xlsx,
)
from daicho.tabular.xlsx_archive import MAX_ENTRIES
from daicho.tabular.xlsx_cells import MAX_CELL, MAX_ROWS
from daicho.tabular.xlsx_strings import MAX_STRINGS

SHEET_START = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()


def read(data: bytes) -> list[Row]:
    """All rows."""
    return list(read_xlsx([data], columns=500))


def peak_of(work: Callable[[], object]) -> int:
    """The most bytes that ``work`` held at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def hostile(**changed: bytes | Iterable[bytes]) -> bytes:
    """A packed workbook in which some parts are replaced."""
    return pack(parts(**changed))  # type: ignore[arg-type]  # pieces are packed as they come


def refused_by(data: bytes, *faults: type[FileUnreadable]) -> None:
    """Reading is refused with exactly one of ``faults``."""
    with pytest.raises(FileUnreadable) as caught:
        read(data)
    assert type(caught.value) in faults


def test_unchanged_workbook_is_read() -> None:
    assert read(hostile()) == [(1, ["a"])]


def test_strings_that_only_content_types_name_are_never_opened() -> None:
    content = parts(
        content_types=types(("/xl/other.xml", "sharedStrings")),
        workbook_relations=relations(("worksheet", "worksheets/sheet1.xml")),
    )
    many = repeated(f'<sst xmlns="{MAIN}">'.encode(), b"<si><t>aaaaaaaaaaaa</t></si>", 2_000_000, b"</sst>")
    data = pack({**content, "xl/other.xml": many})
    assert len(data) < 200_000
    assert peak_of(lambda: read(data)) < 5 * MEGABYTE


def test_strings_under_another_name_have_the_limit_of_strings() -> None:
    related = relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "other.xml"))
    many = repeated(f'<sst xmlns="{MAIN}">'.encode(), b" " * 1024, (MAX_STRINGS >> 10) + 1, b"</sst>")
    refused_by(pack({**parts(workbook_relations=related), "xl/other.xml": many}), FileTooLarge)


@pytest.mark.parametrize(
    ("part", "before", "each"),
    [
        (
            "content_types",
            f'<Types xmlns="{PACKAGE}/content-types">',
            '<Default Extension="{n}" ContentType="x"/>',
        ),
        (
            "root_relations",
            f'<Relationships xmlns="{PACKAGE}/relationships">',
            '<Relationship Id="{n}" Target="a"/>',
        ),
        (
            "workbook_relations",
            f'<Relationships xmlns="{PACKAGE}/relationships">',
            '<Relationship Id="{n}" Target="a"/>',
        ),
        (
            "workbook",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>',
            '<sheet name="{n}" r:id="rId1"/>',
        ),
        ("styles", f'<styleSheet xmlns="{MAIN}"><numFmts>', '<numFmt numFmtId="{n}" formatCode="0"/>'),
    ],
)
def test_endless_parts_are_refused_with_little_memory(part: str, before: str, each: str) -> None:
    pieces = [before.encode(), *(each.replace("{n}", str(n)).encode() for n in range(900_000))]
    data = hostile(**{part: pieces})
    assert len(data) < 10 * MEGABYTE
    assert peak_of(lambda: refused_by(data, FileTooLarge, FileTooComplex)) < 20 * MEGABYTE


@pytest.mark.parametrize(
    "part",
    ["content_types", "root_relations", "workbook", "workbook_relations", "sheet", "strings", "styles"],
)
@pytest.mark.parametrize(
    "tag",
    [
        b"<a>",
        f'<c xmlns="{MAIN}">'.encode(),
        f'<row xmlns="{MAIN}">'.encode(),
        f'<t xmlns="{MAIN}">'.encode(),
    ],
)
def test_nested_elements_are_refused_at_their_depth(part: str, tag: bytes) -> None:
    data = hostile(**{part: repeated(b"", tag, 500_000 // len(tag))})
    assert peak_of(lambda: refused_by(data, FileTooComplex)) < 10 * MEGABYTE


@pytest.mark.parametrize("tag", [b"<c/>", b"<is><t>", b"<v>", b"<f>"])
def test_nesting_below_a_row_is_refused_at_its_depth(tag: bytes) -> None:
    opened = tag.replace(b"/", b"")
    data = hostile(sheet=repeated(SHEET_START + b"<row>", opened, MEGABYTE))
    assert peak_of(lambda: refused_by(data, FileTooComplex)) < 10 * MEGABYTE


def test_more_rows_than_a_sheet_has_are_refused_empty_ones_too() -> None:
    data = hostile(sheet=repeated(SHEET_START, b"<row/>", 10 * MEGABYTE))
    assert len(data) < 100_000
    began = time.process_time()
    refused_by(data, FileUnreadable)
    assert time.process_time() - began < 20


def test_empty_rows_are_not_kept() -> None:
    rows = repeated(SHEET_START, b"<row/>", MAX_ROWS, b"</sheetData></worksheet>")
    assert read(hostile(sheet=rows)) == []


@pytest.mark.parametrize("sheets", [300, 30_000])
def test_sheets_that_share_one_part_are_read_once(sheets: int) -> None:
    """Each sheet used to be read to its end, once for every time that it is listed."""
    many = repeated(SHEET_START, b"<row/>", MAX_ROWS, b"</sheetData></worksheet>")
    content = parts(
        workbook=workbook(sheets=sheets),
        workbook_relations=relations(*[("worksheet", "worksheets/sheet1.xml")] * sheets),
    )
    data = pack({**content, "xl/worksheets/sheet1.xml": many})
    began = time.process_time()
    if sheets == 300:
        assert read(data) == []
    else:
        refused_by(data, FileTooComplex, FileTooLarge)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("tag", ["row", "c", "v", "t", "f", "cols", "sheetView"])
@pytest.mark.parametrize("attribute", ['a="{long}"', 'r="{long}"', 's="{long}"', 't="{long}"', "{many}"])
def test_attributes_that_no_spreadsheet_writes_end_the_reading(tag: str, attribute: str) -> None:
    text = attribute.format(long="1" * 50_000, many=" ".join(f'a{n}="1"' for n in range(2_000)))
    data = hostile(sheet=repeated(f'<worksheet xmlns="{MAIN}">'.encode(), f"<{tag} {text}/>".encode(), 100))
    began = time.process_time()
    with pytest.raises(FileUnreadable):
        read(data)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "name", ["docProps/core.xml", "docProps/custom.xml", "xl/theme/theme1.xml", "xl/calcChain.xml"]
)
def test_parts_that_hold_no_cells_are_never_opened(name: str) -> None:
    bomb = repeated(b"<a>", b"<b/>", 20 * MEGABYTE)
    data = pack({**parts(), name: bomb})
    assert peak_of(lambda: read(data)) < 5 * MEGABYTE


def test_shared_string_is_cut_to_what_a_cell_can_hold() -> None:
    cell = sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    long = strings(f"<si><t>{'x' * MEGABYTE}</t></si>")
    assert [(number, len(cells[0])) for number, cells in read(hostile(sheet=cell, strings=long))] == [
        (1, MAX_CELL)
    ]
    runs = strings("<si>" + f"<r><t>{'x' * 30_000}</t></r>" * 100 + "</si>")
    assert len(read(hostile(sheet=cell, strings=runs))[0][1][0]) == MAX_CELL


def test_long_shared_strings_that_are_repeated_too_often_are_refused() -> None:
    def repeated(length: int, times: int) -> bytes:
        rows = '<row><c t="s"><v>0</v></c></row>' * times
        return hostile(sheet=sheet(rows), strings=strings(f"<si><t>{'a' * length}</t></si>"))

    assert len(read(repeated(32_000, 516))) == 516
    refused_by(repeated(32_000, 517), FileTooComplex)
    assert len(read(repeated(1_000, 20_000))) == 20_000


def test_inline_string_of_many_megabytes_is_cut_and_the_next_row_is_read() -> None:
    start = SHEET_START + b'<row><c t="inlineStr"><is><t>'
    end = b'</t></is></c></row><row><c t="inlineStr"><is><t>y</t></is></c></row></sheetData></worksheet>'
    data = hostile(sheet=repeated(start, b"x" * 1_000, 20_000, end))
    assert [(number, len(cells[0])) for number, cells in read(data)] == [(1, MAX_CELL), (2, 1)]
    assert peak_of(lambda: read(data)) < 10 * MEGABYTE


def test_places_of_cells_take_no_memory() -> None:
    cells = "".join(f'<c r="{chr(65 + n % 26)}{chr(65 + n // 26 % 26)}Z{n}"/>' for n in range(17_000))
    refused_by(hostile(sheet=sheet(f"<row>{cells}</row>")), FileUnreadable)  # no column MAZ, and so on
    for place in ("ZZZZZZZZ1", "A" * 50_000, "ａ1", "1", "XFE1"):
        refused_by(hostile(sheet=sheet(f'<row><c r="{place}"><v>1</v></c></row>')), FileUnreadable)
    assert read(hostile(sheet=sheet('<row><c r="XFD1"><v>1</v></c></row>')))[0][1][500] == "1"


def test_token_without_an_end_is_refused() -> None:
    for start in (b'<row spans="', b"<!--", b"<?a ", b"<row " + b"a" * 10):
        data = hostile(sheet=repeated(SHEET_START + start, b"1" * 1_000, 50_000))
        assert peak_of(lambda data=data: refused_by(data, FileTooComplex, FileUnreadable)) < 10 * MEGABYTE


@pytest.mark.parametrize(
    "part",
    ["content_types", "root_relations", "workbook", "workbook_relations", "sheet", "strings", "styles"],
)
def test_document_types_and_entities_are_refused(part: str) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">' + "".join(
        f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "&b;"}">' for n in range(12)
    )
    refused_by(hostile(**{part: f"{bomb}]><a>&b11;</a>".encode()}), FileUnreadable)
    external = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    refused_by(hostile(**{part: external.encode()}), FileUnreadable)


def test_parts_together_have_a_limit() -> None:
    """Each of these parts is within its own limit; what they declare together is not."""
    big = pack({**parts(), "a": b"\0", "b": b"\0"})
    entries = zipfile.ZipFile(io.BytesIO(big)).infolist()
    directory = big.rindex(b"PK\x01\x02", 0, big.rindex(b"PK\x01\x02"))
    assert entries[-2].filename == "a"
    lying = bytearray(big)
    for at in (directory, big.rindex(b"PK\x01\x02")):
        lying[at + 24 : at + 28] = (300 << 20).to_bytes(4, "little")
    refused_by(bytes(lying), FileTooLarge)


def test_archive_that_declares_less_than_it_holds_is_unreadable() -> None:
    content = parts(sheet=sheet('<row><c t="inlineStr"><is><t>x</t></is></c></row>' * 5_000))
    data = pack(content)
    size = len(content["xl/worksheets/sheet1.xml"])
    lying = data.replace(size.to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != data
    refused_by(lying, FileUnreadable)


def test_two_entries_of_one_name_are_refused() -> None:
    for second in ("xl/workbook.xml", "XL/Workbook.xml"):
        data = pack({**parts(), "xl/workbooc.xml": b"<a/>"})
        data = data.replace(b"xl/workbooc.xml", second.encode())
        refused_by(data, FileUnreadable)


def test_entries_that_share_bytes_are_refused() -> None:
    data = bytearray(pack({**parts(), "xl/a.bin": b"a" * 1_000, "xl/b.bin": b"b" * 1_000}))
    last = data.rindex(b"PK\x01\x02")
    before = data.rindex(b"PK\x01\x02", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    refused_by(bytes(data), FileUnreadable)


def test_encrypted_entry_is_unsupported() -> None:
    data = bytearray(pack(parts()))
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        data[at + 8] |= 1
        at += 4
    refused_by(bytes(data), FileUnsupported)


def test_archive_of_many_entries_is_refused() -> None:
    data = pack({**parts(), **{f"a{n}": b"" for n in range(MAX_ENTRIES)}})
    refused_by(data, FileTooComplex)


def test_other_packages_are_unsupported() -> None:
    word = types().replace(f"{SHEET_TYPE}.sheet.main".encode(), b"application/vnd.ms-word")
    refused_by(hostile(content_types=word), FileUnsupported)
    refused_by(pack({"a.txt": b"a"}), FileUnsupported)
    refused_by(b"PK\x03\x04 no archive", FileUnsupported)


def test_workbook_without_a_sheet_is_unreadable() -> None:
    refused_by(hostile(workbook=workbook(sheets=0)), FileUnreadable)
    refused_by(hostile(workbook_relations=relations(("worksheet", "nothing.xml"))), FileUnreadable)


@pytest.mark.parametrize(
    "cell",
    [
        '<c t="s"><v>7</v></c>',
        '<c t="s"><v>x</v></c>',
        "<c><v>x</v></c>",
        '<c s="x"><v>1</v></c>',
    ],
)
def test_cell_that_is_not_what_it_says_makes_the_file_unreadable(cell: str) -> None:
    refused_by(hostile(sheet=sheet(f"<row>{cell}</row>")), FileUnreadable)


def test_unknown_encodings_are_unreadable() -> None:
    for name in ("none", "shift_jis", "utf-7", "rot13"):
        head = f'<?xml version="1.0" encoding="{name}"?>'.encode()
        refused_by(hostile(sheet=head + "<a>あ</a>".encode()), FileUnreadable)


def test_damaged_archives_raise_nothing_but_faults() -> None:
    """Single bytes of a good archive are changed, at random but the same in each run."""
    good = hostile(sheet=sheet('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><v>1.5</v></c></row>'))
    chance = random.Random(6)
    refused = 0
    for _ in range(1_500):
        data = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 8))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read(bytes(data))
        except FileUnreadable:
            refused += 1
    assert refused > 300
