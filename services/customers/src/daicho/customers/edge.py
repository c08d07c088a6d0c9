"""What the routes of contacts and companies share: from a request to a use case in its transaction, and back.

Every read is entered in the access log before its answer leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Request, Response

from daicho.chassis import Rails
from daicho.customers import ownership
from daicho.customers.clients import Users
from daicho.customers.definitions.catalogue import Catalogue
from daicho.customers.exports.turns import Turns
from daicho.customers.faults import taken
from daicho.customers.finding.finder import Asked, Finder, Page
from daicho.customers.finding.kana import BUCKETS
from daicho.customers.finding.orders import (
    BY_RESOURCE,
    KANA,
    NEWEST_FIRST,
    ORDERS,
    Order,
    beside_newest,
    logged_sort,
    order_by_field,
)
from daicho.customers.kept_reply import still_readable
from daicho.customers.lines import definitions_of
from daicho.customers.logged_query import encode_query
from daicho.customers.reader import Reader
from daicho.customers.records import PatchT, Records, StateT, ViewT
from daicho.customers.schemas import History, SearchRequest
from daicho.customers.texts import searchable
from daicho.customers.words import Words
from daicho.faults import FieldFault, Invalid, listed
from daicho.fields import Schema
from daicho.fields.filters import All, FilterContext, Node, parse_filter
from daicho.nihongo import JAPAN
from daicho.tenancy import Actor, TenantTransaction, translates
from daicho.web import (
    Cost,
    Reply,
    Salvaged,
    actor_of,
    bound_to,
    create_once,
    etag,
    grants_of,
    if_match,
    is_heavy,
    open_cursor,
    seal_cursor,
)

CardT = TypeVar("CardT")
Ask = Request[Any, Any, Any]

DEFAULT_LIMIT: Final = 50
_TAKEN: Final = translates(
    {
        "uq_contact_customer_code": taken("/customer_code"),
        "uq_company_corporate_number": taken("/corporate_number"),
    }
)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Edge(Generic[StateT, PatchT, ViewT, CardT]):
    """The way in to one resource."""

    rails: Rails
    records: Records[StateT, PatchT, ViewT]
    finder: Finder[CardT]
    catalogue: Catalogue
    users: Users
    turns: Turns

    async def create(self, request: Ask, given: StateT) -> Response[bytes]:
        """201 with the new record."""
        actor, reader = await self.reader(request, given)

        async def work(tx: TenantTransaction) -> Reply:
            view = await self.records.create(tx, reader, given)
            location = f"/v1/{self.records.plural}/{view.id}"
            return Reply(view, headers={"etag": etag(view.version), "location": location})

        async def again(tx: TenantTransaction, body: Any) -> Any:
            return await still_readable(self.records, tx, reader, body)

        with _TAKEN:
            return await create_once(request, self.rails.database, reader.keys, actor, work, again=again)

    async def examine(self, request: Ask, salvaged: Salvaged) -> list[FieldFault]:
        """What else is wrong with a new record whose shape is wrong."""
        actor, reader = await self.reader(request, salvaged.body)
        async with self.rails.database.reading(actor) as tx:
            return await self.records.examine(tx, reader, salvaged.body, salvaged.faults)

    async def examine_change(self, request: Ask, record_id: UUID, salvaged: Salvaged) -> list[FieldFault]:
        """What else is wrong with a change whose shape is wrong."""
        actor, reader = await self.reader(request, salvaged.body)
        async with self.rails.database.reading(actor) as tx:
            return await self.records.examine_change(tx, reader, record_id, salvaged.body, salvaged.faults)

    async def open(self, request: Ask, record_id: UUID) -> Response[bytes]:
        """The record's own page."""
        actor, reader = await self.reader(request)
        async with self.rails.database.reading(actor) as tx:
            view = await self.records.read(tx, reader, record_id)
        await self.saw(actor, "open", [record_id])
        return _record(view)

    async def change(self, request: Ask, record_id: UUID, patch: PatchT) -> Response[bytes]:
        """The record as it now is."""
        version = if_match(request)
        actor, reader = await self.reader(request, patch)
        with _TAKEN:
            async with self.rails.database.transaction(actor) as tx:
                view = await self.records.change(tx, reader, record_id, version, patch)
        return _record(view)

    async def delete(self, request: Ask, record_id: UUID) -> None:
        """The record is in the bin."""
        version = if_match(request)
        actor, reader = await self.reader(request)
        async with self.rails.database.transaction(actor) as tx:
            await self.records.delete(tx, reader, record_id, version)

    async def restore(self, request: Ask, record_id: UUID) -> Response[bytes]:
        """The record is out of the bin."""
        actor, reader = await self.reader(request)
        with _TAKEN:
            async with self.rails.database.transaction(actor) as tx:
                view = await self.records.restore(tx, reader, record_id)
        return _record(view)

    async def history(
        self, request: Ask, record_id: UUID, *, limit: int, cursor: str | None
    ) -> Response[bytes]:
        """A page of what happened to the record."""
        actor, reader = await self.reader(request)
        bound = bound_to(self.records.resource, "history", str(record_id))
        before = None if cursor is None else open_cursor(reader.keys, bound, cursor, int)
        async with self.rails.database.reading(actor) as tx:
            entries, after = await self.records.read_history(
                tx, reader, record_id, limit=limit, before=before
            )
        await self.saw(actor, "history", [record_id])
        return _json(History(entries, None if after is None else seal_cursor(reader.keys, bound, after)))

    async def list_page(
        self, request: Ask, *, limit: int, cursor: str | None, sort: str | None, kana: str | None, count: bool
    ) -> Response[bytes]:
        """A page by columns alone."""
        actor, reader = await self.reader(request)
        order = await self.order(actor, reader, sort, kana)
        bound = _bound(self.records.resource, order.name, kana, self._scope(reader))
        after = None if cursor is None else open_cursor(reader.keys, bound, cursor, order.kind)
        asked = Asked(order=order, bucket=kana, limit=limit, after=after, count=count)
        tree = _in_bucket(kana)
        is_kept = bool(sort or kana)
        return await self._page(
            actor, reader, asked, "list", bound, None, tree, is_kept=is_kept, heavy=is_heavy(request)
        )

    async def search(self, request: Ask, given: SearchRequest) -> Response[bytes]:
        """A page by words and a filter."""
        actor, reader = await self.reader(request)
        words = Words.read(given.q) if given.q and given.q.strip() else None
        order, node = await self._question(actor, reader, given)
        bound = bound_to(
            self.records.resource, "search", given.q, given.filter, order.name, self._scope(reader)
        )
        kind = order.kind if words is None or order is NEWEST_FIRST else beside_newest(order)
        after = None if given.cursor is None else open_cursor(reader.keys, bound, given.cursor, kind)
        asked = Asked(
            words=words, filter=node, order=order, limit=given.limit, after=after, count=given.count
        )
        return await self._page(
            actor, reader, asked, "search", bound, given.q, given.filter, is_kept=True, heavy=True
        )

    async def _page(
        self,
        actor: Actor,
        reader: Reader,
        asked: Asked,
        verb: str,
        bound: str,
        q: str | None,
        tree: Any,
        *,
        is_kept: bool,
        heavy: bool,
    ) -> Response[bytes]:
        async with self.rails.database.reading(actor, heavy=heavy) as tx:
            page: Page[CardT] = await self.finder.find(tx, reader, asked)
            schema = None if q is None else (await self.catalogue.current(tx, self.records.resource)).schema
        detail = seal_query(reader, q, tree, asked.order, schema) if is_kept else None
        await self.saw(actor, verb, page.ids, detail=detail, keys=reader.keys)
        body: dict[str, Any] = {
            "items": page.cards,
            "next_cursor": None if page.after is None else seal_cursor(reader.keys, bound, page.after),
            "sort": page.sort,
        }
        if page.count is not None:
            body["count"] = page.count
        return _json(body)

    async def reader(self, request: Ask, given: Any = None) -> tuple[Actor, Reader]:
        """Who calls, with keys; users whom ``given`` names and this service does not know yet are asked for."""
        actor, grants = actor_of(request), grants_of(request)
        keys = await self.rails.keyring.open(actor.tenant_id)
        reader = Reader(keys, grants)
        owner_id = getattr(given, "owner_id", None)
        if isinstance(owner_id, UUID) and owner_id != actor.user_id:
            async with self.rails.database.reading(actor) as tx:
                is_known = await ownership.is_active(tx, reader, owner_id)
            if not is_known:
                return actor, Reader(keys, grants, await self.users.active(actor, [owner_id]))
        return actor, reader

    def _scope(self, reader: Reader) -> int:
        return int(reader.grants[f"{self.records.plural}:read"])

    async def examine_search(self, request: Ask, salvaged: Salvaged) -> Sequence[FieldFault]:
        """What else is wrong with a search whose shape is wrong."""
        actor, reader = await self.reader(request)
        try:
            await self._question(actor, reader, salvaged.body)
        except Invalid as invalid:
            return invalid.fields
        return ()

    async def _question(self, actor: Actor, reader: Reader, given: SearchRequest) -> tuple[Order, Node]:
        """The order and the filter that are asked for. Raises Invalid, naming what is wrong with either."""
        wrong: list[FieldFault] = []
        order, node = NEWEST_FIRST, cast(Node, All())
        try:
            order = await self.order(actor, reader, given.sort)
        except Invalid as invalid:
            wrong += invalid.fields
        try:
            node = await self.filter(actor, reader, given.filter)
        except Invalid as invalid:
            wrong += invalid.fields
        if wrong:
            raise Invalid(wrong)
        return order, node

    async def order(self, actor: Actor, reader: Reader, sort: str | None, kana: str | None = None) -> Order:
        """The order that ``sort`` names. Raises Invalid."""
        names = BY_RESOURCE[self.records.resource]
        if kana is not None and (KANA.name not in names or kana not in BUCKETS):
            buckets = listed(each for each in BUCKETS if each) if KANA.name in names else listed([])
            raise Invalid([FieldFault("/kana", "unknown_option", {"options": buckets})])
        sort = sort or ("newest" if kana is None else KANA.name)
        if sort in names:
            return ORDERS[sort]
        field = None
        if sort.removeprefix("-").startswith("custom."):
            async with self.rails.database.reading(actor) as tx:
                schema = (await self.catalogue.current(tx, self.records.resource)).schema
            field = schema.definitions.get(sort.removeprefix("-").removeprefix("custom."))
            if field is not None and not field.is_readable(reader.grants.role):
                field = None
        if field is None:
            raise Invalid(
                [FieldFault("/sort", "unknown_sort", {"options": listed([*names, "custom.<key>"])})]
            )
        order = order_by_field(field, descending=sort.startswith("-"))
        if order is None:
            raise Invalid([FieldFault("/sort", "not_sortable")])
        return order

    async def filter(self, actor: Actor, reader: Reader, tree: Any) -> Node:
        """The filter of ``tree``. Raises Invalid."""
        if not tree:
            return All()
        async with self.rails.database.reading(actor) as tx:
            schema = (await self.catalogue.current(tx, self.records.resource)).schema
        fields = definitions_of(self.finder.lines, schema)
        context = FilterContext(self.rails.clock().astimezone(JAPAN).date())
        return parse_filter(tree, fields, context, role=reader.grants.role, pointer="/filter")

    async def saw(
        self, actor: Actor, verb: str, ids: list[UUID], *, detail: bytes | None = None, keys: Any = None
    ) -> None:
        """Enter that ``actor`` saw ``ids``; what they are may leave once this returned."""
        resource = self.records.resource
        await self.rails.access_log.record(
            actor, action=f"{resource}.{verb}", resource=resource, ids=ids, detail=detail, keys=keys
        )


def cost_of_list(request: Ask) -> Cost:
    """A list by kana is sorted in memory, and a count walks the list; any other page comes from an index."""
    asked = request.query_params
    in_memory = asked.get("sort") == KANA.name or "kana" in asked
    return Cost.HEAVY if in_memory or "count" in asked else Cost.LIGHT


def seal_query(reader: Reader, q: str | None, tree: Any, order: Order, schema: Schema | None) -> bytes:
    """The words, conditions and order of a search and the fields of ``schema`` that words look into, sealed for the access log."""
    fields = () if schema is None else searchable(schema)
    query = encode_query(q, tree, logged_sort(order), fields)
    return reader.keys.events.seal(query, field="Accessed.sealed_query")


def _in_bucket(kana: str | None) -> Any:
    """The condition that a bucket of the index あかさたな stands for."""
    return None if kana is None else {"field": "first_kana", "op": "eq", "value": kana}


@lru_cache(maxsize=1_024)
def _bound(*asked: Any) -> str:
    return bound_to(*asked)


def _json(body: Any) -> Response[bytes]:
    return Response(_encode(body), media_type="application/json")


def _record(view: Any) -> Response[bytes]:
    return Response(_encode(view), media_type="application/json", headers={"etag": etag(view.version)})
