"""Databases for tests: migrated once per process, copied for each module."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from alembic.operations import Operations

from daicho.tenancy import Database, Roles, apply, database_url, migrate, provision

ROOT: Final = Path(__file__).resolve().parents[5]


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """A fresh database of ``service`` and the addresses of those who may enter."""

    __test__ = False

    service: str
    name: str
    admin_url: str
    app_url: str
    relay_url: str

    async def open(self, *, pool: int = 10) -> Database:
        """The database as the service opens it; close it when done."""
        return await Database.open(self.app_url, pool=pool)


class Databases:
    """Makes databases on one server."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._templates: dict[tuple[str, object], str] = {}
        self._made: list[str] = []

    async def make(
        self,
        service: str,
        *,
        create: Callable[[Operations], None] | None = None,
        migrations: Path | None = None,
    ) -> TestDatabase:
        """A fresh database of ``service``.

        Its tables come from ``services/<service>/migrations``, or from ``migrations``, or, for a lib, from
        ``create(op)``; each kind is built once and copied afterwards.
        """
        template = await self._template(service, create, migrations)
        name = f"{service}_{secrets.token_hex(6)}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{Roles(service).owner}"')
        self._made.append(name)
        await provision(self._admin_url, service, self._passwords_of(service), database=name)
        return self._describe(service, name)

    async def drop(self, database: TestDatabase) -> None:
        """Remove it with whoever is still connected."""
        await self._run(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')

    async def drop_all(self) -> None:
        """Remove everything made here; matters on a server that was given to us."""
        for name in [*self._made, *self._templates.values()]:
            await self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _template(
        self, service: str, create: Callable[[Operations], None] | None, migrations: Path | None
    ) -> str:
        scripts = migrations or ROOT / "services" / service / "migrations"
        key = (service, create or scripts)
        if key not in self._templates:
            name = f"template_{service}_{secrets.token_hex(6)}"
            await provision(self._admin_url, service, self._passwords_of(service), database=name)
            if create is not None:
                await apply(self._admin_url, service, create, database=name)
            else:
                await migrate(self._admin_url, service, scripts, database=name)
            self._templates[key] = name
        return self._templates[key]

    def _passwords_of(self, service: str) -> dict[str, str]:
        """One password a role and server: roles are the server's, and its other databases use them too."""
        roles = Roles(service)
        return {role: f"{role}-test" for role in (roles.app, roles.relay)}

    def _describe(self, service: str, name: str) -> TestDatabase:
        roles, passwords = Roles(service), self._passwords_of(service)

        def url(role: str) -> str:
            return database_url(self._admin_url, name, role=role, password=passwords[role])

        return TestDatabase(
            service=service,
            name=name,
            admin_url=database_url(self._admin_url, name),
            app_url=url(roles.app),
            relay_url=url(roles.relay),
        )

    async def _run(self, statement: str) -> None:
        admin = await asyncpg.connect(database_url(self._admin_url, "postgres"))
        try:
            await admin.execute(statement)
        finally:
            await admin.close()
