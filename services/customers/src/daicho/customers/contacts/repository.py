"""Every query about contacts, but for the search function's.

What a person waits for runs as Core statements compiled once, on the driver. The schema's revision comes
with each row, so that a list needs no question of its own to know whether its schema is current.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Select, Uuid, and_, bindparam, func, lateral, select, true
from sqlalchemy.sql import ColumnElement

from daicho.customers.model import Company, Contact, SchemaRevision, Tag
from daicho.tenancy import TenantTransaction, sql

RESOURCE: Final = "contact"
NEWEST: Final = UUID(int=2**128 - 1)
"""Where a walk from the newest begins: after every id."""

_tenant = bindparam("tenant_id", type_=Uuid())
_c, _k = Contact.__table__.c, Company.__table__.c

_REVISION = (
    select(SchemaRevision.revision)
    .where(SchemaRevision.tenant_id == _tenant, SchemaRevision.resource == RESOURCE)
    .scalar_subquery()
    .label("revision")
)
LISTED: Final = (
    _c.id,
    _c.version,
    _c.card,
    _c.company_id,
    _c.department,
    _c.title,
    _c.customer_code,
    _c.lifecycle,
    _c.prefecture,
    _c.owner_id,
    _c.custom,
    _c.created_at,
    _c.updated_at,
)


def listed(*more: ColumnElement[Any]) -> Select[Any]:
    """A contact with what a list shows of it: its own columns, its company's name, its schema's revision."""
    return (
        select(*LISTED, *more, _k.name.label("company_name"), _REVISION)
        .select_from(Contact.__table__)
        .outerjoin(Company.__table__, and_(_k.tenant_id == _tenant, _k.id == _c.company_id))
        .where(_c.tenant_id == _tenant)
    )


def _owned_page() -> Select[Any]:
    """The newest of several owners: each owner's newest from his index, merged. An array comparison on the
    whole table would give the order of its index away."""
    owner = (
        func.unnest(bindparam("owners", type_=ARRAY(Uuid())))
        .table_valued("owner_id")
        .render_derived(name="owner")
    )
    newest = lateral(
        select(_c.id)
        .where(
            _c.tenant_id == _tenant,
            _c.owner_id == owner.c.owner_id,
            _c.deleted_at.is_(None),
            _c.id < bindparam("after"),
        )
        .order_by(_c.id.desc())
        .limit(bindparam("count"))
    ).alias("newest")
    page = (
        select(newest.c.id)
        .select_from(owner.join(newest, true()))
        .order_by(newest.c.id.desc())
        .limit(bindparam("count"))
        .subquery("page")
    )
    return listed().join(page, page.c.id == _c.id).order_by(_c.id.desc())


_PAGE = sql(
    listed()
    .where(_c.deleted_at.is_(None), _c.id < bindparam("after"))
    .order_by(_c.id.desc())
    .limit(bindparam("count"))
)
_OWNED_PAGE = sql(_owned_page())
_BY_IDS = sql(
    listed().where(_c.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))), _c.deleted_at.is_(None))
)
_ONE = sql(listed(_c.rest, _c.deleted_at).where(_c.id == bindparam("id")))
_ONE_LOCKED = sql(
    listed(_c.rest, _c.deleted_at).where(_c.id == bindparam("id")).with_for_update(of=Contact.__table__)
)
_TAGS = sql(
    select(Tag.name)
    .where(Tag.tenant_id == _tenant, Tag.record_id == bindparam("id"), Tag.resource == RESOURCE)
    .order_by(Tag.name)
)


async def fetch_page(
    tx: TenantTransaction, *, owners: frozenset[UUID] | None, after: UUID, count: int
) -> Sequence[asyncpg.Record]:
    """The newest ``count`` contacts older than ``after``, of ``owners`` or of everyone (None)."""
    if owners is None:
        return await _PAGE.fetch(tx, after=after, count=count)
    return await _OWNED_PAGE.fetch(tx, owners=list(owners), after=after, count=count)


async def fetch_by_ids(tx: TenantTransaction, ids: Sequence[UUID]) -> Sequence[asyncpg.Record]:
    """The live contacts among ``ids``, in no order."""
    return await _BY_IDS.fetch(tx, ids=list(ids))


async def fetch_one(tx: TenantTransaction, contact_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """A contact, deleted or not, with its sealed rest; locked against other changes when asked."""
    return await (_ONE_LOCKED if lock else _ONE).fetchrow(tx, id=contact_id)


async def fetch_tags(tx: TenantTransaction, contact_id: UUID) -> list[str]:
    """The tags of a contact, in order."""
    return [row["name"] for row in await _TAGS.fetch(tx, id=contact_id)]
