"""Every query about companies, but for the search function's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Uuid, bindparam, func, lateral, select, true

from daicho.customers.model import Company, SchemaRevision, Tag
from daicho.tenancy import TenantTransaction, sql

RESOURCE: Final = "company"

_tenant = bindparam("tenant_id", type_=Uuid())
_k = Company.__table__.c
_REVISION = (
    select(SchemaRevision.revision)
    .where(SchemaRevision.tenant_id == _tenant, SchemaRevision.resource == RESOURCE)
    .scalar_subquery()
    .label("revision")
)
_listed = select(
    *(column for column in _k if column.name not in {"tenant_id", "tokens", "rest"}), _REVISION
).where(_k.tenant_id == _tenant)
_owner = (
    func.unnest(bindparam("owners", type_=ARRAY(Uuid())))
    .table_valued("owner_id")
    .render_derived(name="owner")
)
_newest = lateral(
    select(_k.id)
    .where(
        _k.tenant_id == _tenant,
        _k.owner_id == _owner.c.owner_id,
        _k.deleted_at.is_(None),
        _k.id < bindparam("after"),
    )
    .order_by(_k.id.desc())
    .limit(bindparam("count"))
).alias("newest")
_owned = (
    select(_newest.c.id)
    .select_from(_owner.join(_newest, true()))
    .order_by(_newest.c.id.desc())
    .limit(bindparam("count"))
    .subquery("page")
)

_PAGE = sql(
    _listed.where(_k.deleted_at.is_(None), _k.id < bindparam("after"))
    .order_by(_k.id.desc())
    .limit(bindparam("count"))
)
_OWNED_PAGE = sql(_listed.join(_owned, _owned.c.id == _k.id).order_by(_k.id.desc()))
_BY_IDS = sql(
    _listed.where(_k.id == func.any(bindparam("ids", type_=ARRAY(Uuid()))), _k.deleted_at.is_(None))
)
_ONE = sql(_listed.add_columns(_k.rest).where(_k.id == bindparam("id")))
_ONE_LOCKED = sql(
    _listed.add_columns(_k.rest).where(_k.id == bindparam("id")).with_for_update(of=Company.__table__)
)
_TAGS = sql(
    select(Tag.name)
    .where(Tag.tenant_id == _tenant, Tag.record_id == bindparam("id"), Tag.resource == RESOURCE)
    .order_by(Tag.name)
)


async def fetch_page(
    tx: TenantTransaction, *, owners: frozenset[UUID] | None, after: UUID, count: int
) -> Sequence[asyncpg.Record]:
    """The newest ``count`` companies older than ``after``, of ``owners`` or of everyone (None)."""
    if owners is None:
        return await _PAGE.fetch(tx, after=after, count=count)
    return await _OWNED_PAGE.fetch(tx, owners=list(owners), after=after, count=count)


async def fetch_by_ids(tx: TenantTransaction, ids: Sequence[UUID]) -> Sequence[asyncpg.Record]:
    """The live companies among ``ids``, in no order."""
    return await _BY_IDS.fetch(tx, ids=list(ids))


async def fetch_one(tx: TenantTransaction, company_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """A company, deleted or not; locked against other changes when asked."""
    return await (_ONE_LOCKED if lock else _ONE).fetchrow(tx, id=company_id)


async def fetch_tags(tx: TenantTransaction, company_id: UUID) -> list[str]:
    """The tags of a company, in order."""
    return [row["name"] for row in await _TAGS.fetch(tx, id=company_id)]
