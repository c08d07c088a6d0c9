"""Lists and search: which records, in which order, how many a page.

SQL gives candidates in order, a superset of what is wanted; what they open to decides. A page opens at most
:data:`MOST_OPENED` rows and :data:`MOST_BYTES`; then it may be short, or empty, and still go on. It shows at most
:data:`daicho.web.PAGE_BYTES`, or one record; no more than that is fetched at a time.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.finding import kana, sorting
from daicho.customers.finding.filling import PageFilling, more_candidates, of_each, size_of
from daicho.customers.finding.narrowing import Indexed, words_in_steps, words_of
from daicho.customers.finding.orders import (
    KANA,
    NEWEST_FIRST,
    Order,
    among,
    by_column,
    by_value,
    run,
    wanted,
)
from daicho.customers.finding.search import search_ids
from daicho.customers.lines import Line, Lines, bindings_of, indexed_of
from daicho.customers.model import Company, model_of
from daicho.customers.reader import Reader
from daicho.customers.repository import TENANT
from daicho.customers.schemas import MOST_COUNTED, Count
from daicho.customers.texts import searchable
from daicho.customers.words import Words
from daicho.fields import FieldType, Schema
from daicho.fields.filters import (
    All,
    Bounds,
    Core,
    Node,
    compile_filter,
    conditions,
    matcher,
    matcher_in_steps,
)
from daicho.runtime import in_slices
from daicho.tenancy import TenantTransaction
from daicho.web import PAGE_BYTES

CardT = TypeVar("CardT")

MOST_OPENED: Final = 2_000
"""Rows that one page may open before it answers with what it has."""
FEW: Final = 100
"""Where of so many hits the columns leave less than one, they are the better way to the rest."""
MOST_LOOKED_AT: Final = 10 * MOST_OPENED
"""Hits of the blind index that one page may hold against the columns."""
MOST_BYTES: Final = 32 * PAGE_BYTES
"""Bytes of the records that one page may open before it answers with what it has."""
_AT_ONCE: Final = 1_000
"""Records of a page when all of them are wanted."""
_BYTES_AT_ONCE: Final = 16 * PAGE_BYTES
"""Bytes of such a page: only the ids are kept."""
EVERYTHING: Final = All()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to list. ``after`` is the position where the last page ended, None for the first."""

    words: Words | None = None
    filter: Node = EVERYTHING
    order: Order = NEWEST_FIRST
    bucket: str | None = None
    limit: int = 50
    after: Any = None
    count: bool = False
    most_bytes: int = PAGE_BYTES

    @property
    def is_plain(self) -> bool:
        """Whether the columns alone decide: nothing is searched or filtered."""
        return self.words is None and self.filter == EVERYTHING and self.bucket is None


@dataclass(frozen=True, slots=True)
class Page(Generic[CardT]):
    """Cards, the position to go on after (None at the end), the order that they are in, and the count."""

    cards: list[CardT]
    ids: list[UUID]
    after: Any
    sort: str
    count: Count | None


Step = bool | None
Source = Callable[[Any, int], Awaitable[list[tuple[UUID, Any]]]]
"""From a position and a number to ids with their positions, in order."""


class Finder(Generic[CardT]):
    """Finds the records of one resource."""

    def __init__(self, lines: Lines[CardT], catalogue: Catalogue) -> None:
        self.lines, self._catalogue = lines, catalogue

    async def find(self, tx: TenantTransaction, reader: Reader, asked: Asked) -> Page[CardT]:
        """One page of what the caller may read."""
        owners = reader.grants.owners(f"{self.lines.plural}:read")
        if asked.is_plain and asked.order.name in {"newest", "oldest"} and not asked.count:
            return await self._plain_page(tx, reader, asked, owners)
        look = await self._look(tx, reader, asked, owners)
        if look.terms and asked.order is not NEWEST_FIRST:
            return await sorting.page(look)
        return await look.page(asked.order, asked.after)

    async def find_ids(
        self,
        tx: TenantTransaction,
        reader: Reader,
        asked: Asked,
        *,
        owners: frozenset[UUID] | None,
        most: int,
    ) -> list[UUID]:
        """All that :meth:`find` would list page by page, of the records of ``owners``, in the order asked for; more than
        ``most`` only to show that there are more. ``tx`` is best a snapshot."""
        asked = replace(asked, limit=_AT_ONCE, after=None, count=False, most_bytes=_BYTES_AT_ONCE)
        look = await self._look(tx, reader, asked, owners)
        return await sorting.all_ids(look, most)

    async def _look(
        self, tx: TenantTransaction, reader: Reader, asked: Asked, owners: frozenset[UUID] | None
    ) -> _Look[CardT]:
        schema = await self._catalogue.current(tx, self.lines.resource)
        indexed = await self._indexed(tx, schema.schema, asked.filter)
        await in_slices(_same, words_in_steps(asked.filter, indexed, reader.keys))
        return _Look(self.lines, tx, reader, schema, asked, owners, indexed)

    async def _indexed(self, tx: TenantTransaction, schema: Schema, wanted: Node) -> Mapping[str, Indexed]:
        """What of the filter's fields the blind index holds; asks only where it names a sealed field of the tenant's own."""
        named = [condition.field for condition in conditions(wanted) if condition.definition.sensitive]
        if not any(name.startswith("custom.") for name in named):
            return self.lines.indexed
        return indexed_of(self.lines, schema, await self._catalogue.indexed(tx, self.lines.resource))

    async def _plain_page(
        self, tx: TenantTransaction, reader: Reader, asked: Asked, owners: frozenset[UUID] | None
    ) -> Page[CardT]:
        """The page that people open most, in one query."""
        start = asked.order.start if asked.after is None else asked.after
        rows = await self.lines.repository.fetch_page(
            tx, owners=owners, after=start, count=asked.limit + 1, oldest=asked.order.name == "oldest"
        )
        if not rows:
            return Page([], [], None, asked.order.name, None)
        schema = await self._catalogue.at(tx, self.lines.resource, rows[0]["revision"] or 0)
        shown = rows[: asked.limit]
        role, keys, compiled, open_ = reader.grants.role, reader.keys, schema.schema, self.lines.open
        cards = await of_each(lambda row: open_(keys, row, compiled).card(role), shown, shown)
        ids = [row["id"] for row in shown]
        after = ids[-1] if rows[0]["matched"] > len(shown) else None
        return Page(cards, ids, after, asked.order.name, None)


class _Look(Generic[CardT]):
    """One request for a page on its way."""

    def __init__(
        self,
        lines: Lines[CardT],
        tx: TenantTransaction,
        reader: Reader,
        schema: ResourceSchema,
        asked: Asked,
        owners: frozenset[UUID] | None,
        indexed: Mapping[str, Indexed],
    ) -> None:
        self.lines, self.tx, self.reader, self.schema = lines, tx, reader, schema
        self.asked, self.owners = asked, owners
        self.bounds = self._bounds()
        self.terms = words_of(asked.filter, indexed, reader.keys)
        if asked.words is not None:
            self.terms += asked.words.terms(reader.keys)
        self._matches = matcher(asked.filter)
        is_long = any(each.definition.type is FieldType.LONG_TEXT for each in conditions(asked.filter))
        self._steps = matcher_in_steps(asked.filter) if is_long else None
        named = {condition.field for condition in conditions(asked.filter)}
        sensitive = {f"custom.{key}" for key, field in schema.schema.definitions.items() if field.sensitive}
        searched = {f"custom.{key}" for key in searchable(schema.schema)} if asked.words else set()
        self._whole = bool(named & (lines.resting | sensitive) or searched & sensitive)
        self._tagged = "tags" in named
        self._narrows = any(
            each.field not in indexed or each.op is Core.IS_SET for each in conditions(asked.filter)
        )
        """Whether the columns rule out some of what the index offers."""

    def _bounds(self) -> Bounds:
        bounds = compile_filter(self.asked.filter, bindings_of(self.lines, self.schema.schema))
        if self.asked.bucket is None:
            return bounds
        inside = kana.in_bucket(self.asked.bucket)
        return Bounds(sa.and_(bounds.over, inside), sa.and_(bounds.under, inside), bounds.exact)

    @property
    def is_exact(self) -> bool:
        """Whether SQL alone decides."""
        return self.asked.words is None and self.bounds.exact

    async def page(self, order: Order, after: Any) -> Page[CardT]:
        """The next page in an order that SQL gives, or in that of kana."""
        return await (kana.page(self) if order is KANA else self._walked(order, after))

    async def _walked(self, order: Order, after: Any) -> Page[CardT]:
        """Candidates in an order that SQL gives, opened until the page is full."""
        by_index = bool(self.terms) and order is NEWEST_FIRST
        source = self._by_index if by_index else self.by_columns(order)
        limit = self.asked.limit
        page = PageFilling[CardT](limit, self.asked.most_bytes)
        opened, looked_at, left, after = 0, 0, MOST_BYTES, order.start if after is None else after
        while True:
            want = self._batch(len(page.lines), opened, is_first=not looked_at, by_index=by_index)
            batch = await source(after, want)
            kept = await self._kept(batch) if by_index else batch
            for start in range(0, len(kept), limit + 1):
                part = kept[start : start + limit + 1]
                async for number, lines in self.open([record_id for record_id, _ in part]):
                    accepted = await self.accepted(lines)
                    for record_id, position in part[:number]:
                        if record_id in accepted and not page.takes(accepted[record_id], position):
                            return await self.finish(page.lines, page.last, order.name)
                    opened, left = opened + number, left - size_of(lines.values())
                    if opened >= MOST_OPENED or left <= 0:
                        return await self.finish(page.lines, part[number - 1][1], order.name)
                    part = part[number:]
            looked_at += len(batch)
            if len(batch) < want:
                return await self.finish(page.lines, None, order.name)
            after = batch[-1][1]
            if looked_at >= MOST_LOOKED_AT:
                return await self.finish(page.lines, after, order.name)
            if by_index and len(kept) * FEW < len(batch):
                by_index, source = False, self.by_columns(order)

    def _batch(self, found: int, opened: int, *, is_first: bool, by_index: bool) -> int:
        """How many candidates to take next, when of those ``opened`` so far ``found`` were what is asked for."""
        if by_index and self._narrows:
            return MOST_OPENED
        missing = self.asked.limit - found + 1
        want = missing if self.is_exact or is_first else more_candidates(missing, found, opened)
        return min(want, MOST_OPENED - opened)

    async def _kept(self, batch: list[tuple[UUID, Any]]) -> list[tuple[UUID, Any]]:
        """What the columns leave of a batch, in its order."""
        if not self._narrows:
            return batch
        kept = set(await self.among([record_id for record_id, _ in batch]))
        return [each for each in batch if each[0] in kept]

    async def open(self, ids: Sequence[UUID]) -> AsyncIterator[tuple[int, dict[UUID, Line[CardT]]]]:
        """The live records among ``ids``, opened, in their order and in portions: of how many of ``ids`` each is, and
        its records. One that went into the bin since it was found is not there."""
        keys, schema, open_ = self.reader.keys, self.schema.schema, self.lines.open
        repository = self.lines.repository
        async for number, rows in repository.portions(self.tx, ids, whole=self._whole):
            opened = await in_slices(lambda row: open_(keys, row, schema), rows)
            lines = {line.row["id"]: line for line in opened}
            self._tags = await repository.fetch_tags_of(self.tx, list(lines)) if self._tagged else {}
            yield number, lines

    async def accepted(self, lines: dict[UUID, Line[CardT]]) -> dict[UUID, Line[CardT]]:
        """Those of a portion of :meth:`open` that are asked for."""
        if self.is_exact:
            return lines
        accepted = await self._decided(lines.values())
        return {
            record_id: line for (record_id, line), is_so in zip(lines.items(), accepted, strict=True) if is_so
        }

    async def _decided(self, lines: Collection[Line[CardT]]) -> list[bool]:
        """Whether each of ``lines`` is one of those asked for."""
        if self._steps is None:
            return await in_slices(self._accepts, lines)
        steps = await in_slices(_same, chain.from_iterable(map(self._accepts_in_steps, lines)))
        return [step for step in steps if step is not None]

    def _accepts_in_steps(self, line: Line[CardT]) -> Iterator[bool | None]:
        """As :meth:`_accepts`, with None after each part of the work."""
        if not self._has_words(line):
            yield False
        elif self.bounds.exact or self._steps is None:
            yield True
        else:
            yield None
            yield from self._steps(line.values(self._tags.get(line.row["id"], ())))

    def _accepts(self, line: Line[CardT]) -> bool:
        """Whether an opened record is one of those asked for."""
        if not self._has_words(line):
            return False
        return self.bounds.exact or self._matches(line.values(self._tags.get(line.row["id"], ())))

    def _has_words(self, line: Line[CardT]) -> bool:
        words = self.asked.words
        return words is None or words.match(line.texts(self.reader.grants.role))

    async def finish(
        self, lines: Sequence[Line[CardT]], after: Any, sort: str, count: Count | None = None
    ) -> Page[CardT]:
        """The page of these lines."""
        role = self.reader.grants.role
        if count is None and self.asked.count:
            count = await self._count()
        cards = await of_each(lambda line: line.card(role), lines, [line.row for line in lines])
        return Page(cards, [line.row["id"] for line in lines], after, sort, count)

    async def hits(self, after: UUID, count: int) -> list[UUID]:
        """Up to ``count`` candidates of the blind index older than ``after``, newest first."""
        return await search_ids(
            self.tx, self.lines.resource, self.terms, owners=self.owners, after=after, count=count
        )

    async def among(self, ids: list[UUID]) -> list[UUID]:
        """Those of ``ids`` that the columns do not rule out, in no order."""
        if not ids or not self._narrows:
            return ids
        statement = among(self.lines.resource, self._wanted, joined=self._joined, ids=ids)
        return [row[0] for row in await run(self.tx, statement)]

    async def _by_index(self, after: Any, count: int) -> list[tuple[UUID, Any]]:
        return [(record_id, record_id) for record_id in await self.hits(after, count)]

    def by_columns(self, order: Order) -> Source:
        """Candidates in an order that SQL gives."""

        async def next_ids(after: Any, count: int) -> list[tuple[UUID, Any]]:
            if order.field is not None:
                return await self._by_value(order, after, count)
            rows = await run(self.tx, self.select(after, count, order))
            return [(row[0], row[0] if order.key is None else (row[1], row[0])) for row in rows]

        return next_ids

    async def _by_value(self, order: Order, after: Any, count: int) -> list[tuple[UUID, Any]]:
        having, lacking = by_value(
            self.lines.resource, order, self._wanted, joined=self._joined, after=after, count=count
        )
        rows = [] if after is not None and after[0] is None else await run(self.tx, having)
        if len(rows) < count:
            rows += await run(self.tx, lacking.limit(count - len(rows)))
        return [(row[0], (row[1], row[0])) for row in rows]

    def select(self, after: Any, count: int, order: Order = NEWEST_FIRST) -> sa.Select[Any]:
        """The candidates as a query."""
        return by_column(
            self.lines.resource, order, self._wanted, joined=self._joined, after=after, count=count
        )

    @property
    def _wanted(self) -> list[sa.ColumnElement[bool]]:
        return wanted(self.lines.resource, owners=self.owners, over=self.bounds.over)

    @property
    def _joined(self) -> sa.FromClause:
        """The record's table, with its company's where a filter names it."""
        table = model_of(self.lines.resource).__table__
        if "company_name" not in {condition.field for condition in conditions(self.asked.filter)}:
            return table
        company = Company.__table__
        same = sa.and_(company.c.tenant_id == TENANT, company.c.id == table.c.company_id)
        return table.outerjoin(company, same)

    async def _count(self) -> Count | None:
        """How many there are, up to :data:`MOST_COUNTED`; None where only opening them would tell."""
        if not self.is_exact:
            return None
        inner = self.select(None, MOST_COUNTED + 1).subquery()
        [(number,)] = await run(self.tx, sa.select(sa.func.count()).select_from(inner))
        return Count(min(number, MOST_COUNTED), number > MOST_COUNTED)


def _same(step: Step) -> Step:
    return step


Look = _Look
