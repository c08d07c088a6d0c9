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

Position = tuple[int, int]
"""The number of a row and the place of an error in it, from 0."""
_ROWS: Final = 200
"""Rejected rows that are opened at a time."""


async def list_errors_from(
    imports: Imports, asking: Asking, found: Import, start: Position, limit: int
) -> tuple[list[ImportError], Position | None]:
    """Up to ``limit`` errors that the caller may see, from ``start`` on, and the position of the next."""
    async with imports.database.reading(asking.actor) as tx:
        disclosure = await imports.disclosure(tx, asking, found)
        errors: list[ImportError] = []
        number = start[0]
        while rows := await repository.rejected_from(tx, found.id, number, _ROWS):
            for number, line, sealed in rows:
                row = disclosure.row(open_rejection(asking.keys, found.id, number, sealed))
                for place, error in enumerate(row.errors if row is not None else ()):
                    if (number, place) < start:
                        continue
                    if len(errors) == limit:
                        return errors, (number, place)
                    errors.append(_shown(number, line, error, asking))
            number += 1
    return errors, None


def _shown(number: int, line: int, error: CellError, asking: Asking) -> ImportError:
    detail = say(CellError(None, error.code, error.params), asking.language)
    return ImportError(number, line, error.column, error.code, detail)
