"""What a service's mapped classes stand on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Date, DateTime, Text, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from daicho.tenancy.ids import SessionId, TeamId, TenantId, UserId, uuid7


class Base(DeclarativeBase):
    """The base of mapped classes. Services share a process, so each derives one with tables of its own::

    class Base(tenancy.Base):
        __abstract__ = True
        metadata = MetaData()
    """

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        UUID: Uuid(),
        TenantId: Uuid(),
        UserId: Uuid(),
        SessionId: Uuid(),
        TeamId: Uuid(),
        str: Text(),
        int: BigInteger(),
        date: Date(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
    }


class TenantMixin:
    """``tenant_id`` as the first part of the key, ``id`` (UUIDv7) as the rest.

    The transaction fills ``tenant_id`` in when a new object is flushed; an object that carries another
    tenant's id is refused.
    """

    tenant_id: Mapped[TenantId] = mapped_column(Uuid(), primary_key=True, sort_order=-20)
    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7, sort_order=-10)


class ForeignTenant(RuntimeError):
    """A program error: an object of one tenant in another tenant's transaction."""


@event.listens_for(Session, "before_flush")
def _stamp_tenant(session: Session, *_: object) -> None:
    tenant_id = session.info.get("tenant_id")
    for item in session.new:
        held = getattr(item, "tenant_id", tenant_id)
        if held is None:
            item.tenant_id = tenant_id
        elif held != tenant_id:
            raise ForeignTenant(f"{type(item).__name__} belongs to another tenant than the transaction")
