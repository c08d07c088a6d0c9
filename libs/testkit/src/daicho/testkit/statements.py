"""What PostgreSQL is asked, by its own account: whether two requests go the same way is seen here, not by a clock."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from daicho.tenancy import uuid7
from daicho.testkit.waiting import until

_LINE: Final = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] (\w+):  (.*)", re.DOTALL)
_NAME: Final = re.compile(r"^(?:statement|execute [^:]+|parameters): ?", re.IGNORECASE)
# What asyncpg asks for itself when a connection meets a type for the first time.
_DRIVERS: Final = re.compile(r"typeinfo_tree|set_config\('jit'")
_START: Final = re.compile(r"\n(?=\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\])")
# Statements with their parameters, which PostgreSQL is otherwise kept from telling.
_TOLD: Final = {"log_statement": "all", "log_parameter_max_length": "-1", "log_error_verbosity": "default"}
# What a role is set to holds for sessions that begin after it.
_NEW_SESSIONS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY ($1)"


class Account:
    """PostgreSQL's own account of what it is asked; :func:`telling` opens one."""

    def __init__(self, read: Callable[[], str], admin: asyncpg.Connection[Any]) -> None:
        self._read, self._admin, self._place = read, admin, 0

    async def begin(self) -> None:
        """Leave out what was asked before."""
        self._place = len(self._read())

    async def until_now(self) -> str:
        """What was asked since :meth:`begin`, whole: a mark of our own has come through behind it."""
        mark = f"mark {uuid7()}"
        await self._admin.execute(f"SELECT '{mark}'")

        async def written() -> bool:
            return mark in self._read()[self._place :]

        await until(written)
        return self._read()[self._place :]


@asynccontextmanager
async def telling(admin_url: str, roles: Sequence[str], read: Callable[[], str]) -> AsyncIterator[Account]:
    """Let the server tell what ``roles`` ask while the block runs; ``read`` answers all of its log."""
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("SET log_statement = 'all'")
        for role, (name, value) in itertools.product(roles, _TOLD.items()):
            await admin.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
        await admin.execute(_NEW_SESSIONS, roles)
        yield Account(read, admin)
    finally:
        for role, name in itertools.product(roles, _TOLD):
            await admin.execute(f"ALTER ROLE {role} RESET {name}")
        await admin.execute(_NEW_SESSIONS, roles)
        await admin.close()


def transactions(log: str, tenant_id: str) -> Iterator[list[str]]:
    """What was asked within a tenant, transaction by transaction: statements, each followed by its parameters."""
    for whole in told(log):
        if tenant_id in whole[0]:
            yield whole


def told(log: str) -> Iterator[list[str]]:
    """As :func:`transactions`, of every tenant and of none."""
    running: dict[str, list[str]] = {}
    for line in _START.split(log):
        found = _LINE.match(line)
        if found is None:
            continue
        process, kind, said = found.groups()
        asked = _NAME.sub("", said.strip())
        if kind == "LOG" and asked.startswith("BEGIN"):
            running[process] = [asked]
        elif process in running and kind in ("LOG", "DETAIL"):
            if not _DRIVERS.search(asked):
                running[process].append(asked)
            if asked in ("COMMIT", "ROLLBACK"):
                yield running.pop(process)
