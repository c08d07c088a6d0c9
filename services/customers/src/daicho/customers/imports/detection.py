"""What an uploaded file is: encoding, delimiter, where its header stands. A proposal; the user may correct it."""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from daicho.customers.imports.faults import FileTooWide
from daicho.customers.imports.files import (
    BROKEN,
    DELIMITERS,
    MAX_COLUMNS,
    FileFormat,
    FileKind,
    open_decoder,
)
from daicho.customers.imports.headers import KNOWN_HEADERS, header_key
from daicho.customers.imports.reading import read_records
from daicho.customers.imports.sheets import read_sheet_cells
from daicho.nihongo import narrow, trim
from daicho.tabular import FileEmpty, FileUnsupported

SAMPLE: Final = 1024 * 1024
"""Bytes that detection looks at."""
_ROWS: Final = 60
_HEADER_ROWS: Final = 30
_SAMPLES: Final = 3
_SAMPLE_LENGTH: Final = 80

_ESCAPES: Final = re.compile(rb"\x1b\$[@B]")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_OTHER: Final = (_OLE, b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"7z\xbc\xaf", b"Rar!")
_LONGEST: Final = 200
"""Characters of a cell that are looked at."""
_MARKS: Final = r",./:()+\-年月日¥\\円 "
_DATA: Final = re.compile(
    rf"[{_MARKS}]*+\d[\d{_MARKS}]*+|\S[^\s@]*+@\S[^\s.]*+\.\S++|https?://\S++", re.IGNORECASE
)
"""A number, a date, an e-mail address or a link. Possessive: each alternative reads its text once."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its place from 0, its header's text, and a few of its values."""

    index: int
    name: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detected:
    """The format found, and the columns that follow from it."""

    file: FileFormat
    columns: tuple[Column, ...]


def detect(chunks: Iterable[bytes]) -> Detected:
    """Look at the beginning of a file (at the whole of an xlsx).

    Raises:
        FileUnreadable: empty, of another kind, or an xlsx that unpacks to too much.
    """
    source = iter(chunks)
    sample = _take(source, 8)
    if sample.startswith(_ZIP):
        file = FileFormat(kind=FileKind.XLSX, encoding=None, delimiter=None)
        rows = list(_sheet_rows(itertools.chain([sample], source)))
        return _with_header(file, rows)
    sample += _take(source, SAMPLE - len(sample))
    return _detect_text(sample, is_whole=next(source, None) is None)


def describe(chunks: Iterable[bytes], file: FileFormat) -> tuple[Column, ...]:
    """The columns of a file read as ``file`` says, after the user corrected it.

    Raises:
        FileUnreadable: as :func:`detect`.
    """
    if file.kind is FileKind.XLSX:
        rows = list(_sheet_rows(chunks, file.header_row + _ROWS))
    else:
        sample = _take(iter(chunks), SAMPLE)
        rows = _text_rows(sample, file, file.header_row + _ROWS)
    return _columns(rows, file)


def _take(source: Iterator[bytes], size: int) -> bytes:
    held: list[bytes] = []
    while size > 0 and (chunk := next(source, None)) is not None:
        held.append(chunk)
        size -= len(chunk)
    return b"".join(held)


def _sheet_rows(chunks: Iterable[bytes], count: int = _ROWS) -> Iterator[list[str]]:
    at = 0
    for line, cells in itertools.islice(read_sheet_cells(chunks), count):
        yield from itertools.repeat([], min(line, count) - at - 1)
        if line > count:
            return
        at = line
        yield cells


def _text_rows(sample: bytes, file: FileFormat, count: int = _ROWS) -> list[list[str]]:
    found = read_records([sample], file.encoding or "utf-8", file.delimiter or ",", file.newline)
    records = itertools.islice(found, count)
    return [record.cells[: MAX_COLUMNS + 1] for record in records]


def _detect_text(sample: bytes, *, is_whole: bool) -> Detected:
    if not sample.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t ,;\x00"):
        raise FileEmpty
    if sample.startswith(_OTHER):
        raise FileUnsupported
    encoding = detect_encoding(sample)
    if not is_whole:
        sample = _up_to_line_end(sample, encoding)
    newline = _detect_newline(open_decoder(encoding).decode(sample[:65_536]))
    return _with_header(*_detect_delimiter(sample, FileFormat(encoding=encoding, newline=newline)))


def _detect_newline(text: str) -> str:
    if "\n" in text:
        return "\r\n" if "\r\n" in text else "\n"
    return "\r" if "\r" in text else "\r\n"


def _up_to_line_end(sample: bytes, encoding: str) -> bytes:
    """The sample without a last line that may be cut in two."""
    ends = {"utf-16": b"\n\x00", "utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}
    end = b"\x00\n" if sample.startswith(b"\xfe\xff") else ends.get(encoding, b"\n")
    cut = sample.rfind(end)
    return sample[: cut + len(end)] if cut > 0 else sample


def detect_encoding(sample: bytes) -> str:
    """The encoding of a text file's beginning: a byte order mark, else the UTF-16 that its NULs show, the
    ISO-2022-JP that its escapes show, else whichever of UTF-8, CP932 and EUC-JP leaves the fewest lines undecodable."""
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if (wide := _utf16_by_nuls(sample[:65_536])) is not None:
        return wide
    if sample.isascii() and _ESCAPES.search(sample):
        return "iso-2022-jp"
    lines = [line for line in re.split(rb"[\r\n]+", sample)[:20_000] if not line.isascii()]
    broken = {name: sum(_is_broken(line, name) for line in lines) for name in ("utf-8", "cp932", "euc-jp")}
    found = min(broken, key=broken.__getitem__)
    if found == "cp932" and broken["euc-jp"] == broken["cp932"] and _is_plausible_euc(b"".join(lines)):
        return "euc-jp"
    return found


def _is_plausible_euc(sample: bytes) -> bool:
    """Whether what decodes as both is EUC-JP: half-width kana of CP932, alone without a kanji, would read as
    kanji most of which nobody uses (JIS level 2, from row 48 on)."""
    characters = [each.encode("euc-jp") for each in sample.decode("euc-jp", "ignore") if not each.isascii()]
    rare = sum(1 for each in characters if each[0] >= 0xD0)
    return bool(characters) and rare * 5 < len(characters)


def _utf16_by_nuls(sample: bytes) -> str | None:
    """UTF-16 without a mark has its delimiters, digits and line ends as ASCII beside NULs, all on one side."""
    if sample.count(0) * 8 < len(sample) and _is_utf8(sample):
        return None
    pairs = len(sample) // 2
    even, odd = sample[0 : pairs * 2 : 2], sample[1 : pairs * 2 : 2]
    for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        ascii_pairs = sum(
            1 for a, b in zip(high, low, strict=True) if a == 0 and (b >= 0x20 or b in b"\t\r\n")
        )
        if ascii_pairs >= max(2, pairs // 50) and high.count(0) > 4 * low.count(0):
            return encoding
    return None


def _is_utf8(sample: bytes) -> bool:
    """Whether the beginning of a file is UTF-8, whose last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _is_broken(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False


def _detect_delimiter(sample: bytes, file: FileFormat) -> tuple[FileFormat, list[list[str]]]:
    """The delimiter by which a row holds the most known headers, then by which most rows have one width."""
    best: tuple[tuple[float, ...], FileFormat, list[list[str]]] = ((-1.0,), file, [])
    for delimiter in DELIMITERS:
        split = msgspec.structs.replace(file, delimiter=delimiter)
        rows = _text_rows(sample, split)
        widths = Counter(len(row) for row in rows if any(row))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        share = count / max(1, widths.total())
        known = max((_known(row) for row in rows[:_HEADER_ROWS] if len(row) > 1), default=0)
        score = (known, share if width > 1 else 0.0, (width - 1) * share)
        if score > best[0]:
            best = (score, split, rows)
    return best[1], best[2]


def _known(row: Sequence[str]) -> int:
    return len({key for cell in row if (key := header_key(trim(cell[:_LONGEST]))) in KNOWN_HEADERS})


def _with_header(file: FileFormat, rows: Sequence[list[str]]) -> Detected:
    if not any(any(row) for row in rows):
        raise FileEmpty
    header_row = find_header(rows)
    file = msgspec.structs.replace(file, header_row=header_row)
    return Detected(file, _columns(rows, file))


def find_header(rows: Sequence[list[str]]) -> int:
    """The row (from 1) of the header among the first rows of a file; 0 when none looks like one.

    A header fills about as many cells as the rows below it, each once and with words rather than data;
    names that are known speak for it. Titles above fill one cell or two.
    """
    filled = [sum(1 for cell in row if trim(cell)) for row in rows]
    usual = sorted(count for count in filled if count)[len([count for count in filled if count]) // 2]
    best, best_score = 0, 0.0
    for place, row in enumerate(rows[:_HEADER_ROWS]):
        score = _header_score([text for cell in row if (text := trim(cell[:_LONGEST]))], usual)
        if score > best_score:
            best, best_score = place + 1, score
    return best


def _header_score(texts: Sequence[str], usual: int) -> float:
    if not texts or (len(texts) < 2 and usual > 2):
        return 0.0
    keys = [header_key(text) for text in texts]
    known = sum(key in KNOWN_HEADERS for key in keys)
    data = sum(_DATA.fullmatch(narrow(text)) is not None for text in texts)
    long = sum(len(text) > 40 for text in texts)
    repeated = len(keys) - len(set(keys))
    fullness = min(len(texts), usual) / max(1, usual)
    return fullness + 3 * known - 2 * data - 2 * long - repeated - 0.4


def _columns(rows: Sequence[list[str]], file: FileFormat) -> tuple[Column, ...]:
    header_row = file.header_row
    header = rows[header_row - 1] if 0 < header_row <= len(rows) else []
    data = [row for row in rows[header_row:] if any(row)]
    for row in [header] if header_row else data:
        if any(trim(cell) for cell in row[MAX_COLUMNS:]):
            raise FileTooWide(limit=MAX_COLUMNS)
    width = len(header) if header_row else max((len(row) for row in data), default=0)
    if header_row and file.kind is FileKind.TEXT:
        data = [
            row for row in data if len(row) >= width and not any(map(trim, row[width:]))
        ]  # cells of others may stand under a wrong header
    named = [index for index in range(width) if not header_row or trim(header[index])]
    first, last = (named[0], named[-1]) if named else (0, -1)
    return tuple(
        Column(index, _name(header, index, header_row), _samples(data, index))
        for index in range(first, last + 1)
    )


def _name(header: Sequence[str], index: int, header_row: int) -> str:
    if header_row:
        return " ".join(BROKEN.sub("\ufffd", header[index][:_LONGEST]).split())
    return column_letters(index)


def column_letters(index: int) -> str:
    """A, B … Z, AA … as a spreadsheet names the column at ``index``."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _samples(data: Sequence[list[str]], index: int) -> tuple[str, ...]:
    cells = (row[index][:_LONGEST] for row in data if index < len(row))
    values = (trim(BROKEN.sub("\ufffd", cell))[:_SAMPLE_LENGTH] for cell in cells)
    return tuple(itertools.islice(dict.fromkeys(value for value in values if value), _SAMPLES))
