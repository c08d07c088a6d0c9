"""How many exports may be under way, and that one which ends in whatever way makes room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest_asyncio

from daicho.testkit.waiting import until


@pytest_asyncio.fixture(loop_scope="session")
async def house(imports):
    return await imports.ledger.create_house()


async def export(caller: Any, status: int = 200, **given: Any) -> str:
    answer = await caller("POST", "/v1/contacts/export", given)
    assert answer.status_code == status, answer.text
    return answer.text


async def test_a_tenant_has_two_exports_under_way_at_most(imports, house, monkeypatch) -> None:
    await house.owner.make("/v1/contacts", family_name="太郎")
    log, reached, go_on = imports.ledger.rails.access_log, [], asyncio.Event()
    record = log.record

    async def held(*args: Any, **given: Any) -> None:
        reached.append(args)
        if len(reached) <= 2:
            await go_on.wait()
        await record(*args, **given)

    async def both() -> bool:
        return len(reached) == 2

    monkeypatch.setattr(log, "record", held)
    under_way = [
        asyncio.create_task(export(house.owner)),
        asyncio.create_task(export(house.admin)),
    ]
    await until(both)
    third = await house.owner("POST", "/v1/contacts/export", {})
    assert (third.status_code, third.json()["code"]) == (429, "too_many_requests")
    assert int(third.headers["retry-after"]) > 0
    go_on.set()
    other = await imports.ledger.create_house()
    await export(other.owner)
    await asyncio.gather(*under_way)
    assert (await export(house.owner)).count("太郎") == 1


async def test_an_export_that_is_refused_or_breaks_off_makes_room(imports, house, monkeypatch) -> None:
    for number in range(3):
        await house.owner.make("/v1/contacts", family_name=f"太郎{number}")
    for _ in range(3):
        await export(house.owner, 422, sort="nobody")

    async def fails(*_args: Any, **_given: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(imports.ledger.rails.access_log, "record", fails)
        for _ in range(3):
            await export(house.owner, 500)
    assert (await export(house.owner)).count("太郎") == 3
