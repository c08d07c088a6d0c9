"""Running a service's migrations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from daicho.tenancy.provision import Roles, database_url

_LOCK: Final = 0x64616963_686F0002  # "daicho", 2
_HERE: Final = Path(__file__).parent


async def migrate(
    admin_url: str,
    service: str,
    script_dir: Path,
    *,
    database: str | None = None,
    revision: str = "head",
) -> None:
    """Bring the service's database to ``revision``; ``script_dir/versions`` holds the migrations.

    Runs as ``<service>_owner``, each migration in a transaction of its own, one migrator at a time. Gives
    up on a table that others keep locked for five seconds, rather than queueing everyone behind itself.
    """
    config = Config()
    config.set_main_option("script_location", str(_HERE / "alembic"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(script_dir / "versions"))

    def upgrade(connection: Connection) -> None:
        config.attributes.update(connection=connection, service=service)
        command.upgrade(config, revision)

    async with _as_owner(admin_url, service, database) as connection:
        await connection.run_sync(upgrade)
        await connection.commit()


async def apply(
    admin_url: str, service: str, create: Callable[[Operations], None], *, database: str | None = None
) -> None:
    """Run ``create(op)`` as the owner, in one transaction: what a lib's tests build their tables with."""

    def run(connection: Connection) -> None:
        create(operations(connection, service))

    async with _as_owner(admin_url, service, database) as connection:
        await connection.run_sync(run)
        await connection.commit()


def operations(connection: Connection, service: str) -> Operations:
    """Alembic's ``op`` for ``connection``, outside of a migration."""
    context = MigrationContext.configure(connection, opts={"daicho_service": service})
    return Operations(context)


@asynccontextmanager
async def _as_owner(admin_url: str, service: str, database: str | None) -> AsyncIterator[AsyncConnection]:
    url = make_url(database_url(admin_url, database or service)).set(drivername="postgresql+asyncpg")
    settings: dict[str, Any] = {
        "application_name": f"{service}-migrate",
        "lock_timeout": "5s",
        "timezone": "UTC",
    }
    engine = create_async_engine(url, poolclass=NullPool, connect_args={"server_settings": settings})
    try:
        async with engine.connect() as connection:
            # A session lock: it must outlive the transactions of the single migrations.
            await connection.execute(text("SET lock_timeout = 0"))
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.execute(text("SET lock_timeout = '5s'"))
            await connection.execute(text(f'SET ROLE "{Roles(service).owner}"'))
            await connection.commit()
            yield connection
    finally:
        await engine.dispose()
