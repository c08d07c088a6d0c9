"""The catalogue test can fail: each breach, built on purpose, is named."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa

from daicho.tenancy.migrations import TENANT, reference, tenant_table, unique
from daicho.testkit.catalogue import Exempt, Exemptions, complaints

NOTHING = Exemptions((), ())
WALLED = f"""
    ALTER TABLE loose ENABLE ROW LEVEL SECURITY;
    ALTER TABLE loose FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON loose USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT});
    ALTER TABLE loose OWNER TO probe_owner;
"""
BREACHES = {
    "no tenant": (
        "CREATE TABLE loose (id uuid PRIMARY KEY)",
        [
            "loose: has no column tenant_id uuid NOT NULL",
            "loose: its policies are [], not the tenant's one",
            "loose: key loose_pkey does not begin with tenant_id",
            "loose: row-level security is not enabled",
            "loose: row-level security is not forced on the owner",
            "loose: is owned by postgres, not by probe_owner",
        ],
    ),
    "not forced": (
        "ALTER TABLE note NO FORCE ROW LEVEL SECURITY",
        ["note: row-level security is not forced on the owner"],
    ),
    "not enabled": (
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
        ["note: row-level security is not enabled"],
    ),
    "an open policy": (
        "CREATE POLICY too_much ON note FOR SELECT TO probe_app USING (true)",
        ["note: its policies are"],
    ),
    "a policy that reads the empty setting": (
        "ALTER POLICY tenant ON note USING (tenant_id = current_setting('app.tenant_id')::uuid)",
        ["note: its policies are"],
    ),
    "a key past the tenant": (
        "CREATE UNIQUE INDEX uq_everywhere ON note (code)",
        ["note: key uq_everywhere does not begin with tenant_id"],
    ),
    "a foreign key past the tenant": (
        (
            "CREATE UNIQUE INDEX uq_id ON note (tenant_id, id, code);"
            f"CREATE TABLE loose (tenant_id uuid NOT NULL, id uuid, PRIMARY KEY (tenant_id, id));{WALLED}"
            "CREATE TABLE plain (id uuid PRIMARY KEY);"
            "ALTER TABLE loose ADD CONSTRAINT fk_past FOREIGN KEY (id) REFERENCES plain"
        ),
        ["loose: foreign key fk_past to plain does not begin with tenant_id on both sides", "plain: "],
    ),
    "a partition without a policy": (
        (
            "CREATE TABLE loose (tenant_id uuid NOT NULL, id uuid, PRIMARY KEY (tenant_id, id))"
            f" PARTITION BY HASH (tenant_id);{WALLED}"
            "CREATE TABLE loose_0 PARTITION OF loose FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
            "ALTER TABLE loose_0 OWNER TO probe_owner"
        ),
        [
            "loose_0: row-level security is not enabled",
            "loose_0: row-level security is not forced on the owner",
            "loose_0: its policies are [], not the tenant's one",
        ],
    ),
    "a view of its owner": (
        "CREATE VIEW everyone AS SELECT * FROM note; ALTER VIEW everyone OWNER TO probe_owner",
        ["everyone: a view without security_invoker looks past the policies"],
    ),
    "a materialized view": (
        (
            "CREATE MATERIALIZED VIEW everyone AS SELECT * FROM note;"
            "ALTER MATERIALIZED VIEW everyone OWNER TO probe_owner"
        ),
        ["everyone: a materialized view has no policies"],
    ),
    "a function past the policies": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM note'",
        ["peek(): SECURITY DEFINER and not on the list"],
    ),
    "a role that logs in past the policies": (
        "ALTER ROLE probe_app BYPASSRLS",
        [
            "role probe_app: bypasses row-level security",
            "role probe_app: logs in and bypasses row-level security",
        ],
    ),
    "a member of the role past the policies": (
        "GRANT probe_search TO probe_app",
        ["role probe_search: has members probe_app"],
    ),
    "an app that may become the owner": (
        "GRANT probe_owner TO probe_app",
        ["role probe_owner: has members probe_app"],
    ),
    "rights of somebody else": ("GRANT SELECT ON note TO PUBLIC", ["note: public holds SELECT"]),
    "rights past the rows": ("GRANT TRUNCATE ON note TO probe_app", ["note: app holds TRUNCATE"]),
    "a door for everyone": (
        "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$",
        ["the database is open to PUBLIC"],
    ),
}


def create(op):
    tenant_table(
        op,
        "note",
        sa.Column("code", sa.Text()),
        sa.Column("answers", sa.Uuid()),
        unique("uq_note_code", "code"),
        reference("fk_note_answers", ["answers"], "note"),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def admin(make_database):
    """A superuser's connection whose transaction is rolled back, with it the breach."""
    database = await make_database("probe", create=create)
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute("BEGIN")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


async def test_a_sound_database_has_no_complaints(admin):
    assert await complaints(admin, "probe", NOTHING) == []


@pytest.mark.parametrize("breach", BREACHES)
async def test_the_breach_is_named(breach, admin):
    statements, expected = BREACHES[breach]
    await admin.execute(statements)
    found = await complaints(admin, "probe", NOTHING)
    for line in expected:
        assert any(complaint.startswith(line) for complaint in found), found
    names = {line.split(":")[0] for line in expected}
    assert all(complaint.split(":")[0] in names for complaint in found), found


async def test_the_list_cannot_rot(admin):
    gone = Exempt("gone", ("probe",), "it was", {}, frozenset())
    found = await complaints(admin, "probe", Exemptions((gone,), (gone,)))
    assert found == [
        "gone(): is on the list and not in the database",
        "gone: is on the list and not in the database",
    ]


async def test_the_list_names_who_may_touch_a_table(admin):
    await admin.execute(
        "CREATE TABLE queue (id bigint PRIMARY KEY); ALTER TABLE queue OWNER TO probe_owner;"
        "GRANT SELECT, DELETE ON queue TO probe_relay"
    )
    rights = {"relay": frozenset({"SELECT", "DELETE"})}
    listed = Exempt("queue", ("probe",), "drained whole", rights, frozenset())
    assert await complaints(admin, "probe", Exemptions((listed,), ())) == []
    await admin.execute("GRANT SELECT ON queue TO probe_app")
    assert await complaints(admin, "probe", Exemptions((listed,), ())) == [
        "queue: rights are app SELECT; relay DELETE, SELECT, the list says relay DELETE, SELECT"
    ]


def test_an_entry_without_a_reason_is_refused(tmp_path: Path):
    path = tmp_path / "list.toml"
    path.write_text('[[table]]\nname = "x"\nservices = ["probe"]\nreason = " "\n')
    with pytest.raises(KeyError, match="reason"):
        Exemptions.read(path)
