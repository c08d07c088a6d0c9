"""An id of another company goes the same way as one that nobody has: what PostgreSQL is asked is the same, so no
clock tells them apart. (A clock itself would be a bad judge: it would have to be believed on a busy machine.)"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from daicho.tenancy import uuid7
from daicho.testkit.product import Product
from daicho.testkit.statements import Account, telling, transactions

from .conftest import Strangers
from .test_every_route import DONE_ALREADY, Operation, operations

ROLES = ["identity_app", "customers_app", "audit_app"]


@pytest.fixture(scope="module")
async def account(product: Product) -> AsyncIterator[Account]:
    async with telling(product.database_url("postgres"), ROLES, lambda: product.log("postgres")) as account:
        yield account


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
