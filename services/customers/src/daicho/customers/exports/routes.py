"""Exports over REST: what the routes of contacts and companies share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request
from litestar.response import Stream

from daicho.customers.exports.schemas import ExportFormat, ExportRequest
from daicho.customers.exports.service import AnyEdge, begin
from daicho.nihongo import JAPAN
from daicho.tenancy import Grants
from daicho.web import grants_of, language_of, requires

Ask = Request[Any, Any, Any]
MEDIA: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROW: Final = "C-0017,田中,一郎,tanaka@example.co.jp"
EXPORTED: Final = {
    MEDIA["csv"]: f"顧客番号,姓,名,メールアドレス\r\n{_ROW}\r\n",
    MEDIA["tsv"]: f"顧客番号\t姓\t名\tメールアドレス\r\n{_ROW.replace(',', chr(9))}\r\n",
    MEDIA["xlsx"]: "the bytes of a workbook",
}
"""What an export looks like, by media type."""


async def export(edge: AnyEdge, request: Ask, given: ExportRequest) -> Stream:
    """A file, streamed. Its first piece is made, and entered, before the answer begins: what may fail at once fails in words."""
    actor, reader = await edge.reader(request)
    permission = requires(f"{edge.records.plural}:export")

    async def still() -> Grants:
        await permission(request, request.route_handler)
        return grants_of(request)

    pieces = await begin(
        edge,
        actor,
        reader,
        given,
        still=still,
        language=language_of(request.headers.get("accept-language")),
    )
    beginning = [await anext(pieces), await anext(pieces)]
    moment = edge.rails.clock().astimezone(JAPAN)
    name = f"{edge.records.plural}-{moment:%Y%m%d-%H%M}.{given.format}"
    return Stream(
        _after(beginning, pieces),
        media_type=MEDIA[given.format],
        encoding="shift_jis" if given.encoding == "cp932" else "utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


async def _after(beginning: list[bytes], pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The whole file; a workbook does not have bytes ready for every batch."""
    for piece in filter(None, beginning):
        yield piece
    async for piece in pieces:
        if piece:
            yield piece
