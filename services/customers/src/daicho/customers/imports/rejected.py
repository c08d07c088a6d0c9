"""The rejected rows as a file like the one they came from: same encoding, delimiter and line ends.

Its first column says what is wrong; the others are the cells as they were, so that the file can be corrected
and imported again. Bytes that did not decode come back as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from daicho.customers.imports.cells import neutralise, restore
from daicho.customers.imports.detection import Column
from daicho.customers.imports.files import FileFormat, FileKind, encode
from daicho.customers.imports.messages import say
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.faults import Language

_MARKS: Final = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16": b"\xff\xfe"}
_REASON: Final[dict[Language, str]] = {"ja": "エラー内容", "en": "What is wrong"}
_WAVE_DASH: Final = str.maketrans("〜−—‖", "～－―∥")
"""What our own sentences may hold and CP932 spells with a neighbouring character."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """The cells of a row as they were read, and why it was rejected."""

    cells: Sequence[str]
    errors: Sequence[CellError]


def write_rejected(
    rows: Iterable[RejectedRow], columns: Sequence[Column], file: FileFormat, language: Language = "ja"
) -> Iterator[bytes]:
    """The file, piece by piece; memory stays flat for text."""
    table = _table(rows, columns, language)
    if file.kind is FileKind.XLSX:
        yield from write_sheet(table)
    else:
        yield from _text(table, file)


def _table(rows: Iterable[RejectedRow], columns: Sequence[Column], language: Language) -> Iterator[list[str]]:
    names = {column.index: column.name for column in columns}
    yield [_REASON[language], *(names.get(index, "") for index in range(max(names, default=-1) + 1))]
    for row in rows:
        yield [" / ".join(say(error, language) for error in row.errors), *row.cells]


def _text(table: Iterable[Sequence[str]], file: FileFormat) -> Iterator[bytes]:
    encoding, delimiter = file.encoding or "utf-8", file.delimiter or ","
    special = re.compile(f'["\r\n{re.escape(delimiter)}]')
    yield _MARKS.get(encoding, b"")
    for reason, *cells in table:
        if encoding == "cp932":
            reason = reason.translate(_WAVE_DASH)
        line = delimiter.join(_quoted(neutralise(restore(cell)), special) for cell in (reason, *cells))
        yield encode(line + file.newline, encoding)


def _quoted(cell: str, special: re.Pattern[str]) -> str:
    return '"' + cell.replace('"', '""') + '"' if special.search(cell) else cell
