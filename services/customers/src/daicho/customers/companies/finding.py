"""Companies as contacts name them: by id, or by a name that is found or created."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select

from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.companies.tokens import tokens_of
from daicho.customers.model import Company
from daicho.events import Aggregate, tell
from daicho.faults import FieldFault
from daicho.keyring import TenantKeys
from daicho.tenancy import TenantTransaction, sql, uuid7

RESOURCE: Final = "company"

_BY_ID = sql(
    select(Company.name).where(
        Company.tenant_id == bindparam("tenant_id"),
        Company.id == bindparam("id"),
        Company.deleted_at.is_(None),
    )
)
_BY_NAME = sql(
    select(Company.id)
    .where(
        Company.tenant_id == bindparam("tenant_id"),
        Company.name == bindparam("name"),
        Company.deleted_at.is_(None),
    )
    .order_by(Company.id)
    .limit(1)
)
_LOCK_NAME = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("place"), 0)))


async def resolve_company(
    tx: TenantTransaction, company_id: UUID, wrong: list[FieldFault]
) -> tuple[UUID | None, str | None]:
    """The company and its name; an unknown id is added to ``wrong``, whosever it is."""
    name = await _BY_ID.fetchval(tx, id=company_id)
    if name is None:
        wrong.append(FieldFault("/company_id", "unknown_company"))
        return None, None
    return company_id, name


async def find_or_create_company(
    tx: TenantTransaction, keys: TenantKeys, now: datetime, name: str
) -> tuple[UUID, str]:
    """The oldest company of exactly this name, or a new one of the acting user.

    Other spellings (㈱, 前株) stay companies of their own: which of them are one is for people to decide.
    Two transactions that name a new company at once make one: the name is locked while it is looked up.
    """
    found = await _BY_NAME.fetchval(tx, name=name)
    if found is None:
        await tx.session.execute(_LOCK_NAME, {"place": f"company:{tx.tenant_id}:{name}"})
        found = await _BY_NAME.fetchval(tx, name=name)
    if found is not None:
        return found, name
    company_id = uuid7()
    await tx.session.execute(
        insert(Company).values(
            tenant_id=tx.tenant_id,
            id=company_id,
            version=1,
            name=name,
            owner_id=tx.actor.user_id,
            custom={},
            tokens=tokens_of(keys, name, None),
            created_at=now,
            updated_at=now,
        )
    )
    message = events_pb2.CompanyChanged(
        company_id=company_id.bytes,
        change=events_pb2.CHANGE_CREATED,
        name=name,
        owner_id=tx.actor.user_id.bytes if tx.actor.user_id else b"",
        fields=["name"],
    )
    await tell(tx, None, message, aggregate=Aggregate(RESOURCE, company_id, 1))
    return company_id, name
