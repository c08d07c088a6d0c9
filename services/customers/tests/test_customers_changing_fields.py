"""Custom fields that change, and records that go, while others are at work."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from service_world import comes_to_wait

from daicho.customers.contacts.schemas import ContactInput, ContactPatch
from daicho.customers.definitions.schemas import FieldPatch
from daicho.customers.finding import finder
from daicho.customers.reader import Reader
from daicho.jobs import Job
from daicho.tenancy import Actor, Grants, Scope, UserId


@pytest.fixture
async def house(ledger):
    """A tenant of its own, without fields."""
    return await ledger.create_house()


@pytest.fixture
async def motto(house):
    """A plain field."""
    return await house.admin.make(
        "/v1/fields", resource="contact", key="motto", label="座右の銘", type="text"
    )


async def plain_values(ledger: Any, house: Any, key: str) -> int:
    """How many values of a field are stored unsealed."""
    async with ledger.database.reading(house.tenant_id) as tx:
        return await tx.driver.fetchval(
            "SELECT count(*) FROM contact WHERE tenant_id = $1 AND custom ? $2", tx.tenant_id, key
        )


async def rewrite(ledger: Any, house: Any, field: Any) -> None:
    """The job that a change of ``field`` put down."""
    job = Job("rewrite_records", house.tenant_id, UUID(field["id"]), 0)
    await ledger.parts.jobs["rewrite_records"].handler(job)


async def owner_of(ledger: Any, house: Any) -> tuple[Actor, Reader]:
    """The owner, to act in a transaction that the test ends."""
    user = UserId(house.owner.user_id)
    may = {f"contacts:{verb}": Scope.ALL for verb in ("create", "read", "update")}
    grants = Grants(scopes=may, role="owner", user_id=user)
    return Actor(tenant_id=house.tenant_id, kind="user", user_id=user), Reader(
        await ledger.keyring.open(house.tenant_id), grants
    )


async def mark_sensitive(ledger: Any, tx: Any, field: Any) -> None:
    await ledger.parts.state["fields"].change_field(tx, UUID(field["id"]), 1, FieldPatch(sensitive=True))


async def test_a_field_becomes_sensitive_only_after_a_write_that_began_before(ledger, house, motto) -> None:
    """So the job that seals what is stored finds the record."""
    contacts = ledger.parts.state["contacts"].records
    actor, reader = await owner_of(ledger, house)
    async with ledger.database.transaction(actor) as tx:
        await contacts.create(tx, reader, ContactInput(family_name="先", custom={"motto": "秘すれば花"}))
        path = f"/v1/fields/{motto['id']}"
        change = asyncio.create_task(house.admin("PATCH", path, {"sensitive": True}, if_match='"v1"'))
        assert await comes_to_wait(ledger, change)
    assert (await change).status_code == 200
    await rewrite(ledger, house, motto)
    assert await plain_values(ledger, house, "motto") == 0


async def test_a_new_record_waits_for_a_change_of_fields_and_goes_by_it(ledger, house, motto) -> None:
    body = {"family_name": "新", "custom": {"motto": "秘すれば花"}}
    async with ledger.database.transaction(house.tenant_id) as tx:
        await mark_sensitive(ledger, tx, motto)
        write = asyncio.create_task(house.owner("POST", "/v1/contacts", body))
        assert await comes_to_wait(ledger, write)
    assert (await write).status_code == 201
    assert await plain_values(ledger, house, "motto") == 0


@pytest.mark.parametrize("step", ["change", "restore"])
async def test_a_changed_record_waits_for_a_change_of_fields_and_goes_by_it(
    ledger, house, motto, step
) -> None:
    made = await house.owner.make("/v1/contacts", family_name="変", custom={"motto": "初心"})
    path = f"/v1/contacts/{made['id']}"
    if step == "restore":
        await house.owner("DELETE", path, if_match='"v1"')
    async with ledger.database.transaction(house.tenant_id) as tx:
        await mark_sensitive(ledger, tx, motto)
        write = asyncio.create_task(
            house.owner("POST", f"{path}/restore")
            if step == "restore"
            else house.owner("PATCH", path, {"custom": {"motto": "秘すれば花"}}, if_match='"v1"')
        )
        assert await comes_to_wait(ledger, write)
    assert (await write).status_code == 200
    assert await plain_values(ledger, house, "motto") == 0


async def test_the_first_field_of_a_tenant_waits_for_writes_too(ledger, house) -> None:
    """There is no revision yet that a row lock could hold."""
    body = {"resource": "contact", "key": "first", "label": "x", "type": "text"}
    made = await house.owner.make("/v1/contacts", family_name="初")
    contacts = ledger.parts.state["contacts"].records
    actor, reader = await owner_of(ledger, house)
    async with ledger.database.transaction(actor) as tx:
        await contacts.change(tx, reader, UUID(made["id"]), 1, ContactPatch(title="長"))
        create = asyncio.create_task(house.admin("POST", "/v1/fields", body))
        assert await comes_to_wait(ledger, create)
    assert (await create).status_code == 201


async def test_history_keeps_the_values_of_a_field_from_one_that_has_its_key_later(ledger, house) -> None:
    body = {"resource": "contact", "key": "pay", "label": "給与", "type": "integer"}
    kept = await house.owner.make("/v1/fields", **body, read_roles=["owner"], write_roles=["owner"])
    made = await house.owner.make("/v1/contacts", family_name="給", custom={"pay": 700})
    path = f"/v1/contacts/{made['id']}"
    assert (await house.owner("DELETE", f"/v1/fields/{kept['id']}", if_match='"v1"')).status_code == 204
    await rewrite(ledger, house, kept)
    await house.admin.make("/v1/fields", **body)
    changed = await house.admin("PATCH", path, {"custom": {"pay": 3}}, if_match='"v1"')
    assert changed.status_code == 200, changed.text
    steps = (await house.admin("GET", f"{path}/history")).json()["items"]
    assert [step["changes"].get("custom.pay") for step in steps] == [[None, 3], None]


async def test_a_record_that_is_binned_while_a_page_is_made_is_not_on_it(house, monkeypatch) -> None:
    await house.admin.make(
        "/v1/fields", resource="contact", key="illness", label="病歴", type="text", sensitive=True
    )
    gone, stays = [
        await house.owner.make("/v1/contacts", family_name=name, custom={"illness": "花粉症"})
        for name in ("去", "留")
    ]
    opened = finder._Look.open

    async def binned_before(look: Any, ids: Any) -> Any:
        assert UUID(gone["id"]) in ids
        answer = await house.owner("DELETE", f"/v1/contacts/{gone['id']}", if_match='"v1"')
        assert answer.status_code == 204
        async for part in opened(look, ids):
            yield part

    monkeypatch.setattr(finder._Look, "open", binned_before)
    asked = {"filter": {"field": "custom.illness", "op": "eq", "value": "花粉症"}}
    answer = await house.owner("POST", "/v1/contacts/search", asked)
    assert [item["id"] for item in answer.json()["items"]] == [stays["id"]]
