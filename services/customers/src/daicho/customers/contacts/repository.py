"""What a list shows of a contact, and what its own page shows besides."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, bindparam, select

from daicho.customers.model import Company, Contact
from daicho.customers.repository import TENANT, Repository, sizes_of, statements
from daicho.tenancy import sql

_c, _k = Contact.__table__.c, Company.__table__.c

STATEMENTS: Final = statements(
    "contact",
    select(
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
        _k.name.label("company_name"),
    )
    .select_from(Contact.__table__)
    .outerjoin(Company.__table__, and_(_k.tenant_id == TENANT, _k.id == _c.company_id))
    .where(_c.tenant_id == TENANT),
    (_c.rest, _c.deleted_at),
    sealed=_c.card,
)
REPOSITORY: Final = Repository(STATEMENTS)

SIZES_OF_COMPANY: Final = sql(
    sizes_of("contact")
    .where(_c.company_id == bindparam("company_id"), _c.deleted_at.is_(None))
    .order_by(_c.id)
    .limit(bindparam("count"))
)
