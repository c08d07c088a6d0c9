"""The rejected rows as a file like the one they came from: same encoding, delimiter and line ends.

Its first column says what is wrong; the others are the cells as they were, so that the file can be corrected
and imported again. Bytes that did not decode come back as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from daicho.customers.imports.cells import neutralise, restore
from daicho.customers.imports.detection import Column
from daicho.customers.imports.files import FileFormat, FileKind, encode
from daicho.customers.imports.messages import say
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.sheet_writing import write_sheet
from daicho.customers.imports.text_writing import CP932_TWINS, MARKS, line_writer
from daicho.faults import Language

_REASON: Final[dict[Language, str]] = {"ja": "エラー内容", "en": "What is wrong"}
# Characters of our own sentences that CP932 writes with a similar one.
_NEIGHBOURS: Final = str.maketrans(CP932_TWINS)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """The cells of a row as they were read, and why it was rejected."""

    cells: Sequence[str]
    errors: Sequence[CellError]
    owner_id: UUID | None = None
    """Whose record it would have made or changed; None where that is not known."""


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
    encoding = file.encoding or "utf-8"
    line = line_writer(file.delimiter or ",", file.newline)
    yield MARKS.get(encoding, b"")
    for reason, *cells in table:
        if encoding == "cp932":
            reason = reason.translate(_NEIGHBOURS)
        yield encode(line([neutralise(restore(cell)) for cell in (reason, *cells)]), encoding)
