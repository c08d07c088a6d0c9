"""What holds while a run is under way: keys, permissions, and what others do to the ledger meanwhile."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from test_customers_imports_pipeline import table

from daicho.access import copy
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue, claim
from daicho.customers.imports import repository
from daicho.customers.imports.callers import Asker
from daicho.customers.imports.running import BATCH, LANES, Running
from daicho.faults import Forbidden
from daicho.identity import permissions as roles
from daicho.keyring import FileStore, Keyring, KeysUnavailable
from daicho.runtime import utc_now
from daicho.tenancy import Actor, Scope, UserId
from daicho.testkit.waiting import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"import\"%'"
HOLDING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%pg_advisory_xact_lock_shared%'"


async def running_by_hand(imports, owner, made):
    """The run of a checked import, its keys asked for anew each time, and the coroutine that does it."""
    ledger, tenant_id = imports.ledger, owner.house.tenant_id
    keyring = Keyring(ledger.rails.transit, ledger.database, ttl=0)
    catalogue = Catalogue()
    store, files = FileStore(imports.folder), ledger.parts.state["imports"].files
    running = Running(ledger.database, store, files, catalogue, Companies(catalogue, utc_now), utc_now)
    keys = await keyring.open(tenant_id)
    async with ledger.database.transaction(tenant_id) as tx:
        await repository.set_status(tx, UUID(made["id"]), "running", utc_now())
        found = await repository.read_import(tx, keys, UUID(made["id"]))
    actor = Actor(tenant_id=tenant_id, kind="user", user_id=UserId(owner.user_id))
    return running.run(Asker(ledger.database, keyring, actor, "contact"), found)


async def held_in_the_first_batches(imports, owner, made, meanwhile) -> list[BaseException | None]:
    """Runs until each lane's first batch waits for us, does ``meanwhile``, and lets go."""
    work = await running_by_hand(imports, owner, made)
    async with imports.ledger.database.transaction(owner.house.tenant_id) as tx:
        await tx.driver.execute(
            'SELECT 1 FROM "import" WHERE tenant_id = $1 AND id = $2 FOR UPDATE',
            tx.tenant_id,
            UUID(made["id"]),
        )
        task = asyncio.create_task(work)

        async def both_wait() -> bool:
            async with imports.ledger.database.tenantless() as other:
                return await other.driver.fetchval(WAITING) >= LANES

        await until(both_wait)
        await meanwhile()
    return await asyncio.gather(task, return_exceptions=True)


async def test_a_run_ends_with_its_batch_when_the_tenants_key_is_destroyed(imports, owner) -> None:
    rows = [f"B-{number},田中,,,,,," for number in range(4 * BATCH)]
    made = await imports.upload(owner, "b.csv", table(*rows))
    await imports.check(owner, made["id"])

    async def destroy() -> None:
        await imports.ledger.owner_of_keys.delete_tenant_key(owner.house.tenant_id)

    (failure,) = await held_in_the_first_batches(imports, owner, made, destroy)
    assert isinstance(failure, KeysUnavailable)
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM contact") == LANES * BATCH


async def test_a_run_ends_with_its_batch_when_its_user_may_no_longer_import(imports, owner) -> None:
    rows = [f"B-{number},田中,,,,,," for number in range(4 * BATCH)]
    made = await imports.upload(owner, "b.csv", table(*rows))
    await imports.check(owner, made["id"])

    async def demote() -> None:
        await imports.ledger.set_role(owner.house.tenant_id, "owner", {"contacts:read": Scope.ALL})

    (failure,) = await held_in_the_first_batches(imports, owner, made, demote)
    assert isinstance(failure, Forbidden)
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM contact") == LANES * BATCH


async def stopped(imports, owner, made, meanwhile):
    """The import after a run during which ``meanwhile`` happened while each lane's first batch was in its transaction."""
    async with imports.ledger.database.transaction(owner.house.tenant_id) as tx:
        await claim(tx, "contact")
        assert (await owner("POST", f"/v1/imports/{made['id']}/run")).status_code == 202

        async def both_wait() -> bool:
            async with imports.ledger.database.tenantless() as other:
                return await other.driver.fetchval(HOLDING) >= LANES

        await until(both_wait)
        await meanwhile()
    return await imports.follow(owner, made["id"], "done")


@pytest.mark.parametrize(
    "less",
    [
        {"contacts:create": Scope.NONE},
        {"contacts:update": Scope.NONE},
        {"contacts:create": Scope.OWN},
        {"contacts:read": Scope.TEAM},
    ],
)
async def test_a_run_ends_with_its_batch_when_its_user_may_write_less(imports, owner, less) -> None:
    rows = [f"B-{number},田中,,,,,," for number in range(4 * BATCH)]
    made = await imports.upload(owner, "b.csv", table(*rows))
    await imports.check(owner, made["id"])

    async def demote() -> None:
        await imports.ledger.set_role(owner.house.tenant_id, "owner", {**roles.defaults("owner"), **less})

    found = await stopped(imports, owner, made, demote)
    assert (found["status"], found["failure"]) == ("failed", "rights_lost")
    # A lane that stops ends the other one too, whose batch is then rolled back as a whole.
    assert (found["created"] in {BATCH, LANES * BATCH}, found["rejected"]) == (True, 0)
    assert "残っています" in found["failure_detail"]
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM contact") == found["created"]


async def test_a_run_ends_with_its_batch_when_its_user_may_no_longer_write_a_mapped_field(
    imports, owner
) -> None:
    await owner.make(
        "/v1/fields", resource="contact", key="inner", type="text", label="社内", write_roles=["owner"]
    )
    rows = [f"B-{number},田中,秘" for number in range(4 * BATCH)]
    made = await imports.upload(owner, "b.csv", table(*rows, header="顧客番号,姓,社内"))
    await imports.check(owner, made["id"])

    async def move() -> None:
        async with imports.ledger.database.transaction(owner.house.tenant_id) as tx:
            user = events_pb2.UserChanged(user_id=owner.user_id.bytes, role="admin")
            await copy.write_user(tx, user, 2)

    found = await stopped(imports, owner, made, move)
    assert (found["status"], found["failure"]) == ("failed", "field_rights_lost")
    assert (found["created"] in {BATCH, LANES * BATCH}, found["rejected"]) == (True, 0)
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        assert await tx.driver.fetchval("SELECT count(*) FROM contact") == found["created"]


async def test_a_run_that_lost_rights_goes_on_with_what_is_left_of_them(imports, owner) -> None:
    rows = [f"B-{number},田中,,,,,," for number in range(3 * BATCH)]
    made = await imports.upload(owner, "b.csv", table(*rows))
    await imports.check(owner, made["id"])

    async def demote() -> None:
        less = {**roles.defaults("owner"), "contacts:create": Scope.OWN}
        await imports.ledger.set_role(owner.house.tenant_id, "owner", less)

    assert (await stopped(imports, owner, made, demote))["failure"] == "rights_lost"
    done = await imports.run(owner, made["id"])
    assert (done["status"], done["created"], done["rejected"]) == ("done", 3 * BATCH, 0)


async def test_what_its_user_may_no_longer_create_is_refused_row_by_row(imports, owner) -> None:
    made = await imports.upload(owner, "m.csv", table("M-1,田中,,,,,,"))
    await imports.check(owner, made["id"])
    may = {"contacts:import": Scope.ALL, "contacts:read": Scope.ALL}
    await imports.ledger.set_role(owner.house.tenant_id, "owner", may)
    await (await running_by_hand(imports, owner, made))
    done = (await owner("GET", f"/v1/imports/{made['id']}")).json()
    assert (done["status"], done["created"], done["rejected"]) == ("done", 0, 1)
    errors = await imports.errors(owner, made["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [(1, "担当", "not_permitted")]


async def test_who_may_create_nothing_hears_so_from_the_check(imports, owner) -> None:
    house, may = owner.house, {"contacts:import": Scope.ALL, "contacts:read": Scope.ALL}
    await imports.ledger.set_role(house.tenant_id, "member", may)
    made = await imports.upload(house.member, "m.csv", table("M-1,田中,,,,,,"))
    checked = await imports.check(house.member, made["id"])
    assert (checked["valid"], checked["rejected"]) == (0, 1)
    assert [each["code"] for each in await imports.errors(house.member, made["id"])] == ["not_permitted"]


async def test_two_rows_that_mean_one_record_by_two_of_its_mails_change_it_one_after_the_other(
    imports, owner
) -> None:
    contact = await owner.make(
        "/v1/contacts",
        family_name="田中",
        emails=[{"address": "a@example.jp"}, {"address": "b@example.jp"}],
    )
    data = table(",田中,一郎,,a@example.jp,,,", ",田中,,,b@example.jp,03-1234-5678,,甲").replace(
        "顧客番号".encode("cp932"), "番号外".encode("cp932")
    )
    found = await imports.whole(owner, "t.csv", data, match_on="email", on_match="update")
    assert (found["updated"], found["rejected"]) == (2, 0)
    after = (await owner("GET", f"/v1/contacts/{contact['id']}")).json()
    assert (after["given_name"], after["tags"], after["version"]) == ("一郎", ["甲"], 3)
    assert [each["number"] for each in after["phones"]] == ["+81312345678"]


async def test_a_value_that_somebody_took_since_the_check_refuses_the_change_alone(imports, owner) -> None:
    await owner.make("/v1/fields", resource="contact", key="card", type="text", label="会員", unique=True)
    for number in (1, 2, 3):
        await owner.make("/v1/contacts", family_name="田中", emails=[{"address": f"u{number}@example.jp"}])
    rows = [f"V-{number},田中,太郎,u{number}@example.jp,C-{number}" for number in (1, 2, 3)]
    data = table(*rows, header="顧客番号,姓,名,メールアドレス,会員")
    made = await imports.upload(owner, "v.csv", data)
    patch = {"match_on": "email", "on_match": "update"}
    assert (await owner("PATCH", f"/v1/imports/{made['id']}", patch)).status_code == 200
    await imports.check(owner, made["id"])
    await owner.make("/v1/contacts", family_name="先客", customer_code="V-1")
    await owner.make("/v1/contacts", family_name="先客", custom={"card": "C-2"})
    done = await imports.run(owner, made["id"])
    assert (done["status"], done["updated"], done["rejected"]) == ("done", 1, 2)
    errors = await imports.errors(owner, made["id"])
    assert [(each["row"], each["column"], each["code"]) for each in errors] == [
        (1, "顧客番号", "not_unique"),
        (2, "会員", "not_unique"),
    ]


async def test_an_updated_record_is_found_by_its_new_values_and_not_by_its_old_ones(imports, owner) -> None:
    first = table(
        "N-1,田中,,,old@example.jp,,,甲", header="顧客番号,姓,名,会社名,メールアドレス,電話番号,担当,タグ"
    )
    await imports.whole(owner, "n.csv", first)
    header = "顧客番号,姓,登録日,ランク,累計購入額"
    for values in ("2024/4/1,S,1000", "2025/4/1,A,2000"):
        found = await imports.whole(
            owner,
            "n.csv",
            table(f"N-1,田中,{values}", header=header),
            match_on="customer_code",
            on_match="update",
        )
        assert found["updated"] == 1
    for condition, count in (
        ({"field": "custom.registered_on", "op": "eq", "value": "2025-04-01"}, 1),
        ({"field": "custom.registered_on", "op": "eq", "value": "2024-04-01"}, 0),
        ({"field": "custom.rank", "op": "eq", "value": "A"}, 1),
        ({"field": "custom.rank", "op": "eq", "value": "S"}, 0),
    ):
        answer = await owner("POST", "/v1/contacts/search", {"filter": condition})
        assert len(answer.json()["items"]) == count, (condition, answer.text)


async def test_contacts_are_found_by_the_name_that_an_import_gave_their_company(imports, owner) -> None:
    await owner.make("/v1/companies", name="旧社名商事", corporate_number="7000012050002")
    contact = await owner.make("/v1/contacts", family_name="田中", company_name="旧社名商事")
    data = "法人番号,会社名\r\n7000012050002,新社名商事\r\n".encode("cp932")
    found = await imports.whole(
        owner, "c.csv", data, "company", match_on="corporate_number", on_match="update"
    )
    assert found["updated"] == 1
    async with imports.ledger.database.tenantless() as tx:
        jobs = await tx.driver.fetch("SELECT entrypoint FROM pgqueuer WHERE entrypoint = 'reindex_contacts'")
    assert len(jobs) == 1, contact["id"]
