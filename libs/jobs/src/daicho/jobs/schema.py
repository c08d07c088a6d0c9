"""The queue's tables, for a service's migration."""

from __future__ import annotations

from alembic.operations import Operations
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

TABLES = ("pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules")


def create(op: Operations, app_role: str) -> None:
    """Create PgQueuer's tables and let ``app_role`` work with them.

    They stand without a tenant: a worker takes the next job whosever it is, and the payload's tenant is
    what opens the transaction the work is done in.
    """
    connection = op.get_bind()
    for statement in _statements(QueryBuilderEnvironment().build_install_query(create_schema=False)):
        connection.exec_driver_sql(statement)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {table} TO {app_role}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app_role}")


def _statements(script: str) -> list[str]:
    """``script`` cut at the semicolons that stand outside of ``$$`` bodies: the driver takes one at a time."""
    statements, quoted = [""], False
    for number, part in enumerate(script.split("$$")):
        quoted = number % 2 == 1
        if number:
            statements[-1] += "$$"
        if quoted:
            statements[-1] += part
            continue
        head, *rest = part.split(";")
        statements[-1] += head
        statements.extend(rest)
    return [statement for statement in statements if statement.strip()]
