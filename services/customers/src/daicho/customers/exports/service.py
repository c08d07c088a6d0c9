"""An export: which records, found at one moment; then their rows, a batch at a time, each entered in the access log first.

Rights, owners and bins are looked at again for each batch, so a file that takes long ends with its reader's right to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from daicho.customers.edge import Edge, seal_query
from daicho.customers.exports.columns import ExportColumn, Opened, columns_of, users_of
from daicho.customers.exports.schemas import ExportRequest
from daicho.customers.exports.writing import (
    ExportFile,
    Table,
    file_of,
    lacking_in,
    may_lack,
    refuse_lacking,
)
from daicho.customers.finding.finder import Asked
from daicho.customers.reader import Reader
from daicho.customers.repository import Row
from daicho.customers.words import Words
from daicho.faults import FieldFault, Forbidden, Invalid, Language
from daicho.fields import Schema
from daicho.runtime import in_slices
from daicho.tenancy import Actor, Grants, UserId

MOST: Final = 200_000
"""Records of one export."""
BATCH: Final = 1_000
"""Records in memory at a time at most: as many as one entry of the access log names."""
PORTIONS: Final = 8
"""Queries of a batch at most, of about 1 MB each, so that large records make smaller batches."""

_ROWS = 20
"""Rows that are written in one go."""

T = TypeVar("T")
AnyEdge: TypeAlias = Edge[Any, Any, Any, Any]
Still = Callable[[], Awaitable[Grants]]
"""What the caller may do now. Raises a fault when that is nothing."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written, and for whom."""

    edge: AnyEdge
    actor: Actor
    still: Still
    schema: Schema
    columns: Sequence[ExportColumn]
    ids: Sequence[bytes]
    detail: bytes
    _people: dict[UUID, str] = field(default_factory=dict)

    async def pieces(self, file: ExportFile) -> AsyncIterator[bytes]:
        """The file. A batch's entry in the access log is committed before its bytes are here."""
        yield file.rows([[column.header for column in self.columns]])
        async for written, table in self._batches():
            await self._saw(written)
            yield b"".join(await in_slices(file.rows, _parts(table, _ROWS)))
        if not self.ids:
            await self._saw([])
        yield file.finish()

    async def lacking(self, encoding: str) -> set[str]:
        """The characters of the whole file that ``encoding`` lacks; nothing of it leaves."""
        found = lacking_in([[column.header for column in self.columns]], encoding)
        async for _, table in self._batches():
            found.update(*await in_slices(lambda part: lacking_in(part, encoding), _parts(table, _ROWS)))
        return found

    async def _batches(self) -> AsyncIterator[tuple[list[UUID], Table]]:
        """Of each batch the records that are in it and their rows."""
        at = 0
        while at < len(self.ids):
            covered, written, table = await self._read(
                [UUID(bytes=each) for each in self.ids[at : at + BATCH]]
            )
            at += covered
            yield written, table

    async def _read(self, ids: list[UUID]) -> tuple[int, list[UUID], Table]:
        """How many of ``ids`` were read, from the first; those among them that the caller may still have, and their rows."""
        grants = await self.still()
        owners = reach(grants, self.edge.records.plural)
        keys = await self.edge.rails.keyring.open(self.actor.tenant_id)
        repository = self.edge.records.repository
        async with self.edge.rails.database.reading(self.actor, heavy=True) as tx:
            held: dict[UUID, Row] = {}
            covered = portions = 0
            async for count, found in repository.portions(tx, ids, whole=True):
                held.update((row["id"], row) for row in found)
                covered, portions = covered + count, portions + 1
                if portions == PORTIONS:
                    break
            ids = ids[:covered]
            tags = await repository.fetch_tags_of(tx, ids)
            now = (await self.edge.catalogue.current(tx, self.edge.records.resource)).schema
        rows = [
            row
            for each in ids
            if (row := held.get(each)) is not None
            and row["deleted_at"] is None
            and (owners is None or row["owner_id"] in owners)
        ]

        def opened(row: Row) -> Any:
            state = self.edge.records.opened(keys, row, tags.get(row["id"], []))
            return self._readable(state, now, grants.role)

        states = await in_slices(opened, rows)
        await self._meet(states)
        table = await in_slices(self._cells, zip(states, rows, strict=True))
        return covered, [row["id"] for row in rows], table

    def _readable(self, state: Any, now: Schema, role: str | None) -> Any:
        """``state`` with the custom values that ``role`` may read by what the fields are ``now``; a column was there
        when the file began, and is empty where its field has gone or become another."""
        custom = {
            key: value
            for key, value in now.readable(state.custom, role).items()
            if (column := self.schema.definitions.get(key)) and column.type is now.definitions[key].type
        }
        return msgspec.structs.replace(state, custom=custom)

    async def _meet(self, states: Sequence[Any]) -> None:
        """Learn what those are called whom ``states`` name."""
        new = sorted(users_of(states, self.schema.definitions.values()) - self._people.keys())
        for part in _parts(new, BATCH):
            known = await self.edge.users.emails(self.actor, part)
            self._people.update({each: known.get(each, str(each)) for each in part})

    def _cells(self, record: tuple[Any, Row]) -> list[str]:
        opened = Opened(*record, self._people)
        return [column.text(opened) for column in self.columns]

    async def _saw(self, ids: list[UUID]) -> None:
        keys = await self.edge.rails.keyring.open(self.actor.tenant_id)
        await self.edge.saw(self.actor, "export", ids, detail=self.detail, keys=keys)


async def begin(
    edge: AnyEdge,
    actor: Actor,
    reader: Reader,
    given: ExportRequest,
    *,
    still: Still,
    language: Language,
) -> AsyncIterator[bytes]:
    """The pieces of the file, to be begun at once. Raises Invalid, Forbidden, TooManyRequests; whatever refuses the
    export does so before its first byte."""
    with ExitStack() as turn:
        turn.enter_context(edge.turns.turn(actor.tenant_id))
        pieces = await _prepared(edge, actor, reader, given, still=still, language=language)
        return _within(turn.pop_all(), pieces)


async def _within(turn: ExitStack, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with turn:
        async for piece in pieces:
            yield piece


async def _prepared(
    edge: AnyEdge,
    actor: Actor,
    reader: Reader,
    given: ExportRequest,
    *,
    still: Still,
    language: Language,
) -> AsyncIterator[bytes]:
    plural = edge.records.plural
    if not reader.grants.allows(f"{plural}:read"):
        raise Forbidden
    file = file_of(given)
    words = Words.read(given.q) if given.q and given.q.strip() else None
    order = await edge.order(actor, reader, given.sort)
    asked = Asked(words=words, filter=await edge.filter(actor, reader, given.filter), order=order)
    async with edge.rails.database.reading(actor, snapshot=True, heavy=True) as tx:
        schema = (await edge.catalogue.current(tx, edge.records.resource)).schema
        ids = await edge.finder.find_ids(tx, reader, asked, owners=reach(reader.grants, plural), most=MOST)
    if len(ids) > MOST:
        raise Invalid([FieldFault("/filter", "too_many_records", {"maximum": MOST})])
    export = Export(
        edge,
        actor,
        still,
        schema,
        columns_of(edge.records.resource, list(schema.definitions.values()), reader.grants.role, language),
        [each.bytes for each in ids],
        seal_query(reader, given.q, given.filter, order, schema),
    )
    if may_lack(given):
        refuse_lacking(await export.lacking("cp932"))
    return export.pieces(file)


def reach(grants: Grants, plural: str) -> frozenset[UserId] | None:
    """Whose records the caller may both read and export; None is everyone's."""
    read, export = grants.owners(f"{plural}:read"), grants.owners(f"{plural}:export")
    if read is None or export is None:
        return export if read is None else read
    return read & export


def _parts(every: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``every`` in parts of ``size``."""
    return (every[start : start + size] for start in range(0, len(every), size))
