"""Custom fields that change while an import runs."""

from __future__ import annotations

import asyncio
from uuid import UUID

from service_world import comes_to_wait

from daicho.customers.definitions.schemas import FieldPatch

FILE = "姓,座右の銘\r\n田中,秘すれば花\r\n".encode()


async def test_a_batch_waits_for_a_change_of_fields_and_writes_nothing_by_the_old_ones(imports) -> None:
    house = await imports.ledger.create_house()
    field = await house.owner.make(
        "/v1/fields", resource="contact", key="motto", type="text", label="座右の銘"
    )
    made = await imports.upload(house.owner, "f.csv", FILE)
    assert (await imports.check(house.owner, made["id"]))["valid"] == 1
    async with imports.ledger.database.transaction(house.tenant_id) as tx:
        patch = FieldPatch(sensitive=True)
        await imports.ledger.parts.state["fields"].change_field(tx, UUID(field["id"]), 1, patch)
        run = asyncio.create_task(imports.run(house.owner, made["id"]))
        assert await comes_to_wait(imports.ledger, run)
        run.cancel()
    stopped = await imports.follow(house.owner, made["id"], "done")
    assert (stopped["status"], stopped["created"]) == ("failed", 0)
