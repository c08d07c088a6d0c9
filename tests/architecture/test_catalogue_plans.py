"""No repository query reads a tenant's whole table, as the service's own role and under its policies."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from daicho.tenancy import sql
from daicho.tenancy.migrations import tenant_index, tenant_table
from daicho.testkit.catalogue import services_with_migrations
from daicho.testkit.plans import fill, slow_plans, statements_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("service", services_with_migrations(ROOT))
async def test_every_query_of_the_service_has_an_index(service, make_database):
    database = await make_database(service)
    admin = await asyncpg.connect(database.admin_url)
    await fill(admin)
    assert await slow_plans(admin, service, statements_of(f"daicho.{service}")) == {}
    await admin.close()


NOTE = sa.table(
    "note",
    sa.column("tenant_id", sa.Uuid),
    sa.column("id", sa.Uuid),
    sa.column("owner_id", sa.Uuid),
    sa.column("title", sa.Text),
    sa.column("made_at", sa.DateTime(timezone=True)),
    sa.column("custom", JSONB),
)
MINE = NOTE.c.tenant_id == sa.bindparam("tenant_id")
ONE = sql(sa.select(NOTE.c.title).where(MINE, NOTE.c.id == sa.bindparam("id")))
OWNED = sql(sa.select(NOTE.c.id).where(MINE, NOTE.c.owner_id == sa.bindparam("owner")))
PAGE = sql(
    sa.select(NOTE.c.title)
    .where(MINE)
    .order_by(NOTE.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
TITLED = sql(sa.select(NOTE.c.id).where(MINE, NOTE.c.title == sa.bindparam("title")))
HELD = sql(sa.select(NOTE.c.id).where(MINE, NOTE.c.custom.contains(sa.bindparam("custom", type_=JSONB))))
EVERYBODY = sql(sa.select(NOTE.c.id).where(NOTE.c.title == sa.bindparam("title")))
SORTED = sql(sa.select(NOTE.c.title).where(MINE).order_by(NOTE.c.title).limit(50))
ROLES = sql(sa.select(NOTE.c.id).where(MINE), whole_tenant="there are five")


def create(op):
    tenant_table(
        op,
        "note",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("title", sa.Text()),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("custom", JSONB()),
    )
    tenant_index(op, "ix_note_owner", "note", ["owner_id", "id"])
    op.create_index("ix_note_custom", "note", ["custom"], postgresql_using="gin")
    tenant_table(op, "bare", sa.Column("code", sa.Text(), nullable=False))
    op.execute("ALTER TABLE bare DROP CONSTRAINT pk_bare")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def admin(make_database):
    database = await make_database("probe", create=create)
    connection = await asyncpg.connect(database.admin_url)
    await fill(connection)
    yield connection
    await connection.close()


@pytest.mark.parametrize("name", ["ONE", "OWNED", "PAGE", "ROLES"])
async def test_a_query_with_an_index_passes(name, admin):
    assert await slow_plans(admin, "probe", {name: globals()[name]}) == {}


@pytest.mark.parametrize("name", ["TITLED", "HELD", "EVERYBODY", "SORTED"])
async def test_a_query_without_an_index_is_named(name, admin):
    """HELD has one, too: a GIN index that the policy keeps out of reach."""
    [line] = (await slow_plans(admin, "probe", {name: globals()[name]}))[name]
    assert line.startswith("reads all of a tenant's rows by ")


async def test_a_sequential_scan_is_named_whatever_the_statement_says(admin):
    bare = sa.table("bare", sa.column("code", sa.Text))
    statement = sql(sa.select(bare.c.code), whole_tenant="it is small")
    [line] = (await slow_plans(admin, "probe", {"bare": statement}))["bare"]
    assert line.startswith("scans bare sequentially")


async def test_a_statement_that_cannot_run_is_named(admin):
    statement = sql(sa.select(sa.column("gone")).select_from(NOTE))
    [line] = (await slow_plans(admin, "probe", {"gone": statement}))["gone"]
    assert line.startswith('cannot be explained: column "gone" does not exist')


def test_statements_are_found_where_they_stand(tmp_path, monkeypatch):
    package = tmp_path / "probe_of_plans"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "repository.py").write_text(
        "import sqlalchemy as sa\nfrom daicho.tenancy import sql\n"
        "A = sql(sa.select(sa.literal(1)))\nMANY = {'b': sql(sa.select(sa.literal(2)))}\n"
        "class Held:\n    C = sql(sa.select(sa.literal(3)))\n"
    )
    (package / "folder").mkdir()
    (package / "folder" / "deep.py").write_text(
        'D = "DELETE FROM note WHERE id = $1"\nE = "/* whole tenant: why not */ SELECT 1"\n'
        'NOT = "Select a colour"\nGAP = "SELECT {x}"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert set(statements_of("probe_of_plans")) == {
        "probe_of_plans.repository.A",
        "probe_of_plans.repository.MANY['b']",
        "probe_of_plans.repository.Held.C",
        "probe_of_plans.folder.deep.D",
        "probe_of_plans.folder.deep.E",
    }
    assert statements_of("probe_of_plans")["probe_of_plans.folder.deep.E"].whole_tenant == "why not"
