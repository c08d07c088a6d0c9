"""A tenant that floods a service waits for itself alone, in the whole product behind its gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from daicho.testkit.company import Caller, Company
from daicho.testkit.waiting import until
from daicho.web.admission import HEAVY, LIGHT

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@asynccontextmanager
async def locked(product: Any, statement: str, *arguments: Any) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A lock that a database administrator holds; yields a connection beside it."""
    url = product.database_url("customers")
    holder, watcher = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.execute(statement, *arguments)
            yield watcher
    finally:
        await holder.close()
        await watcher.close()


async def waiting(watcher: asyncpg.Connection[Any], count: int) -> None:
    """Returns once so many statements wait for a lock."""

    async def so_many() -> bool:
        return await watcher.fetchval(_WAITING) == count

    await until(so_many, within=30)


async def flood(
    caller: Caller, count: int, method: str, path: str, body: Any = None, **headers: str
) -> list[asyncio.Task[httpx.Response]]:
    """Requests that are all under way at once."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()} | await caller.fresh()
    client = caller.company.client
    return [
        asyncio.create_task(client.request(method, path, json=body, headers=headers)) for _ in range(count)
    ]


async def statuses(tasks: Sequence[asyncio.Task[httpx.Response]]) -> dict[int, int]:
    """How often each status answered."""
    found: dict[int, int] = {}
    for answer in await asyncio.gather(*tasks):
        found[answer.status_code] = found.get(answer.status_code, 0) + 1
    return found


async def refused(tasks: Sequence[asyncio.Task[httpx.Response]], count: int) -> list[httpx.Response]:
    """The first ``count`` answers."""

    async def so_many() -> bool:
        return sum(task.done() for task in tasks) >= count

    await until(so_many, within=30)
    return [task.result() for task in tasks if task.done()]


@pytest.fixture
async def companies(product) -> AsyncIterator[tuple[Company, Company]]:
    both = await product.company(), await product.company()
    for company in both:
        company.client._transport = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=300, max_keepalive_connections=0)
        )
        company.client.timeout = httpx.Timeout(60)
    yield both
    for company in both:
        await company.client.aclose()


async def test_changes_that_wait_for_a_lock_hold_up_no_other_tenant(product, companies) -> None:
    loud, quiet = companies
    record = await loud.owner.post("/v1/contacts", {"family_name": "騒"})
    theirs = await quiet.owner.post("/v1/contacts", {"family_name": "静"})
    path, more = f"/v1/contacts/{record['id']}", 5
    async with locked(product, "SELECT 1 FROM contact WHERE id = $1 FOR UPDATE", record["id"]) as watcher:
        changes = await flood(
            loud.owner,
            LIGHT.per_tenant + LIGHT.waiting + more,
            "PATCH",
            path,
            {"given_name": "々"},
            if_match='"v1"',
        )
        await waiting(watcher, LIGHT.per_tenant)
        for answer in await refused(changes, more):
            assert (answer.status_code, answer.json()["code"]) == (429, "too_busy")
            assert int(answer.headers["retry-after"]) > 0
        assert (await quiet.owner.get("/v1/contacts"))["items"]
        changed = await quiet.owner.patch(
            f"/v1/contacts/{theirs['id']}", {"given_name": "香"}, version=theirs["version"]
        )
        assert changed["given_name"] == "香"
        await quiet.owner.post("/v1/contacts/search", {"q": "静"})
        assert await watcher.fetchval(_WAITING) == LIGHT.per_tenant
    found = await statuses(changes)
    assert found.keys() <= {200, 412, 429}
    assert found[200] == 1
    assert (await loud.owner.get(path))["given_name"] == "々"


async def test_searches_that_wait_hold_up_neither_another_tenant_nor_their_own_tenants_pages(
    product, companies
) -> None:
    loud, quiet = companies
    record = await loud.owner.post("/v1/contacts", {"family_name": "騒"})
    tag = {"filter": {"field": "tags", "op": "eq", "value": "札"}}
    async with locked(product, "LOCK TABLE tag IN ACCESS EXCLUSIVE MODE") as watcher:
        searches = await flood(loud.owner, 2 * HEAVY.per_tenant, "POST", "/v1/contacts/search", tag)
        await waiting(watcher, HEAVY.per_tenant)
        assert (await loud.owner.get("/v1/contacts"))["items"]
        assert (await quiet.owner.post("/v1/contacts/search", {"q": "静"}))["items"] == []
        assert await watcher.fetchval(_WAITING) == HEAVY.per_tenant
    assert await statuses(searches) == {200: len(searches)}
    assert (await loud.owner.get(f"/v1/contacts/{record['id']}"))["family_name"] == "騒"


async def test_worker_gives_way_to_the_process_that_answers(product) -> None:
    assert product.program("worker").nice() > product.program("services").nice()


async def test_places_come_back_from_clients_that_hang_up(product, companies) -> None:
    loud, _ = companies
    record = await loud.owner.post("/v1/contacts", {"family_name": "騒"})
    path = f"/v1/contacts/{record['id']}"
    for _ in range(3):
        async with locked(product, "SELECT 1 FROM contact WHERE id = $1 FOR UPDATE", record["id"]) as watcher:
            changes = await flood(
                loud.owner, 2 * LIGHT.places, "PATCH", path, {"title": "長"}, if_match='"v99"'
            )
            await waiting(watcher, LIGHT.per_tenant)
            for change in changes:
                change.cancel()
            await asyncio.gather(*changes, return_exceptions=True)
    async with locked(product, "SELECT 1 FROM contact WHERE id = $1 FOR UPDATE", record["id"]) as watcher:
        changes = await flood(loud.owner, LIGHT.places, "PATCH", path, {"title": "長"}, if_match='"v1"')
        await waiting(watcher, LIGHT.per_tenant)  # as many places as at first
    assert (await statuses(changes))[200] == 1
