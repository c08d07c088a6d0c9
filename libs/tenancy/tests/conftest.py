"""A database with a table of notes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.orm import Mapped

from daicho.tenancy import Base as TenancyBase
from daicho.tenancy import Database, TenantId, TenantMixin, sql
from daicho.tenancy.migrations import roles, tenant_table, tenantless_table, unique
from daicho.testkit import TestDatabase


class Base(TenancyBase):
    __abstract__ = True
    metadata = sa.MetaData()


class Note(TenantMixin, Base):
    __tablename__ = "note"

    code: Mapped[str]


NOTE = Note.__table__
CODES = sql(sa.select(NOTE.c.code).where(NOTE.c.tenant_id == sa.bindparam("tenant_id")).order_by(NOTE.c.code))


def create(op: Operations) -> None:
    tenant_table(op, "note", sa.Column("code", sa.Text(), nullable=False), unique("uq_note_code", "code"))
    number = sa.Column("notes", sa.BigInteger(), primary_key=True)
    tenantless_table(op, "tally", number, role=roles(op).app, grant="SELECT, INSERT")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(make_database) -> TestDatabase:
    return await make_database("probe", create=create)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    database = await place.open(pool=1)  # one connection: whatever is left behind, the next one meets
    yield database
    await database.close()


async def codes(database: Database, tenant_id: TenantId) -> list[str]:
    async with database.reading(tenant_id) as tx:
        return [row["code"] for row in await CODES.fetch(tx)]
