"""What a list shows of a company, and what its own page shows besides."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, Uuid, bindparam, func, or_, select

from daicho.customers.model import Company
from daicho.customers.repository import TENANT, Repository, statements
from daicho.tenancy import sql

_k = Company.__table__.c
_WHOLE = (
    "registration_number",
    "url",
    "postal_code",
    "street",
    "building",
    "capital",
    "closing_month",
    "founded_on",
    "rest",
    "deleted_at",
)

STATEMENTS: Final = statements(
    "company",
    select(
        _k.id,
        _k.version,
        _k.name,
        _k.name_kana,
        _k.corporate_number,
        _k.phone,
        _k.prefecture,
        _k.city,
        _k.owner_id,
        _k.custom,
        _k.created_at,
        _k.updated_at,
    ).where(_k.tenant_id == TENANT),
    [_k[name] for name in _WHOLE],
)
REPOSITORY: Final = Repository(STATEMENTS)

BY_ID: Final = sql(
    select(_k.name, _k.owner_id).where(
        _k.tenant_id == TENANT, _k.id == bindparam("id"), _k.deleted_at.is_(None)
    )
)
_OWNERS: Final = bindparam("owners", type_=ARRAY(Uuid()))
BY_NAME: Final = sql(
    select(_k.id)
    .where(
        _k.tenant_id == TENANT,
        _k.name == bindparam("name"),
        _k.deleted_at.is_(None),
        or_(_OWNERS.is_(None), _k.owner_id == func.any(_OWNERS)),
    )
    .order_by(_k.id)
    .limit(1)
)
"""The oldest of this name among the companies of ``owners`` (None: of everybody)."""
