"""The orders that a list can have, each with an index that gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from daicho.customers.model import VALUES, Resource, model_of
from daicho.customers.repository import NEWEST, OLDEST, TENANT
from daicho.fields import FieldDefinition, IndexKind, index_kind
from daicho.tenancy import TenantTransaction

Position = tuple[int, bool, str, UUID]
"""Within the order of kana: the bucket's number, whether it is sorted, the kana (empty where it is not), the id."""
_KINDS: Final[Mapping[IndexKind, Any]] = {
    IndexKind.TEXT: str,
    IndexKind.BIGINT: int,
    IndexKind.UUID: UUID,
    IndexKind.DATE: date,
    IndexKind.TIMESTAMPTZ: datetime,
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order by one column and the id, or by a custom ``field``. ``key`` is the column, None for the id alone."""

    name: str
    key: str | None
    descending: bool
    kind: Any
    """The type of a position: the key and the id, or the id alone."""
    start: Any
    """The position before the first record; None where there is no such value."""
    field: FieldDefinition | None = None


ORDERS: Final = {
    order.name: order
    for order in (
        Order("newest", None, descending=True, kind=UUID, start=NEWEST),
        Order("oldest", None, descending=False, kind=UUID, start=OLDEST),
        Order("updated", "updated_at", descending=True, kind=tuple[datetime, UUID], start=None),
        Order("name", "name", descending=False, kind=tuple[str, UUID], start=None),
        Order("kana", None, descending=False, kind=Position, start=None),
    )
}
NEWEST_FIRST: Final = ORDERS["newest"]
KANA: Final = ORDERS["kana"]
BY_RESOURCE: Final[Mapping[Resource, tuple[str, ...]]] = {
    "contact": ("newest", "oldest", "updated", "kana"),
    "company": ("newest", "oldest", "updated", "name"),
}


_FIELDS: Final = {
    "newest": "created_at",
    "oldest": "created_at",
    "updated": "updated_at",
    "name": "name",
    "kana": "family_name_kana",
}
"""The field, as filters name it, that each of :data:`ORDERS` sorts by."""


def logged_sort(order: Order) -> dict[str, Any]:
    """``order`` as the access log keeps it: its field, as filters name it, and its direction."""
    name = f"custom.{order.field.key}" if order.field is not None else _FIELDS[order.name]
    return {"field": name, "descending": order.descending}


def beside_newest(order: Order) -> Any:
    """The type of a position in a list that may fall back to the newest first: that order's, and ``order``'s own."""
    return tuple[UUID | None, order.kind | None]  # type: ignore[name-defined]  # a type made for its decoder


def wanted(
    resource: Resource, *, owners: frozenset[UUID] | None, over: sa.ColumnElement[bool]
) -> list[sa.ColumnElement[bool]]:
    """Live records of ``owners`` that satisfy ``over``."""
    table = model_of(resource).__table__
    live = [table.c.tenant_id == TENANT, table.c.deleted_at.is_(None), over]
    if owners is not None:
        live.append(table.c.owner_id.in_(list(owners)))
    return live


def by_column(
    resource: Resource,
    order: Order,
    wanted: Sequence[sa.ColumnElement[bool]],
    *,
    joined: sa.FromClause,
    after: Any,
    count: int,
) -> sa.Select[Any]:
    """The ids of records after the position ``after``, with the key of the order."""
    table = model_of(resource).__table__
    ident = table.c.id
    key = ident if order.key is None else table.c[order.key]
    place: Any = ident if order.key is None else sa.tuple_(key, ident)
    ends = [ident] if order.key is None else [key, ident]
    statement = sa.select(ident, key.label("key")).select_from(joined).where(*wanted)
    if after is not None:
        bound = after if order.key is None else sa.tuple_(*after)
        statement = statement.where(place < bound if order.descending else place > bound)
    return statement.order_by(*(each.desc() if order.descending else each.asc() for each in ends)).limit(
        count
    )


def order_by_field(definition: FieldDefinition, *, descending: bool) -> Order | None:
    """The order of a sortable custom field's values; records without one follow, newest first."""
    kind = index_kind(definition)
    if kind is None or not definition.sortable:
        return None
    name = f"{'-' if descending else ''}custom.{definition.key}"
    position = tuple[_KINDS[kind] | None, UUID]  # type: ignore[valid-type]  # a type made for its decoder
    return Order(name, None, descending=descending, kind=position, start=None, field=definition)


def by_value(
    resource: Resource,
    order: Order,
    wanted: Sequence[sa.ColumnElement[bool]],
    *,
    joined: sa.FromClause,
    after: Any,
    count: int,
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Two queries: records that have a value, in its order, and those that have none, newest first."""
    field = order.field
    assert field is not None  # noqa: S101 the caller looked
    kind = index_kind(field)
    assert kind is not None  # noqa: S101 an order is made of indexed fields alone
    table, values = model_of(resource).__table__, VALUES[kind]
    same = sa.and_(
        values.c.tenant_id == TENANT,
        values.c.resource == resource,
        values.c.key == field.key,
        values.c.record_id == table.c.id,
    )
    place, past = sa.tuple_(values.c.value, values.c.record_id), after is not None and after[0] is None
    having = sa.select(table.c.id, values.c.value).select_from(joined.join(values, same)).where(*wanted)
    if after is not None and not past:
        bound = sa.tuple_(*after)
        having = having.where(place < bound if order.descending else place > bound)
    ends = (values.c.value, values.c.record_id)
    having = having.order_by(*(each.desc() if order.descending else each.asc() for each in ends)).limit(count)
    lacking = sa.select(table.c.id, sa.null()).select_from(joined)
    lacking = lacking.where(*wanted, ~sa.exists(sa.select(sa.literal_column("1")).where(same)))
    if past:
        lacking = lacking.where(table.c.id < after[1])
    return having, lacking.order_by(table.c.id.desc()).limit(count)


def among(
    resource: Resource,
    wanted: Sequence[sa.ColumnElement[bool]],
    *,
    joined: sa.FromClause,
    ids: Sequence[UUID],
) -> sa.Select[Any]:
    """Those of ``ids`` that are ``wanted``."""
    table = model_of(resource).__table__
    given = sa.literal(list(ids), sa.ARRAY(sa.Uuid()))
    return sa.select(table.c.id).select_from(joined).where(table.c.id == sa.func.any(given), *wanted)


async def run(tx: TenantTransaction, statement: sa.Select[Any]) -> list[Any]:
    """The rows of a statement that was built for one request."""
    return list((await tx.session.execute(statement, {"tenant_id": tx.tenant_id})).all())
