"""The rejected rows of an import as a file to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from litestar.response import Stream

from daicho.customers.imports import repository
from daicho.customers.imports.disclosure import Disclosure
from daicho.customers.imports.files import FileKind
from daicho.customers.imports.model import Import
from daicho.customers.imports.rejected import RejectedRow, write_rejected
from daicho.customers.imports.rejections import open_rejection
from daicho.customers.imports.service import Asking, Imports

Still = Callable[[], Awaitable[None]]
PAGE: Final = 500
"""Rejected rows in memory at a time."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TSV: Final = "text/tab-separated-values"
_EXAMPLE: Final = "エラー内容,顧客番号,姓,メールアドレス\r\nメールアドレス: …形式が正しくありません。,C-0017,田中,tanaka@\r\n"
REJECTED: Final = {
    "text/csv": _EXAMPLE,
    _TSV: _EXAMPLE.replace(",", "\t"),
    _XLSX: "the bytes of a workbook",
}
"""What the file looks like, by media type."""


def rejected_file(
    imports: Imports, asking: Asking, found: Import, disclosure: Disclosure, still: Still
) -> Stream:
    """A file like the one that ``found`` came from, with the reasons in its first column, of what the caller may see.

    ``still`` is asked before each page of rows; it raises when the caller's rights have changed.
    """
    loop = asyncio.get_running_loop()
    rows = filter(None, map(disclosure.row, _rejected_rows(imports, asking, found, still, loop)))
    pieces = write_rejected(rows, disclosure.file_columns(), found.format, asking.language)
    return Stream(
        pieces,
        media_type=_media_type(found),
        headers={
            "content-disposition": _disposition(found.description.file_name),
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


def _rejected_rows(
    imports: Imports, asking: Asking, found: Import, still: Still, loop: asyncio.AbstractEventLoop
) -> Iterator[RejectedRow]:
    """Page by page, for the thread that writes the file: however many there are, memory stays flat."""

    async def page(number: int) -> Sequence[tuple[int, int, bytes]]:
        await still()
        async with imports.database.reading(asking.actor, heavy=True) as tx:
            return await repository.rejected_from(tx, found.id, number, PAGE)

    number = 0
    while rows := asyncio.run_coroutine_threadsafe(page(number), loop).result():
        for number, _, sealed in rows:
            yield open_rejection(asking.keys, found.id, number, sealed)
        number += 1


def _media_type(found: Import) -> str:
    if found.format.kind is FileKind.XLSX:
        return _XLSX
    return _TSV if found.format.delimiter == "\t" else "text/csv"


def _disposition(file_name: str) -> str:
    """An attachment named after the file; what a header cannot carry is percent-encoded (RFC 6266)."""
    stem, dot, ending = file_name.rpartition(".")
    name = f"{stem}-rejected.{ending}" if dot else f"{file_name or 'import'}-rejected"
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
