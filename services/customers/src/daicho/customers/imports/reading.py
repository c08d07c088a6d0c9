"""Files into rows. Bytes are decoded before they are parsed, and nothing but the row at hand is kept.

The file lies sealed on its disk, so there is no path and no seeking: only chunks, in order. A sheet is the
exception, for its zip directory stands at the end; it is unsealed into memory within a stated limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from daicho.customers.imports.cells import bound_cells, is_blank
from daicho.customers.imports.files import BROKEN, FileFormat, FileKind, open_decoder
from daicho.customers.imports.records import Record, RecordSplitter
from daicho.customers.imports.rows import SourceRow
from daicho.customers.imports.sheets import read_sheet
from daicho.nihongo import trim


def read_rows(chunks: Iterable[bytes], file: FileFormat) -> Iterator[SourceRow]:
    """The data rows of a file, in order; rows without any content are left out and not counted.

    Raises:
        FileUnreadable: as a whole; what is wrong with one row is said by that row.
    """
    if file.kind is FileKind.XLSX:
        yield from read_sheet(chunks, file.header_row)
    else:
        yield from _text_rows(chunks, file)


def read_records(
    chunks: Iterable[bytes], encoding: str, delimiter: str, newline: str = "\r\n"
) -> Iterator[Record]:
    """The records of delimited text, headers, titles and blank lines included."""
    splitter = RecordSplitter(delimiter)
    for text in decode_chunks(chunks, encoding):
        yield from splitter.feed(text.replace("\r", "\n") if newline == "\r" else text)
    yield from splitter.finish()


def decode_chunks(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The text of a file without its byte order mark; bytes that do not decode are kept as lone surrogates."""
    decoder = open_decoder(encoding)
    is_first = True
    for chunk in chunks:
        text = decoder.decode(chunk)
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        yield text
    yield decoder.decode(b"", final=True)


def _text_rows(chunks: Iterable[bytes], file: FileFormat) -> Iterator[SourceRow]:
    least, width, number = 0, None, 0
    records = read_records(chunks, file.encoding or "utf-8", file.delimiter or ",", file.newline)
    for position, record in enumerate(records, 1):
        cells = record.cells
        if position <= file.header_row:
            if position == file.header_row:
                least, width = len(_without_surplus(cells, 0)), len(cells)
            continue
        if not any(cells) or (record.fault is None and is_blank(cells)):
            continue
        number += 1
        if width is None:
            least = width = len(cells)
        fault = record.fault
        if fault is None and len(cells) != width:
            cells = _without_surplus(cells, width)
            if not least <= len(cells) <= width:
                fault = "column_count"
            else:
                cells = cells + [""] * (width - len(cells))
        broken = _broken(cells)
        if fault is None:
            cells = bound_cells(cells) if not broken else _bound_others(cells, broken)
        yield SourceRow(number, record.line, cells, fault, broken)


def _without_surplus(cells: list[str], width: int) -> list[str]:
    """``cells`` without the empty ones at the end that are beyond ``width``."""
    end = len(cells)
    while end > width and not trim(cells[end - 1]):
        end -= 1
    return cells[:end]


def _broken(cells: list[str]) -> tuple[int, ...]:
    if not BROKEN.search("".join(cells)):
        return ()
    return tuple(index for index, cell in enumerate(cells) if BROKEN.search(cell))


def _bound_others(cells: list[str], broken: tuple[int, ...]) -> list[str]:
    """Bytes that do not decode are kept as they are."""
    bounded = bound_cells(["" if index in broken else cell for index, cell in enumerate(cells)])
    return [cells[index] if index in broken else cell for index, cell in enumerate(bounded)]
