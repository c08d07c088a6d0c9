"""The PostgreSQL bus as services find it: its database, and a role of its own for each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from daicho.events import bus_schema
from daicho.tenancy import apply, database_url, make_role, provision

BUS: Final = "bus"


def bus_role(service: str) -> str:
    """The role that ``service`` enters the bus with."""
    return f"{BUS}_{service}"


async def provision_bus(
    admin_url: str, services: Sequence[str], passwords: Mapping[str, str], *, database: str = BUS
) -> None:
    """Make or mend the bus's database, its tables, and its roles; safe to repeat.

    ``admin_url`` is a superuser's. ``passwords`` maps ``bus_app`` (the operator's) and each service's
    :func:`bus_role` to its password.
    """
    await provision(admin_url, BUS, passwords, database=database)
    await apply(admin_url, BUS, bus_schema.create, database=database)
    await admit(admin_url, services, passwords, database=database)


async def admit(
    admin_url: str, services: Sequence[str], passwords: Mapping[str, str], *, database: str = BUS
) -> None:
    """Make or mend the services' roles, and let them into the bus's database."""
    admin = await asyncpg.connect(database_url(admin_url, database))
    try:
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {bus_schema.SERVICES_ROLE}')
        for role in map(bus_role, services):
            await make_role(admin, role, "LOGIN NOBYPASSRLS", passwords.get(role))
            await admin.execute(f'GRANT {bus_schema.SERVICES_ROLE} TO "{role}"')
    finally:
        await admin.close()
