"""What children do with uploaded files; see :mod:`daicho.customers.imports.file_reader`.

Each task takes an argument and the chunks of a file. The modules imported here are all that the child has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from daicho.customers.imports.detection import Column, Detected, describe, detect
from daicho.customers.imports.files import FileFormat
from daicho.customers.imports.reading import read_rows
from daicho.customers.imports.rows import SourceRow

BATCH_CHARACTERS: Final = 2_000_000
"""Characters of a batch of more than one row: a few batches and their copies are in memory at once."""


class ReadingPlan(msgspec.Struct, frozen=True):
    """How a file is read, and how many rows an answer has."""

    file: FileFormat
    batch: int


class SentRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A :class:`SourceRow` between processes. ``broken`` has the cells with bytes that do not decode: their texts
    have lone surrogates, which no encoding of texts carries."""

    number: int
    line: int
    cells: list[str]
    fault: str | None
    broken: dict[int, bytes]


def detect_file(_argument: None, chunks: Iterator[bytes]) -> Iterator[Detected]:
    """Answers once. Raises FileUnreadable."""
    yield detect(chunks)


def describe_file(file: FileFormat, chunks: Iterator[bytes]) -> Iterator[tuple[Column, ...]]:
    """Answers once. Raises FileUnreadable."""
    yield describe(chunks, file)


def read_file(plan: ReadingPlan, chunks: Iterator[bytes]) -> Iterator[list[SentRow]]:
    """The data rows, ``plan.batch`` in an answer or fewer that are long. Raises FileUnreadable."""
    batch: list[SentRow] = []
    characters = 0
    for row in read_rows(chunks, plan.file):
        size = sum(map(len, row.cells))
        if batch and (len(batch) == plan.batch or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(pack_row(row))
        characters += size
    if batch:
        yield batch


def pack_row(row: SourceRow) -> SentRow:
    """``row`` as it is sent."""
    broken = {index: row.cells[index].encode("utf-8", "surrogatepass") for index in row.broken}
    cells = ["" if index in broken else cell for index, cell in enumerate(row.cells)] if broken else row.cells
    return SentRow(row.number, row.line, cells, row.fault, broken)


def unpack_row(sent: SentRow) -> SourceRow:
    """The row that was sent."""
    for index, cell in sent.broken.items():
        sent.cells[index] = cell.decode("utf-8", "surrogatepass")
    return SourceRow(sent.number, sent.line, sent.cells, sent.fault, tuple(sent.broken))
