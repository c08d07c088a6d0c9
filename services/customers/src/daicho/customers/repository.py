"""Every query about contacts and companies that a list or a page needs, said once for both.

What a person waits for runs as Core statements compiled once, on the driver. The schema's revision comes
with each row, so that a list needs no question of its own to know whether its schema is current.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Select, Text, Uuid, and_, bindparam, cast, func, lateral, select, true
from sqlalchemy.sql import ColumnElement

from daicho.customers.model import Resource, SchemaRevision, Tag, model_of
from daicho.tenancy import Prepared, TenantTransaction, jsonb_size, sql, within_bytes
from daicho.web import PAGE_BYTES

NEWEST: Final = UUID(int=2**128 - 1)
"""Where a walk from the newest begins: after every id."""
OLDEST: Final = UUID(int=0)
_ROWS_AT_ONCE: Final = 250
"""Records of one query: the driver decodes its answer in one go, which takes a millisecond for so many."""

TENANT: Final = bindparam("tenant_id", type_=Uuid())
_OWNERS: Final = bindparam("owners", type_=ARRAY(Uuid()))
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid()))


class Row(Protocol):
    """A row as driver or ORM give it."""

    def __getitem__(self, name: str) -> Any: ...

    def keys(self) -> Iterable[str]: ...


def statements(
    resource: Resource,
    listed: Select[Any],
    more: Sequence[ColumnElement[Any]],
    sealed: ColumnElement[Any] | None = None,
) -> dict[str, Prepared]:
    """The queries of one resource, by name. ``listed`` selects what a line of a list needs, within the tenant;
    ``more`` are the columns that only a record's own page needs, ``sealed`` the sealed one that lists show."""
    table = model_of(resource).__table__
    c = table.c
    revision = (
        select(SchemaRevision.revision)
        .where(SchemaRevision.tenant_id == TENANT, SchemaRevision.resource == resource)
        .scalar_subquery()
        .label("revision")
    )
    line = listed.add_columns(revision)
    whole = line.add_columns(*more)
    among = c.id == func.any(_IDS)
    size = jsonb_size(c.custom) + func.coalesce(func.octet_length(sealed), 0)
    whole_size = size + func.coalesce(func.octet_length(c.rest), 0)
    wanted = func.unnest(_IDS).table_valued("id", with_ordinality="place", name="wanted").render_derived()
    one = whole.where(c.id == bindparam("id"))
    tags = select(Tag.name).where(Tag.tenant_id == TENANT, Tag.resource == resource)
    found = {
        "by_ids": line.where(among, c.deleted_at.is_(None)),
        "whole_by_ids": whole.where(among),
        "locked_by_ids": whole.where(among).order_by(c.id).with_for_update(of=table),
        "sizes": sizes_of(resource).order_by(c.id).limit(bindparam("count")),
        "one": one,
        "one_locked": one.with_for_update(of=table),
        "tags": tags.where(Tag.record_id == bindparam("id")).order_by(Tag.name),
        "tags_by_ids": select(Tag.record_id, Tag.name)
        .where(
            Tag.tenant_id == TENANT,
            Tag.resource == resource,
            Tag.record_id == func.any(bindparam("ids", type_=ARRAY(Uuid()))),
        )
        .order_by(Tag.name),
    }
    for name, columns, sum_of in (("portion", line, size), ("whole_portion", whole, whole_size)):
        placed = columns.add_columns(wanted.c.place).join(wanted, wanted.c.id == c.id)
        found[name] = within_bytes(placed.where(c.deleted_at.is_(None)), sum_of, by="place")
    for name, after, order in (
        ("newest", c.id < bindparam("after"), c.id.desc()),
        ("oldest", c.id > bindparam("after"), c.id.asc()),
    ):
        live = and_(c.tenant_id == TENANT, c.deleted_at.is_(None), after)
        all_owners = line.where(live).order_by(order).limit(bindparam("count"))
        page = _owned(table, live, order)
        owned = line.join(page, page.c.id == c.id).order_by(order)
        for prefix, rows in (("", all_owners), ("owned_", owned)):
            found[prefix + name] = within_bytes(rows, size, by="id", descending=name == "newest")
    return {name: sql(statement) for name, statement in found.items()}


def sizes_of(resource: Resource) -> Select[Any]:
    """Ids after ``after``, deleted ones included, and how many bytes each record has besides its short columns."""
    c = model_of(resource).__table__.c
    size = func.octet_length(cast(c.custom, Text)) + func.coalesce(func.octet_length(c.rest), 0)
    return select(c.id, size.label("size")).where(c.tenant_id == TENANT, c.id > bindparam("after"))


def _owned(table: Any, live: ColumnElement[bool], order: ColumnElement[Any]) -> Any:
    """The first of several owners: each owner's first from the owner's index, merged. An array comparison on the
    whole table would give the order of its index away."""
    owner = func.unnest(_OWNERS).table_valued("owner_id").render_derived(name="owner")
    first = lateral(
        select(table.c.id)
        .where(live, table.c.owner_id == owner.c.owner_id)
        .order_by(order)
        .limit(bindparam("count"))
    ).alias("first")
    ends = first.c.id.desc() if "DESC" in str(order) else first.c.id.asc()
    return (
        select(first.c.id)
        .select_from(owner.join(first, true()))
        .order_by(ends)
        .limit(bindparam("count"))
        .subquery("page")
    )


@dataclass(frozen=True, slots=True)
class Repository:
    """Runs the :func:`statements` of one resource."""

    statements: Mapping[str, Prepared]

    async def fetch_page(
        self,
        tx: TenantTransaction,
        *,
        owners: frozenset[UUID] | None,
        after: UUID,
        count: int,
        oldest: bool = False,
    ) -> Sequence[asyncpg.Record]:
        """The next ``count`` live records after ``after``, of ``owners`` or of everyone (None), newest first
        unless ``oldest``; fewer when these are more than :data:`PAGE_BYTES` (:func:`daicho.tenancy.within_bytes`)."""
        name, params = "oldest" if oldest else "newest", {"after": after, "count": count}
        if owners is not None:
            name, params = f"owned_{name}", {**params, "owners": list(owners)}
        return await self.statements[name].fetch(tx, most_bytes=PAGE_BYTES, **params)

    async def portions(
        self, tx: TenantTransaction, ids: Sequence[UUID], *, whole: bool = False
    ) -> AsyncIterator[tuple[int, Sequence[asyncpg.Record]]]:
        """The live records among ``ids``, in their order, in portions of at most :data:`PAGE_BYTES`: of how many of
        ``ids`` each is, and its rows. ``whole`` with everything sealed."""
        statement = self.statements["whole_portion" if whole else "portion"]
        at, count = 0, _ROWS_AT_ONCE
        while at < len(ids):
            part = ids[at : at + count]
            rows = await statement.fetch(tx, ids=list(part), most_bytes=PAGE_BYTES)
            is_cut = bool(rows) and rows[0]["matched"] > len(rows)
            covered = rows[-1]["place"] if is_cut else len(part)
            # The database looks at the size of every record it is asked for.
            count = min(2 * (len(rows) if is_cut else count), _ROWS_AT_ONCE)
            at += covered
            yield covered, rows

    async def fetch_by_ids(
        self, tx: TenantTransaction, ids: Sequence[UUID], *, whole: bool = False
    ) -> Sequence[asyncpg.Record]:
        """The live records among ``ids``, in no order; ``whole`` with everything sealed, deleted ones included."""
        if not ids:
            return []
        return await self.statements["whole_by_ids" if whole else "by_ids"].fetch(tx, ids=list(ids))

    async def lock_by_ids(self, tx: TenantTransaction, ids: Sequence[UUID]) -> Sequence[asyncpg.Record]:
        """The records among ``ids``, whole, deleted ones included, in the order of ids, locked against other changes."""
        return await self.statements["locked_by_ids"].fetch(tx, ids=list(ids))

    async def fetch_one(
        self, tx: TenantTransaction, record_id: UUID, *, lock: bool = False
    ) -> asyncpg.Record | None:
        """A record, deleted or not, whole; locked against other changes when asked."""
        return await self.statements["one_locked" if lock else "one"].fetchrow(tx, id=record_id)

    async def fetch_tags(self, tx: TenantTransaction, record_id: UUID) -> list[str]:
        """The tags of a record, in order."""
        return [row["name"] for row in await self.statements["tags"].fetch(tx, id=record_id)]

    async def fetch_tags_of(self, tx: TenantTransaction, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
        """The tags of each of many records, in order; absent for one without."""
        found: dict[UUID, list[str]] = {}
        for row in await self.statements["tags_by_ids"].fetch(tx, ids=list(ids)):
            found.setdefault(row["record_id"], []).append(row["name"])
        return found
