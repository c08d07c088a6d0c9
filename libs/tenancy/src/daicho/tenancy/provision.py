"""A service's database and its roles, made by the superuser and safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from sqlalchemy import make_url

_LOCK: Final = 0x64616963_686F0001  # "daicho", 1


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of one service.

    ``owner`` (NOLOGIN) owns the schema; ``app`` and ``relay`` log in and own nothing; ``search`` (NOLOGIN,
    BYPASSRLS, no members) owns the SECURITY DEFINER functions that must look past the policies.
    """

    service: str

    @property
    def owner(self) -> str:
        """Owns the database and its tables."""
        return f"{self.service}_owner"

    @property
    def app(self) -> str:
        """The service itself."""
        return f"{self.service}_app"

    @property
    def relay(self) -> str:
        """The outbox relay, which sees the outbox alone."""
        return f"{self.service}_relay"

    @property
    def search(self) -> str:
        """The owner of look-up functions."""
        return f"{self.service}_search"


def database_url(url: str, database: str, *, role: str | None = None, password: str | None = None) -> str:
    """``url`` with another database and, when given, another role."""
    there = make_url(url).set(database=database)
    if role is not None:
        there = there.set(username=role, password=password)
    return there.render_as_string(hide_password=False)


async def provision(
    admin_url: str, service: str, passwords: Mapping[str, str], *, database: str | None = None
) -> None:
    """Make or mend the roles of ``service`` and its database (named like it unless told otherwise).

    ``admin_url`` is a superuser's. ``passwords`` maps each LOGIN role (``customers_app``, ``customers_relay``)
    to its password; one that is left out cannot log in by password. Nobody but the service's own roles may
    connect to the database.
    """
    roles, name = Roles(service), database or service
    admin = await asyncpg.connect(database_url(admin_url, "postgres"))
    try:
        await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await make_role(admin, roles.owner, "NOLOGIN")
        await make_role(admin, roles.search, "NOLOGIN BYPASSRLS")
        for role in (roles.app, roles.relay):
            await make_role(admin, role, "LOGIN NOBYPASSRLS", passwords.get(role))
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await admin.execute(f'CREATE DATABASE "{name}" OWNER "{roles.owner}"')
        await admin.execute(
            f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'
            f'GRANT CONNECT ON DATABASE "{name}" TO "{roles.app}", "{roles.relay}";'
        )
    finally:
        await admin.close()
    inside = await asyncpg.connect(database_url(admin_url, name))
    try:
        await inside.execute(
            "REVOKE ALL ON SCHEMA public FROM PUBLIC;"
            f'GRANT USAGE ON SCHEMA public TO "{roles.app}", "{roles.relay}", "{roles.search}";'
        )
    finally:
        await inside.close()


async def make_role(
    admin: asyncpg.Connection[Any], name: str, options: str, password: str | None = None
) -> None:
    """Make or mend the role ``name``: with ``options`` ("LOGIN", "NOLOGIN BYPASSRLS") and no other power."""
    if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", name):
        await admin.execute(f'CREATE ROLE "{name}"')
    await admin.execute(f'ALTER ROLE "{name}" NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION {options}')
    if password is not None:
        text = await admin.fetchval(
            "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", name, password
        )
        await admin.execute(text)
