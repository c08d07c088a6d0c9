"""What is wrong with the rows of an import, a page at a time."""

from __future__ import annotations

from typing import Final

from daicho.customers.imports import repository
from daicho.customers.imports.messages import say
from daicho.customers.imports.model import Import
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.rejections import open_rejection
from daicho.customers.imports.schemas import ImportError  # noqa: A004 the name that the API gives it
from daicho.customers.imports.service import Asking, Imports
from daicho.runtime import in_slices
from daicho.web import PAGE_BYTES

Position = tuple[int, int]
"""The number of a row and the place of an error in it, from 0."""
_ROWS: Final = 200
"""Rejected rows that are opened at a time."""
_MOST_BYTES: Final = 8 * PAGE_BYTES
"""Bytes of rejected rows, as they are stored, that one page may open."""
_ROW: Final = 1_000
"""Bytes that a row counts for besides: opening a short one takes time, too."""


async def list_errors_from(
    imports: Imports, asking: Asking, found: Import, start: Position, limit: int
) -> tuple[list[ImportError], Position | None]:
    """Up to ``limit`` errors that the caller may see, from ``start`` on, and the position of the next; fewer, or none,
    when :data:`_MOST_BYTES` of rows hold no more."""
    async with imports.database.reading(asking.actor) as tx:
        disclosure = await imports.disclosure(tx, asking, found)

        def errors_of(rejected: tuple[int, int, bytes]) -> list[tuple[Position, ImportError]]:
            number, line, sealed = rejected
            row = disclosure.row(open_rejection(asking.keys, found.id, number, sealed))
            return [
                ((number, place), _shown(number, line, error, asking))
                for place, error in enumerate(row.errors if row is not None else ())
                if (number, place) >= start
            ]

        errors: list[tuple[Position, ImportError]] = []
        number, left = start[0], _MOST_BYTES
        while rows := await repository.rejected_from(tx, found.id, number, _ROWS):
            for each in await in_slices(errors_of, rows):
                errors += each
            if len(errors) > limit:
                return [error for _, error in errors[:limit]], errors[limit][0]
            number = rows[-1][0] + 1
            left -= sum(_ROW + len(sealed) for _, _, sealed in rows)
            if left <= 0:
                return [error for _, error in errors], (number, 0)
    return [error for _, error in errors], None


def _shown(number: int, line: int, error: CellError, asking: Asking) -> ImportError:
    detail = say(CellError(None, error.code, error.params), asking.language)
    return ImportError(number, line, error.column, error.code, detail)
