"""Read one sheet of an xlsx."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Final

from daicho.tabular.faults import FileTooLarge
from daicho.tabular.serial_dates import EPOCH_1900, EPOCH_1904
from daicho.tabular.xlsx_archive import Archive
from daicho.tabular.xlsx_cells import MAX_SHEET, Row, SheetParser
from daicho.tabular.xlsx_merged import read_merged
from daicho.tabular.xlsx_package import find_parts
from daicho.tabular.xlsx_strings import MAX_STRINGS, read_strings
from daicho.tabular.xlsx_styles import MAX_STYLES, read_styles

MAX_PACKED: Final = 64 * 1024 * 1024
"""Bytes of an xlsx as uploaded."""


def read_xlsx(chunks: Iterable[bytes], *, columns: int) -> Iterator[Row]:
    """The rows of the active sheet (the first visible one, if that is hidden) that have cells, with their numbers, values as
    text as a person sees them.

    Cells beyond ``columns`` are read as one more, which lies behind them all. Meant for a process with limits of
    memory and time: the packed file and its shared strings are held in memory.

    Raises:
        FileUnsupported: this is no workbook, or an encrypted one.
        FileUnreadable: it is broken.
        FileTooLarge, FileTooComplex: it is beyond a limit.
    """
    archive = Archive(_hold(chunks))
    parts = find_parts(archive)
    strings = read_strings(archive.open(parts.strings, MAX_STRINGS)) if parts.strings else []
    formats = read_styles(archive.open(parts.styles, MAX_STYLES)) if parts.styles else {}
    epoch = EPOCH_1904 if parts.is_1904 else EPOCH_1900
    merged = read_merged(archive, parts.sheet)
    parser = SheetParser(strings, formats, epoch, columns=columns)
    for row in parser.parse(archive.open(parts.sheet, MAX_SHEET)):
        merged.fill(*row)
        yield row


def _hold(chunks: Iterable[bytes]) -> io.BytesIO:
    held = io.BytesIO()
    for chunk in chunks:
        if held.tell() + len(chunk) > MAX_PACKED:
            raise FileTooLarge(limit=MAX_PACKED)
        held.write(chunk)
    held.seek(0)
    return held
