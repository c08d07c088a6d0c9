"""What migrations build tables with: keys that begin with the tenant, and the policy that holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from alembic.operations import Operations

from daicho.tenancy.provision import Roles

POLICY: Final = "tenant"
TENANT: Final = "nullif(current_setting('app.tenant_id', true), '')::uuid"
"""The tenant of the transaction; NULL, which matches no row, when none is set."""


def roles(op: Operations) -> Roles:
    """The roles of the service that is being migrated."""
    return Roles(str(op.get_context().opts["daicho_service"]))


def tenant_table(op: Operations, name: str, *parts: sa.Column[Any] | sa.Constraint, **options: Any) -> None:
    """Create a tenants' table: ``tenant_id`` first, key (tenant_id, …), FORCE row-level security, grants to the app.

    Columns with ``primary_key=True`` follow the tenant in the key; with none, ``id uuid`` is added, unless
    ``one_per_tenant``. Unique and foreign keys among ``parts`` must begin with ``tenant_id``
    (:func:`unique`, :func:`reference`); ValueError otherwise. ``grant`` ("SELECT, INSERT, UPDATE, DELETE")
    is what the application role may do; the other ``options`` are ``op.create_table``'s.
    """
    grant = options.pop("grant", "SELECT, INSERT, UPDATE, DELETE")
    one_per_tenant = options.pop("one_per_tenant", False)
    columns = [part for part in parts if isinstance(part, sa.Column)]
    constraints = [part for part in parts if not isinstance(part, sa.Column)]
    key = [column for column in columns if column.primary_key]
    if not key and not one_per_tenant:
        key = [sa.Column("id", sa.Uuid(), primary_key=True)]
        columns = [*key, *columns]
    for column in columns:
        if column.foreign_keys or column.unique:
            raise ValueError(
                f"{name}.{column.name}: say unique and foreign keys as constraints with tenant_id"
            )
        if column.name == "tenant_id":
            raise ValueError(f"{name}: tenant_id is added by tenant_table")
    names = [column.name for column in key]
    for column in key:
        column.primary_key = False
        column.nullable = False
    for constraint in constraints:
        _check_constraint(name, constraint)
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", *names, name=f"pk_{name}"),
        *constraints,
        **options,
    )
    protect(op, name)
    if grant:
        op.execute(f'GRANT {grant} ON "{name}" TO "{roles(op).app}"')


def protect(op: Operations, name: str) -> None:
    """ENABLE and FORCE row-level security with the tenant's policy; each partition needs it of its own."""
    op.execute(f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{name}" FORCE ROW LEVEL SECURITY')
    op.execute(
        f'CREATE POLICY {POLICY} ON "{name}" USING (tenant_id = {TENANT}) WITH CHECK (tenant_id = {TENANT})'
    )


def tenantless_table(
    op: Operations,
    name: str,
    *parts: sa.Column[Any] | sa.Constraint,
    role: str,
    grant: str = "SELECT, INSERT, UPDATE, DELETE",
    **options: Any,
) -> None:
    """Create a table without a policy, for ``role`` alone; it must stand in ``tenantless.toml`` with its reason."""
    op.create_table(name, *parts, **options)
    op.execute(f'GRANT {grant} ON "{name}" TO "{role}"')


def unique(name: str, *columns: str, **options: Any) -> sa.UniqueConstraint:
    """A unique constraint within the tenant."""
    return sa.UniqueConstraint("tenant_id", *columns, name=name, **options)


def reference(
    name: str, columns: Sequence[str], table: str, target: Sequence[str] = ("id",), **options: Any
) -> sa.ForeignKeyConstraint:
    """A foreign key within the tenant. With ``ondelete="SET NULL (column)"`` name the column: the tenant stays."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", *columns],
        [f"{table}.tenant_id", *(f"{table}.{column}" for column in target)],
        name=name,
        **options,
    )


def tenant_index(
    op: Operations,
    name: str,
    table: str,
    columns: Sequence[str | sa.TextClause],
    *,
    unique: bool = False,
    **options: Any,
) -> None:
    """An index that begins with ``tenant_id``. GIN indexes hold keyed values alone and take none: use ``op.create_index``."""
    op.create_index(name, table, ["tenant_id", *columns], unique=unique, **options)


def tenant_partition(op: Operations, table: str, partition: str, bounds: str) -> None:
    """A partition of a tenants' table (``bounds``: "FOR VALUES WITH (MODULUS 8, REMAINDER 0)") with its own policy.

    Rows that are reached through the parent obey the parent's policy; the partition's holds against reading it directly.
    """
    op.execute(f'CREATE TABLE "{partition}" PARTITION OF "{table}" {bounds}')
    protect(op, partition)


def definer_function(
    op: Operations,
    name: str,
    arguments: str,
    returns: str,
    body: str,
    *,
    reads: Mapping[str, Sequence[str]],
    language: str = "plpgsql",
    attributes: str = "STABLE PARALLEL SAFE",
    callers: Sequence[str] = (),
) -> None:
    """A SECURITY DEFINER function that looks past the policies, owned by ``<service>_search``.

    Its body must take the tenant from the setting (:data:`TENANT`), never from ``arguments``. The owner may
    read the columns ``reads`` names, no more; ``callers`` (the app unless told otherwise) may call it. It
    must stand in ``tenantless.toml`` with its reason. Names in the body resolve in pg_catalog, then public.
    """
    role = roles(op)
    connection = op.get_bind()
    with as_admin(op):
        connection.exec_driver_sql(
            f'CREATE OR REPLACE FUNCTION "{name}"({arguments}) RETURNS {returns} LANGUAGE {language} {attributes} '
            f"SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $function${body}$function$"
        )
        connection.exec_driver_sql(f'ALTER FUNCTION "{name}" OWNER TO "{role.search}"')
        connection.exec_driver_sql(f'REVOKE ALL ON FUNCTION "{name}" FROM PUBLIC')
        for caller in callers or (role.app,):
            connection.exec_driver_sql(f'GRANT EXECUTE ON FUNCTION "{name}" TO "{caller}"')
        for table, columns in reads.items():
            named = ", ".join(f'"{column}"' for column in columns)
            connection.exec_driver_sql(f'GRANT SELECT ({named}) ON "{table}" TO "{role.search}"')


def each_tenant(op: Operations, table: str) -> Iterator[UUID]:
    """Every tenant with rows in ``table``, set as the transaction's while the loop's body runs.

    Under FORCE the owner, too, sees one tenant at a time, so migrations that touch rows go through here,
    and compare the counts that their statements report.
    """
    connection = op.get_bind()
    with as_admin(op):
        listing = f'SELECT DISTINCT tenant_id FROM "{table}" ORDER BY 1'  # noqa: S608 - a migration's own name
        tenants = connection.exec_driver_sql(listing).scalars().all()
    try:
        for tenant in tenants:
            connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{tenant}'")
            yield tenant
    finally:
        connection.exec_driver_sql("SET LOCAL app.tenant_id = ''")


@contextmanager
def as_admin(op: Operations) -> Iterator[None]:
    """Be the superuser for a moment: to hand a function to ``<service>_search``, which nobody is a member of."""
    op.execute("RESET ROLE")
    yield
    op.execute(
        f'SET ROLE "{roles(op).owner}"'
    )  # after an error the transaction, and the role with it, is rolled back


def _check_constraint(table: str, constraint: sa.Constraint) -> None:
    if isinstance(constraint, sa.UniqueConstraint):
        first = next(iter(constraint._pending_colargs), None)  # noqa: SLF001 - the names, before a table binds them
        if first != "tenant_id":
            raise ValueError(f"{table}: unique key {constraint.name} does not begin with tenant_id")
    elif isinstance(constraint, sa.ForeignKeyConstraint):
        if next(iter(constraint.column_keys), None) != "tenant_id":
            raise ValueError(f"{table}: foreign key {constraint.name} does not begin with tenant_id")
    elif isinstance(constraint, sa.PrimaryKeyConstraint):
        raise ValueError(  # noqa: TRY004 - the value is wrong, not its type
            f"{table}: the key is made from the columns with primary_key=True"
        )
