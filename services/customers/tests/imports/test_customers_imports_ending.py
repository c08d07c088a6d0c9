"""How imports end, who hears of it, and who has looked at what of a file."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from service_world import outbox
from test_customers_imports_pipeline import table

from daicho.access import copy
from daicho.contracts.audit.events.v1.events_pb2 import Accessed
from daicho.contracts.customers.events.v1.events_pb2 import ImportChanged
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.customers.imports import repository
from daicho.customers.imports.callers import Asker
from daicho.customers.imports.checking import Checking
from daicho.customers.imports.completing import RowsMissing, complete_rejections
from daicho.customers.imports.naming import People
from daicho.keyring import FileStore
from daicho.runtime import utc_now
from daicho.tenancy import Actor, UserId


async def asking_for(imports, owner, made) -> tuple[Asker, repository.Import]:
    """Who asked for the import ``made``, and the import as it stands."""
    ledger, tenant_id = imports.ledger, owner.house.tenant_id
    keys = await ledger.keyring.open(tenant_id)
    async with ledger.database.reading(tenant_id) as tx:
        found = await repository.read_import(tx, keys, UUID(made["id"]))
    actor = Actor(tenant_id=tenant_id, kind="user", user_id=UserId(owner.user_id))
    return Asker(ledger.database, ledger.keyring, actor, "contact"), found


async def ends_of(imports, import_id: str) -> list[tuple[str, int]]:
    """What was told of the import: (status, rows)."""
    found = [
        ImportChanged.FromString(each.payload)
        for each in await outbox(imports.ledger)
        if each.type.endswith("ImportChanged")
    ]
    return [(each.status, each.rows) for each in found if each.import_id == UUID(import_id).bytes]


async def test_a_late_worker_does_not_fail_what_another_has_checked(imports, owner) -> None:
    made = await imports.upload(owner, "l.csv", table("L-1,田中,,,,,,"))
    assert (await imports.check(owner, made["id"]))["status"] == "checked"
    asker, found = await asking_for(imports, owner, made)
    store, ledger = FileStore(imports.folder), imports.ledger
    await store.delete(owner.house.tenant_id, found.id)
    catalogue, files = ledger.parts.state["imports"].catalogue, ledger.parts.state["imports"].files
    checking = Checking(ledger.database, store, files, catalogue, People(imports.users), utc_now)
    await checking.check(asker, found)
    after = (await owner("GET", f"/v1/imports/{made['id']}")).json()
    assert (after["status"], after["failure"]) == ("checked", None)
    assert await ends_of(imports, made["id"]) == []


async def test_an_import_that_fails_and_one_that_is_deleted_are_told(imports, owner) -> None:
    made = await imports.upload(owner, "f.csv", table("F-1,田中,,,,,,"))
    await FileStore(imports.folder).delete(owner.house.tenant_id, UUID(made["id"]))
    failed = await imports.check(owner, made["id"])
    assert (failed["status"], failed["failure"]) == ("failed", "file_missing")
    assert (await owner("DELETE", f"/v1/imports/{made['id']}")).status_code == 204
    assert await ends_of(imports, made["id"]) == [("failed", 0), ("deleted", 0)]


async def test_rows_that_the_file_does_not_have_end_the_reading_of_it(imports, owner) -> None:
    made = await imports.upload(owner, "r.csv", table("R-1,田中,,,,,,"))
    asker, found = await asking_for(imports, owner, made)
    async with imports.ledger.database.transaction(owner.house.tenant_id) as tx:
        await tx.driver.execute(
            "INSERT INTO import_rejected (tenant_id, import_id, number, line, conflict) "
            "VALUES ($1, $2, 99, 99, 'customer_code')",
            tx.tenant_id,
            found.id,
        )
    store, files = FileStore(imports.folder), imports.ledger.parts.state["imports"].files
    async with asyncio.timeout(30):
        with pytest.raises(RowsMissing):
            await complete_rejections(imports.ledger.database, store, files, asker, found)


async def test_rejected_rows_of_a_tab_separated_file_are_sent_as_such(imports, owner) -> None:
    data = table("T-1,,,,,,,", "T-2,林,,,,,,").replace(b",", b"\t")
    found = await imports.whole(owner, "t.tsv", data)
    assert found["rejected"] == 1
    answer = await owner("GET", f"/v1/imports/{found['id']}/rejected")
    assert answer.headers["content-type"].startswith("text/tab-separated-values")


async def test_who_looks_at_an_import_with_its_samples_is_entered(imports, owner) -> None:
    made = await imports.upload(owner, "s.csv", table("S-1,田中,,,,,,"))
    path = f"/v1/imports/{made['id']}"
    assert (await owner("GET", path)).status_code == 200
    assert (await owner("PATCH", path, {"match_on": None})).status_code == 200
    assert len((await owner("GET", "/v1/imports")).json()["items"]) == 1
    entered = [
        Accessed.FromString(each.payload)
        for each in await outbox(imports.ledger, "access_outbox")
        if each.tenant_id == owner.house.tenant_id.bytes
    ]
    assert [(each.action, list(each.ids)) for each in entered] == [
        (action, [UUID(made["id"]).bytes]) for action in ("import.open", "import.open", "import.list")
    ]


async def test_text_that_is_longer_than_any_name_is_an_unknown_user_and_nobody_is_asked(
    imports, owner
) -> None:
    """An owner's cell of 30 kB, a thousand times, was more than a message to identity holds."""
    made = await imports.upload(owner, "n.csv", table(f"N-1,田中,,,,,{'x' * 30_000},", "N-2,林,,,,,,"))
    assert (await imports.check(owner, made["id"]))["valid"] == 1
    errors = [(each["row"], each["column"], each["code"]) for each in await imports.errors(owner, made["id"])]
    assert errors == [(1, "担当", "unknown_user")]


async def test_nothing_is_given_to_an_owner_who_was_disabled_since_the_check(imports, owner) -> None:
    house = owner.house
    await owner.make("/v1/contacts", family_name="鈴木", customer_code="G-2")
    imports.users.by_name = {"mate@example.jp": [house.mate.user_id]}
    rows = ("G-1,田中,,,,,mate@example.jp,", "G-2,鈴木,花子,,,,mate@example.jp,", "G-3,林,,,,,,")
    made = await imports.upload(owner, "g.csv", table(*rows))
    patch = {"match_on": "customer_code", "on_match": "update"}
    assert (await owner("PATCH", f"/v1/imports/{made['id']}", patch)).status_code == 200
    assert (await imports.check(owner, made["id"]))["valid"] == 3
    async with imports.ledger.database.transaction(house.tenant_id) as tx:
        user = events_pb2.UserChanged(user_id=house.mate.user_id.bytes, role="member", disabled=True)
        await copy.write_user(tx, user, 2)
    done = await imports.run(owner, made["id"])
    assert (done["status"], done["created"], done["updated"], done["rejected"]) == ("done", 1, 0, 2)
    errors = [(each["row"], each["column"], each["code"]) for each in await imports.errors(owner, made["id"])]
    assert errors == [(1, "担当", "unknown_user"), (2, "担当", "unknown_user")]
    owners = {each["customer_code"]: each["owner_id"] for each in await imports.all_of(owner, "contacts")}
    assert owners == {"G-2": str(owner.user_id), "G-3": str(owner.user_id)}
