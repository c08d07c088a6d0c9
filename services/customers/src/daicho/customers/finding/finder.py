"""Lists and search: which records, in which order, how many a page.

SQL gives candidates in order, a superset of what is wanted; what they open to decides. A page opens at most
:data:`MOST_OPENED` rows; then it may be short, or empty, and still go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.finding import kana
from daicho.customers.finding.orders import KANA, NEWEST_FIRST, Order, by_column, by_value, run, wanted
from daicho.customers.finding.search import search_ids
from daicho.customers.lines import Line, Lines, bindings_of
from daicho.customers.model import Company, model_of
from daicho.customers.reader import Reader
from daicho.customers.repository import NEWEST, TENANT, Row
from daicho.customers.schemas import Count
from daicho.customers.texts import searchable
from daicho.customers.words import Words
from daicho.fields.filters import All, Bounds, Node, compile_filter, conditions, matcher
from daicho.tenancy import TenantTransaction

CardT = TypeVar("CardT")

MOST_OPENED: Final = 2_000
"""Rows that one page may open before it answers with what it has."""
MOST_COUNTED: Final = 1_000
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
        schema = await self._catalogue.current(tx, self.lines.resource)
        look = _Look(self.lines, tx, reader, schema, asked, owners)
        if asked.order is KANA:
            return await kana.page(look)
        return await look.page()

    async def _plain_page(
        self, tx: TenantTransaction, reader: Reader, asked: Asked, owners: frozenset[UUID] | None
    ) -> Page[CardT]:
        """What people look at most, in one query."""
        start = asked.order.start if asked.after is None else asked.after
        rows = await self.lines.repository.fetch_page(
            tx, owners=owners, after=start, count=asked.limit + 1, oldest=asked.order.name == "oldest"
        )
        if not rows:
            return Page([], [], None, asked.order.name, None)
        schema = await self._catalogue.at(tx, self.lines.resource, rows[0]["revision"] or 0)
        shown = rows[: asked.limit]
        role, keys, compiled, open_ = reader.grants.role, reader.keys, schema.schema, self.lines.open
        cards = [open_(keys, row, compiled).card(role) for row in shown]
        ids = [row["id"] for row in shown]
        return Page(cards, ids, ids[-1] if len(rows) > asked.limit else None, asked.order.name, None)


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
    ) -> None:
        self.lines, self.tx, self.reader, self.schema = lines, tx, reader, schema
        self.asked, self.owners = asked, owners
        self.bounds = self._bounds()
        self._matches = matcher(asked.filter)
        named = {condition.field for condition in conditions(asked.filter)}
        sensitive = {f"custom.{key}" for key, field in schema.schema.definitions.items() if field.sensitive}
        searched = {f"custom.{key}" for key in searchable(schema.schema)} if asked.words else set()
        self._whole = bool(named & (lines.resting | sensitive) or searched & sensitive)
        self._tagged = "tags" in named

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

    async def page(self) -> Page[CardT]:
        """The next page by SQL's order."""
        asked, order = self.asked, self.asked.order
        source = self._by_words() if asked.words else self._by_columns(order)
        found: list[Line[CardT]] = []
        opened, after, limit = 0, order.start if asked.after is None else asked.after, asked.limit
        last: Any = None
        while True:
            want = (
                limit - len(found) + 1
                if self.is_exact
                else max(limit + 1, 200 if found or opened else limit + 1)
            )
            want = min(want, MOST_OPENED - opened)
            batch = await source(after, want)
            lines = await self.open([record_id for record_id, _ in batch])
            for record_id, position in batch:
                line = lines.get(record_id)
                if line is not None and self.accepts(line):
                    if len(found) == limit:
                        return await self._page(found, last)
                    found.append(line)
                    last = position
                after = position
            opened += len(batch)
            if len(batch) < want:
                return await self._page(found, None)
            if opened >= MOST_OPENED:
                return await self._page(found, after)

    async def open(self, ids: Sequence[UUID]) -> dict[UUID, Line[CardT]]:
        """The live records among ``ids``, opened."""
        rows: Sequence[Row] = await self.lines.repository.fetch_by_ids(self.tx, ids, whole=self._whole)
        keys, schema = self.reader.keys, self.schema.schema
        lines = {row["id"]: self.lines.open(keys, row, schema) for row in rows}
        self._tags = await self.lines.repository.fetch_tags_of(self.tx, ids) if self._tagged else {}
        return lines

    def accepts(self, line: Line[CardT]) -> bool:
        """Whether an opened record is one of those asked for."""
        if self.asked.words is not None and not self.asked.words.match(line.texts(self.reader.grants.role)):
            return False
        return self.bounds.exact or self._matches(line.values(self._tags.get(line.row["id"], ())))

    async def finish(self, lines: Sequence[Line[CardT]], after: Any, sort: str) -> Page[CardT]:
        """The page of these lines."""
        role = self.reader.grants.role
        return Page(
            [line.card(role) for line in lines],
            [line.row["id"] for line in lines],
            after,
            sort,
            await self._count() if self.asked.count else None,
        )

    async def _page(self, lines: Sequence[Line[CardT]], after: Any) -> Page[CardT]:
        return await self.finish(lines, after, self.asked.order.name)

    def _by_words(self) -> Source:
        """Newest first by the words; a filter decides on what they open to."""
        asked, reader = self.asked, self.reader
        terms = asked.words.terms(reader.keys) if asked.words else []

        async def next_ids(after: Any, count: int) -> list[tuple[UUID, Any]]:
            ids = await search_ids(
                self.tx, self.lines.resource, terms, owners=self.owners, after=after or NEWEST, count=count
            )
            return [(record_id, record_id) for record_id in ids]

        return next_ids

    def _by_columns(self, order: Order) -> Source:
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


Look = _Look
