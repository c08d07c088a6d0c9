"""Roles and tables come out as the design wants them, also the second time."""

from __future__ import annotations

import asyncio
import textwrap
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from daicho.tenancy import apply, database_url, migrate, provision
from daicho.tenancy.migrations import (
    TENANT,
    as_admin,
    definer_function,
    each_tenant,
    reference,
    tenant_partition,
    tenant_table,
    unique,
)
from daicho.testkit import create_tenant_id


def create(op):
    tenant_table(op, "company", sa.Column("name", sa.Text()), unique("uq_company_name", "name"))
    tenant_table(
        op,
        "contact",
        sa.Column("company_id", sa.Uuid()),
        reference("fk_contact_company", ["company_id"], "company", ondelete="SET NULL (company_id)"),
    )
    tenant_table(op, "preference", sa.Column("theme", sa.Text()), one_per_tenant=True)
    tenant_table(op, "event", postgresql_partition_by="HASH (tenant_id)")
    tenant_partition(op, "event", "event_0", "FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    definer_function(
        op,
        "count_companies",
        "",
        "bigint",
        f"BEGIN RETURN (SELECT count(*) FROM company WHERE tenant_id = {TENANT}); END",  # noqa: S608 - of constants
        reads={"company": ["tenant_id"]},
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(make_database):
    return await make_database("probe", create=create)


@pytest_asyncio.fixture(loop_scope="session")
async def app(place):
    """The application role's bare connection."""
    connection = await asyncpg.connect(place.app_url)
    yield connection
    await connection.close()


async def set_tenant(connection, tenant) -> None:
    await connection.execute(f"SET app.tenant_id = '{tenant}'")


async def add_company(connection, tenant, name="x"):
    company = uuid4()
    await set_tenant(connection, tenant)
    await connection.execute(
        "INSERT INTO company (tenant_id, id, name) VALUES ($1, $2, $3)", tenant, company, name
    )
    return company


async def test_a_name_is_unique_within_its_tenant_alone(app):
    ours, theirs = create_tenant_id(), create_tenant_id()
    await add_company(app, ours, "Midori")
    await add_company(app, theirs, "Midori")
    with pytest.raises(asyncpg.UniqueViolationError):
        await add_company(app, theirs, "Midori")


async def test_a_reference_to_another_tenants_row_is_refused(app):
    """A foreign key is checked past the policies, so only the tenant in the key keeps it inside."""
    company = await add_company(app, create_tenant_id())
    stranger = create_tenant_id()
    await set_tenant(app, stranger)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await app.execute(
            "INSERT INTO contact (tenant_id, id, company_id) VALUES ($1, gen_random_uuid(), $2)",
            stranger,
            company,
        )


async def test_a_deleted_company_leaves_its_contact_in_the_tenant(app):
    tenant = create_tenant_id()
    company = await add_company(app, tenant)
    await app.execute(
        "INSERT INTO contact (tenant_id, id, company_id) VALUES ($1, gen_random_uuid(), $2)", tenant, company
    )
    await app.execute("DELETE FROM company WHERE id = $1", company)
    assert await app.fetchval("SELECT company_id FROM contact WHERE tenant_id = $1", tenant) is None


@pytest.mark.parametrize("setting", [None, "''"])
async def test_an_unset_or_empty_tenant_reads_nothing(setting, app):
    await add_company(app, create_tenant_id())
    await app.execute("RESET app.tenant_id" if setting is None else f"SET app.tenant_id = {setting}")
    assert await app.fetch("SELECT * FROM company") == []
    assert await app.execute("UPDATE company SET name = 'y'") == "UPDATE 0"
    assert await app.execute("DELETE FROM company") == "DELETE 0"


async def test_a_partition_reached_directly_keeps_the_policy(app, place):
    tenant = create_tenant_id()
    await set_tenant(app, tenant)
    await app.execute("INSERT INTO event (tenant_id, id) VALUES ($1, gen_random_uuid())", tenant)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetch("SELECT * FROM event_0")
    admin = await asyncpg.connect(place.admin_url)
    await admin.execute(f"SET ROLE probe_owner; SET app.tenant_id = '{create_tenant_id()}'")
    assert await admin.fetch("SELECT * FROM event_0") == []
    await admin.execute(f"SET app.tenant_id = '{tenant}'")
    assert len(await admin.fetch("SELECT * FROM event_0")) == 1
    await admin.close()


async def test_a_definer_function_counts_its_callers_tenant(app):
    ours, theirs = create_tenant_id(), create_tenant_id()
    await add_company(app, theirs)
    await add_company(app, ours, "a")
    await add_company(app, ours, "b")
    assert await app.fetchval("SELECT count_companies()") == 2
    await app.execute("RESET app.tenant_id")
    assert await app.fetchval("SELECT count_companies()") == 0


async def test_a_definer_function_is_closed_to_other_roles(place):
    relay = await asyncpg.connect(place.relay_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await relay.fetchval("SELECT count_companies()")
    await relay.close()


async def test_a_definer_functions_owner_reads_the_named_columns_alone(place):
    admin = await asyncpg.connect(place.admin_url)
    await admin.execute("SET ROLE probe_search")
    await admin.fetch("SELECT tenant_id FROM company")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await admin.fetch("SELECT name FROM company")
    await admin.close()


async def test_the_app_has_no_ddl_and_no_other_database(app, place, databases):
    for statement in (
        "CREATE TABLE mine (id int)",
        "DROP TABLE company",
        "SET ROLE probe_owner",
        "SET ROLE probe_search",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    other = await databases.make("other", create=create)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(database_url(place.app_url, other.name))


async def test_a_migration_of_rows_goes_tenant_by_tenant(place, app):
    tenants = {create_tenant_id(), create_tenant_id()}
    for tenant in tenants:
        await add_company(app, tenant, "before")
    seen = {}

    def rename(op):
        for tenant in each_tenant(op, "company"):
            seen[tenant] = op.get_bind().execute(sa.text("UPDATE company SET name = name || ' KK'")).rowcount
        assert op.get_bind().execute(sa.text("SELECT count(*) FROM company")).scalar() == 0

    await apply(place.admin_url, "probe", rename, database=place.name)
    assert {tenant: seen[tenant] for tenant in tenants} == dict.fromkeys(tenants, 1)


async def test_provisioning_twice_mends_what_was_bent(place):
    admin = await asyncpg.connect(place.admin_url)
    await admin.execute("ALTER ROLE probe_app BYPASSRLS CREATEDB")
    await admin.execute(f"GRANT CONNECT ON DATABASE {place.name} TO PUBLIC")
    await provision(place.admin_url, "probe", {}, database=place.name)
    row = await admin.fetchrow("SELECT rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = 'probe_app'")
    assert tuple(row) == (False, False)
    acl = await admin.fetchval("SELECT datacl::text FROM pg_database WHERE datname = current_database()")
    assert "{=" not in acl
    assert ",=" not in acl
    await admin.close()


def write_migration(folder, revision, down, body) -> None:
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "versions" / f"{revision}.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nfrom daicho.tenancy.migrations import tenant_table\n"
        f"revision = {revision!r}\ndown_revision = {down!r}\n"
        f"def upgrade():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    )


async def test_migrations_run_once_each_and_migrators_wait_for_one_another(
    postgres_server, databases, tmp_path
):
    write_migration(tmp_path, "0001", None, 'tenant_table(op, "one", sa.Column("name", sa.Text()))')
    database = await databases.make("probe", migrations=tmp_path)
    write_migration(tmp_path, "0002", "0001", 'tenant_table(op, "two")')
    await asyncio.gather(
        *(migrate(postgres_server.admin_url, "probe", tmp_path, database=database.name) for _ in range(3))
    )
    admin = await asyncpg.connect(database.admin_url)
    assert await admin.fetchval("SELECT version_num FROM alembic_version") == "0002"
    assert await admin.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'two'") == "probe_owner"
    await admin.close()


async def test_a_failed_migration_leaves_the_one_before_it(postgres_server, databases, tmp_path):
    write_migration(tmp_path, "0001", None, 'tenant_table(op, "one")')
    database = await databases.make("probe", migrations=tmp_path)
    write_migration(tmp_path, "0002", "0001", 'tenant_table(op, "two")\nop.execute("SELECT 1/0")')
    with pytest.raises(DBAPIError):
        await migrate(postgres_server.admin_url, "probe", tmp_path, database=database.name)
    admin = await asyncpg.connect(database.admin_url)
    assert await admin.fetchval("SELECT version_num FROM alembic_version") == "0001"
    assert await admin.fetchval("SELECT to_regclass('two')") is None
    await admin.close()


async def test_a_migration_gives_up_on_a_table_that_stays_locked(postgres_server, databases, tmp_path):
    write_migration(tmp_path, "0001", None, 'tenant_table(op, "one")')
    database = await databases.make("probe", migrations=tmp_path)
    write_migration(
        tmp_path, "0002", "0001", """op.execute("SET LOCAL lock_timeout = '50ms'")\nop.drop_table("one")"""
    )
    holder = await asyncpg.connect(database.admin_url)
    await holder.execute("BEGIN; LOCK TABLE one IN ACCESS SHARE MODE")
    with pytest.raises(DBAPIError, match="lock timeout"):
        await migrate(postgres_server.admin_url, "probe", tmp_path, database=database.name)
    await holder.close()


@pytest.mark.parametrize(
    "part",
    [
        sa.UniqueConstraint("name", name="uq"),
        sa.ForeignKeyConstraint(["id"], ["company.id"], name="fk"),
        sa.Column("company_id", sa.Uuid(), sa.ForeignKey("company.id")),
        sa.Column("name", sa.Text(), unique=True),
        sa.Column("tenant_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("name"),
    ],
)
async def test_a_key_without_the_tenant_is_refused_before_it_is_made(part, place):
    def create_bad(op):
        tenant_table(op, "bad", part)

    with pytest.raises(ValueError, match="bad"):
        await apply(place.admin_url, "probe", create_bad, database=place.name)


async def test_as_admin_ends_as_the_owner_again(place):
    def look(op):
        with as_admin(op):
            assert op.get_bind().exec_driver_sql("SELECT current_user").scalar() == "postgres"
        assert op.get_bind().exec_driver_sql("SELECT current_user").scalar() == "probe_owner"

    await apply(place.admin_url, "probe", look, database=place.name)
