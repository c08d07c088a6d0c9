"""What the customers service keeps. Every table belongs to a tenant; see the migration for keys and policies.

Personal fields never stand in a column of their own: a contact's are sealed in ``card`` (what lists show)
and ``rest``. Plain columns are what may be filtered and sorted by.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import Column as SaColumn
from sqlalchemy.orm import Mapped, mapped_column

from daicho import tenancy
from daicho.tenancy import TenantMixin


class Base(tenancy.Base):
    """The base of this service's mapped classes."""

    __abstract__ = True
    metadata = MetaData()


Resource = Literal["contact", "company"]
RESOURCES: Final[Mapping[Resource, str]] = {"contact": "contacts", "company": "companies"}
"""Each resource as events and tables name it, and as permissions and paths do."""


class Record(TenantMixin):
    """What a company and a contact have in common: version, owner, custom values, search tokens, times."""

    version: Mapped[int] = mapped_column(default=1)
    owner_id: Mapped[UUID | None]
    # Values of custom fields that are not sensitive, by key.
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # Blind-index tokens, sorted; see keyring.
    tokens: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Company(Record, Base):
    """A company is not a person: its fields are plain, but for sensitive custom ones, sealed in ``rest``."""

    __tablename__ = "company"

    name: Mapped[str]
    name_kana: Mapped[str | None]
    corporate_number: Mapped[str | None]
    registration_number: Mapped[str | None]
    phone: Mapped[str | None]
    url: Mapped[str | None]
    postal_code: Mapped[str | None]
    prefecture: Mapped[str | None]
    city: Mapped[str | None]
    street: Mapped[str | None]
    building: Mapped[str | None]
    # Yen, as one amount in minor units (yen has none).
    capital: Mapped[int | None]
    closing_month: Mapped[int | None] = mapped_column(SmallInteger)
    founded_on: Mapped[date | None]
    rest: Mapped[bytes | None] = mapped_column(LargeBinary)


class Contact(Record, Base):
    """A person. ``card`` and ``rest`` hold what is personal; see :mod:`daicho.customers.contacts.sealing`."""

    __tablename__ = "contact"

    company_id: Mapped[UUID | None]
    customer_code: Mapped[str | None]
    department: Mapped[str | None]
    title: Mapped[str | None]
    lifecycle: Mapped[str]
    # The plain derivatives that design and security guide name: no others.
    prefecture: Mapped[str | None]
    first_kana: Mapped[str | None]
    has_email: Mapped[bool]
    has_phone: Mapped[bool]
    card: Mapped[bytes] = mapped_column(LargeBinary)
    rest: Mapped[bytes | None] = mapped_column(LargeBinary)


class Tag(Base):
    """One tag of one record. Tags are rows so that a policy's filter can use their index."""

    __tablename__ = "tag"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    # The name folded, by which tags are the same and are filtered.
    folded: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class RecordKey(Base):
    """A keyed digest of a value: finds a record by a sealed value, and holds unique fields unique.

    ``slot`` is the digest itself where the field is unique and the record's id where it is not, so that
    one primary key serves both.
    """

    __tablename__ = "record_key"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    slot: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    record_id: Mapped[UUID]


class Change(Base):
    """One step in a record's history. ``sealed`` opens to {field: [before, after]}."""

    __tablename__ = "change"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    # The import or hand-over that made the change; null for a change by hand.
    cause_id: Mapped[UUID | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class FieldRow(Base):
    """One custom field of one resource; ``definition`` is a :class:`daicho.fields.FieldDefinition` as JSON."""

    __tablename__ = "field"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str]
    key: Mapped[str]
    version: Mapped[int]
    position: Mapped[int]
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # Every record that has a value has its words among its tokens, so that a filter may go by them.
    indexed: Mapped[bool]
    # Its values are being taken out of the records; then the row goes, and the key is free.
    deleted_at: Mapped[datetime | None]


class SchemaRevision(Base):
    """Grows by one with each change of a resource's fields; tells a cached schema whether it still holds."""

    __tablename__ = "schema_revision"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]


def _value_table(kind: str, column: Any) -> Table:
    return Table(
        f"value_{kind}",
        Base.metadata,
        SaColumn("tenant_id", Uuid(), primary_key=True),
        SaColumn("resource", Text(), primary_key=True),
        SaColumn("key", Text(), primary_key=True),
        SaColumn("value", column, primary_key=True),
        SaColumn("record_id", Uuid(), primary_key=True),
    )


VALUES: Final[Mapping[str, Table]] = {
    "text": _value_table("text", Text()),
    "bigint": _value_table("bigint", BigInteger()),
    "uuid": _value_table("uuid", Uuid()),
    "date": _value_table("date", Date()),
    "timestamptz": _value_table("timestamptz", DateTime(timezone=True)),
}
"""Values of plain custom fields by which records are filtered and sorted, by the kind of their column."""


def model_of(resource: Resource) -> type[Contact | Company]:
    """The mapped class of a resource."""
    return Contact if resource == "contact" else Company
