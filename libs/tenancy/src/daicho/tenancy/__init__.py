"""Tenants: their ids, who acts for them, and the one way to their rows.

Every row of a tenant lives behind FORCE row-level security; :class:`Database` opens transactions that set
the tenant, :mod:`daicho.tenancy.migrations` builds the tables, :func:`provision` the roles.
"""

from daicho.tenancy.actor import Actor, ActorKind, Grants, RefusalLog, Scope
from daicho.tenancy.connection_settings import KEEPALIVE, LEASE, LEASE_SECONDS, keep_alive
from daicho.tenancy.database import Database, Guard, TenantTransaction, Transaction
from daicho.tenancy.ids import SessionId, TeamId, TenantId, UserId, uuid7
from daicho.tenancy.migrate import apply, migrate
from daicho.tenancy.model import Base, ForeignTenant, TenantMixin
from daicho.tenancy.pool import JOBS, REQUESTS, StatementLimits
from daicho.tenancy.prepared import Prepared, sql
from daicho.tenancy.provision import Roles, database_url, make_role, provision
from daicho.tenancy.refusals import (
    Contended,
    DatabaseUnavailable,
    RolledBack,
    as_fault,
    driver_error,
    translates,
)
from daicho.tenancy.within_bytes import jsonb_size, within_bytes

__all__ = [
    "JOBS",
    "KEEPALIVE",
    "LEASE",
    "LEASE_SECONDS",
    "REQUESTS",
    "Actor",
    "ActorKind",
    "Base",
    "Contended",
    "Database",
    "DatabaseUnavailable",
    "ForeignTenant",
    "Grants",
    "Guard",
    "Prepared",
    "RefusalLog",
    "Roles",
    "RolledBack",
    "Scope",
    "SessionId",
    "StatementLimits",
    "TeamId",
    "TenantId",
    "TenantMixin",
    "TenantTransaction",
    "Transaction",
    "UserId",
    "apply",
    "as_fault",
    "database_url",
    "driver_error",
    "jsonb_size",
    "keep_alive",
    "make_role",
    "migrate",
    "provision",
    "sql",
    "translates",
    "uuid7",
    "within_bytes",
]
