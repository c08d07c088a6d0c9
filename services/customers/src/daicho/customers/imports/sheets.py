"""xlsx into rows, with openpyxl for the workbook, after the sizes that the archive declares were checked.

``zipfile`` never unpacks more than an entry declares, so an archive that lies about its sizes is broken, not
dangerous.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import openpyxl

from daicho.customers.imports.files import FileTooLarge, FileUnreadable, FileUnsupported
from daicho.customers.imports.rows import SourceRow
from daicho.customers.imports.sheet_parsing import Row, SheetParser

MAX_PACKED: Final = 64 * 1024 * 1024
"""Bytes of an xlsx as uploaded."""
MAX_UNPACKED: Final = 512 * 1024 * 1024
MAX_STRINGS: Final = 64 * 1024 * 1024
"""Bytes of shared strings and styles, which are held in memory."""
_HELD: Final = ("xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml")


def read_sheet(chunks: Iterable[bytes], header_row: int) -> Iterator[SourceRow]:
    """The data rows below ``header_row`` of the active sheet. Line is the sheet's row.

    A cell that a row lacks is empty; content to the right of the header's last cell is a ``column_count``.

    Raises:
        FileUnsupported, FileTooLarge, FileUnreadable.
    """
    width, number = 0, 0
    for line, cells in read_sheet_cells(chunks):
        if line == header_row:
            width = _extent(cells)
        if line <= header_row or not any(cells):
            continue
        number += 1
        width = width or len(cells)
        extent = _extent(cells)
        if extent > width:
            yield SourceRow(number, line, cells[:extent], "column_count")
        else:
            yield SourceRow(number, line, (cells + [""] * (width - len(cells)))[:width])


def read_sheet_cells(chunks: Iterable[bytes]) -> Iterator[Row]:
    """The rows of the active sheet that have cells, with their numbers, values as text.

    Raises:
        FileUnsupported, FileTooLarge, FileUnreadable.
    """
    archive = _unseal(chunks)
    check_declared_sizes(archive)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that openpyxl leaves out
            book = openpyxl.load_workbook(archive, read_only=True, data_only=True, keep_links=False)
        yield from _rows(book)
    except FileUnreadable:
        raise
    except Exception as error:
        raise FileUnreadable from error


def _rows(book: Any) -> Iterator[Row]:
    sheet = book.active if hasattr(book.active, "iter_rows") else next(iter(book.worksheets), None)
    if sheet is None:
        raise FileUnreadable
    dates = book._date_formats | book._timedelta_formats  # noqa: SLF001 (styles that show dates; not public)
    parser = SheetParser(sheet._shared_strings, dates, book.epoch)  # noqa: SLF001 (not public)
    with sheet._get_source() as source:  # noqa: SLF001 (the sheet's part of the archive; not public)
        yield from parser.parse(source)


def _unseal(chunks: Iterable[bytes]) -> io.BytesIO:
    held = io.BytesIO()
    for chunk in chunks:
        if held.tell() + len(chunk) > MAX_PACKED:
            raise FileTooLarge(limit=MAX_PACKED)
        held.write(chunk)
    held.seek(0)
    return held


def check_declared_sizes(archive: io.BytesIO) -> None:
    """Refuse an archive that is no workbook, or whose own directory says that it is too large.

    Raises:
        FileUnsupported, FileTooLarge.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = {entry.filename: entry for entry in opened.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise FileUnsupported from error
    if "[Content_Types].xml" not in entries or not any(name.startswith("xl/") for name in entries):
        raise FileUnsupported
    if sum(entry.file_size for entry in entries.values()) > MAX_UNPACKED:
        raise FileTooLarge(limit=MAX_UNPACKED)
    if any(name in entries and entries[name].file_size > MAX_STRINGS for name in _HELD):
        raise FileTooLarge(limit=MAX_STRINGS)


def _extent(cells: Sequence[str]) -> int:
    return next((index for index in range(len(cells), 0, -1) if cells[index - 1]), 0)
