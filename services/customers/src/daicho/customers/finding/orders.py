"""The orders that a list can have, each with an index that gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.model import Resource, model_of
from daicho.customers.repository import NEWEST, OLDEST, TENANT
from daicho.tenancy import TenantTransaction


@dataclass(frozen=True, slots=True)
class Order:
    """An order by one column and the id. ``key`` is the column, None for the id alone."""

    name: str
    key: str | None
    descending: bool
    kind: Any
    """The type of a position: the key and the id, or the id alone."""
    start: Any
    """The position before the first record; None where there is no such value."""


ORDERS: Final = {
    order.name: order
    for order in (
        Order("newest", None, descending=True, kind=UUID, start=NEWEST),
        Order("oldest", None, descending=False, kind=UUID, start=OLDEST),
        Order("updated", "updated_at", descending=True, kind=tuple[datetime, UUID], start=None),
        Order("name", "name", descending=False, kind=tuple[str, UUID], start=None),
    )
}
KANA: Final = "kana"
BY_RESOURCE: Final = {
    "contact": ("newest", "oldest", "updated", KANA),
    "company": ("newest", "oldest", "updated", "name"),
}


def candidates(
    resource: Resource,
    order: Order,
    *,
    owners: frozenset[UUID] | None,
    over: sa.ColumnElement[bool],
    joined: sa.Table | None = None,
    after: Any,
    count: int,
) -> sa.Select[Any]:
    """The ids of live records after the position ``after`` that satisfy ``over``, with their positions."""
    model = model_of(resource)
    table = model.__table__
    ident = table.c.id
    key = ident if order.key is None else table.c[order.key]
    columns = [ident] if order.key is None else [ident, key]
    place: Any = ident if order.key is None else sa.tuple_(key, ident)
    live = [table.c.tenant_id == TENANT, table.c.deleted_at.is_(None), over]
    if owners is not None:
        live.append(table.c.owner_id.in_(list(owners)))
    if after is not None:
        bound = after if order.key is None else sa.tuple_(*after)
        live.append(place < bound if order.descending else place > bound)
    ends = [key] if order.key is None else [key, ident]
    statement = sa.select(*columns)
    if joined is not None:
        statement = statement.select_from(
            table.outerjoin(joined, sa.and_(joined.c.tenant_id == TENANT, joined.c.id == table.c.company_id))
        )
    return (
        statement.where(*live)
        .order_by(*(each.desc() if order.descending else each.asc() for each in ends))
        .limit(count)
    )


async def run(tx: TenantTransaction, statement: sa.Select[Any]) -> list[Any]:
    """The rows of a statement that was built for one request."""
    return list((await tx.session.execute(statement, {"tenant_id": tx.tenant_id})).all())
