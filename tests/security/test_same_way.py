"""An id of another company goes the same way as one that nobody has: what PostgreSQL is asked is the same, so no
clock tells them apart. (A clock itself would be a bad judge: it would have to be believed on a busy machine.)"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from daicho.tenancy import uuid7
from daicho.testkit.product import Product
from daicho.testkit.waiting import until

from .conftest import Strangers
from .test_every_route import DONE_ALREADY, Operation, operations

_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] (\w+):  (.*)", re.DOTALL)
_NAME = re.compile(r"^(?:statement|execute [^:]+|parameters): ?", re.IGNORECASE)
#: What asyncpg asks for itself when a connection meets a type for the first time.
_DRIVERS = re.compile(r"typeinfo_tree|set_config\('jit'")
_START = re.compile(r"\n(?=\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\])")
ROLES = ["identity_app", "customers_app", "audit_app"]
#: Statements with their parameters, which PostgreSQL is otherwise kept from telling.
TOLD = {"log_statement": "all", "log_parameter_max_length": "-1", "log_error_verbosity": "default"}
# What a role is set to holds for sessions that begin after it.
_NEW_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY ($1)"


class Account:
    """PostgreSQL's own account of what it is asked."""

    def __init__(self, product: Product, admin: asyncpg.Connection[Any]) -> None:
        self._product, self._admin, self._place = product, admin, 0

    async def begin(self) -> None:
        self._place = len(self._product.log("postgres"))

    async def until_now(self) -> str:
        """What was asked since :meth:`begin`, whole: a mark of our own has come through behind it."""
        mark = f"mark {uuid7()}"
        await self._admin.execute(f"SELECT '{mark}'")

        async def written() -> bool:
            return mark in self._product.log("postgres")[self._place :]

        await until(written)
        return self._product.log("postgres")[self._place :]


@pytest.fixture(scope="module")
async def account(product: Product) -> AsyncIterator[Account]:
    admin = await asyncpg.connect(product.database_url("postgres"))
    try:
        await admin.execute("SET log_statement = 'all'")
        for role, (name, value) in itertools.product(ROLES, TOLD.items()):
            await admin.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
        await admin.execute(_NEW_SESSIONS, ROLES)
        yield Account(product, admin)
    finally:
        for role, name in itertools.product(ROLES, TOLD):
            await admin.execute(f"ALTER ROLE {role} RESET {name}")
        await admin.execute(_NEW_SESSIONS, ROLES)
        await admin.close()


def transactions(log: str, tenant_id: str) -> Iterator[list[str]]:
    """What was asked within a tenant, transaction by transaction: statements, each followed by its parameters."""
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
                whole = running.pop(process)
                if tenant_id in whole[0]:
                    yield whole


def about(log: str, tenant_id: str, wanted: str) -> list[list[str]]:
    """The transactions in which the id was asked for, without the id; what consumers do with it later is theirs."""
    return [
        [line.replace(wanted, "{id}") for line in whole]
        for whole in transactions(log, tenant_id)
        if any(wanted in line for line in whole) and not any("INTO inbox" in line for line in whole)
    ]


async def test_the_database_is_asked_the_same_for_anothers_id_as_for_nobodys(
    product: Product, strangers: Strangers, account: Account
) -> None:
    async with httpx.AsyncClient(base_url=product.url) as client:
        every = list(operations((await client.get("/openapi.json")).json()))
    walked = 0
    for operation in every:
        names = re.findall(r"\{(\w+_id)\}", operation.path)
        if not names or (operation.method, operation.path) == DONE_ALREADY:
            continue
        theirs = strangers.theirs[names[0]]
        await _ask(strangers, operation, str(uuid7()))  # whatever is asked once only has been asked
        seen = []
        for wanted in (str(uuid7()), theirs):
            await account.begin()
            await _ask(strangers, operation, wanted)
            seen.append(about(await account.until_now(), strangers.a.tenant_id, wanted))
        assert seen[0], f"{operation}: it was never looked for"
        assert seen[0] == seen[1], operation
        walked += 1
    assert walked > 15


async def _ask(strangers: Strangers, operation: Operation, wanted: str) -> None:
    url = re.sub(r"\{\w+\}", wanted, operation.path)
    answer = await strangers.a.owner(operation.method, url, operation.body, if_match='"v1"')
    assert answer.status_code == 404, (operation, answer.text)


def test_a_way_that_differs_is_seen() -> None:
    def log(*statements: str) -> str:
        lines = ["statement: BEGIN; SET LOCAL app.tenant_id = 'a'", *statements, "statement: COMMIT"]
        return "".join(f"2026-11-25 13:00:00.000 UTC [7] LOG:  {line}\n" for line in lines)

    read = "execute __asyncpg_stmt_1__: SELECT 1 WHERE id = 'x'"
    again = "execute __asyncpg_stmt_9__: SELECT 1 WHERE id = 'y'"
    assert about(log(read), "a", "x") == about(log(again), "a", "y")
    assert about(log(read, "execute s: SELECT 2"), "a", "x") != about(log(again), "a", "y")
    assert about(log(read), "b", "x") == []
