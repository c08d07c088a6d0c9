"""The plain columns of a record as one JSON object, and how PostgreSQL takes it apart again."""

from __future__ import annotations

from typing import Final

from sqlalchemy.dialects import postgresql

from daicho.customers.model import RESOURCES, Resource, model_of

_NOT_PLAIN: Final = frozenset(
    {
        "tenant_id",
        "id",
        "version",
        "created_at",
        "updated_at",
        "deleted_at",
        "tokens",
        "card",
        "rest",
        "company_id",
    }
)
PLAIN: Final = {
    resource: tuple(
        column.name for column in model_of(resource).__table__.columns if column.name not in _NOT_PLAIN
    )
    for resource in RESOURCES
}
"""By resource: its columns but for stamp, seals, tokens, and the company that a name stands for."""


def typed(resource: Resource) -> str:
    """:data:`PLAIN` with their types, for ``jsonb_to_record``."""
    columns = model_of(resource).__table__.columns
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return ", ".join(f"{name} {columns[name].type.compile(dialect=dialect)}" for name in PLAIN[resource])
