"""An import that stopped with rows in the ledger goes on from there: nothing is doubled, nothing is lost."""

from __future__ import annotations

from uuid import UUID

import pytest
from test_customers_imports_pipeline import table
from test_customers_imports_standing import held_in_the_first_batches

from daicho.access import copy
from daicho.contracts.identity.events.v1 import events_pb2
from daicho.customers.imports import repository
from daicho.customers.imports.running import BATCH, LANES
from daicho.identity import permissions as roles
from daicho.runtime import utc_now
from daicho.tenancy import Scope

ROWS = 3 * BATCH
BEGUN = LANES * BATCH


async def stopped_halfway(imports, owner, failure: str) -> str:
    """The path of an import whose first batches are in the ledger, and which has failed."""
    made = await imports.upload(owner, "h.csv", table(*(f"H-{each},田中,,,,,," for each in range(ROWS))))
    await imports.check(owner, made["id"])
    ledger, tenant_id = imports.ledger, owner.house.tenant_id

    async def demote() -> None:
        await ledger.set_role(tenant_id, "owner", {"contacts:read": Scope.ALL})

    await held_in_the_first_batches(imports, owner, made, demote)
    await ledger.set_role(tenant_id, "owner", roles.defaults("owner"))
    async with ledger.database.transaction(tenant_id) as tx:
        await repository.set_status(tx, UUID(made["id"]), "failed", utc_now(), failure)
    return f"/v1/imports/{made['id']}"


async def codes_in_the_ledger(imports, owner) -> list[str]:
    async with imports.ledger.database.reading(owner.house.tenant_id) as tx:
        rows = await tx.driver.fetch("SELECT customer_code FROM contact")
    return sorted(row["customer_code"] for row in rows)


@pytest.mark.parametrize("failure", ["internal", "forbidden"])
async def test_what_stopped_halfway_is_neither_checked_nor_changed_and_goes_on_with_the_rest(
    imports, owner, failure
) -> None:
    path = await stopped_halfway(imports, owner, failure)
    assert (await owner("GET", path)).json()["created"] == BEGUN
    for answer in (await owner("POST", f"{path}/check"), await owner("PATCH", path, {"match_on": None})):
        assert (answer.status_code, answer.json()["code"]) == (409, "import_begun")
    done = await imports.run(owner, path.rpartition("/")[2])
    assert (done["status"], done["failure"], done["created"], done["rejected"]) == ("done", None, ROWS, 0)
    assert await codes_in_the_ledger(imports, owner) == sorted(f"H-{each}" for each in range(ROWS))


async def test_what_stopped_for_changed_fields_gives_its_remaining_rows_back_as_a_file(
    imports, owner
) -> None:
    path = await stopped_halfway(imports, owner, "fields_changed")
    await owner.make("/v1/fields", resource="contact", key="later", type="text", label="後")
    said = (await owner("GET", path, accept_language="en")).json()["failure_detail"]
    assert "Run it again" in said
    done = await imports.run(owner, path.rpartition("/")[2])
    assert (done["status"], done["created"], done["rejected"]) == ("done", BEGUN, ROWS - BEGUN)
    errors = await imports.errors(owner, done["id"], limit=200)
    assert {(each["column"], each["code"]) for each in errors} == {(None, "fields_changed")}
    left = await owner("GET", f"{path}/rejected")
    again = await imports.whole(owner, "again.csv", left.content)
    assert (again["created"], again["rejected"]) == (ROWS - BEGUN, 0)
    assert await codes_in_the_ledger(imports, owner) == sorted(f"H-{each}" for each in range(ROWS))


async def test_what_stopped_halfway_and_expired_says_how_to_get_the_rest(imports, owner) -> None:
    path = await stopped_halfway(imports, owner, "expired")
    answer = await owner("POST", f"{path}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "import_expired")
    assert (await owner("GET", path)).json()["failure_detail"] == answer.json()["detail"]


async def test_only_who_uploaded_a_file_sets_it_to_work(imports, owner) -> None:
    made = await imports.upload(owner, "o.csv", table("Y-1,田中,,,,,,"))
    path, admin = f"/v1/imports/{made['id']}", owner.house.admin
    await imports.check(owner, made["id"])
    assert (await admin("GET", path)).status_code == 200
    for answer in (
        await admin("PATCH", path, {"match_on": None}),
        await admin("POST", f"{path}/check"),
        await admin("POST", f"{path}/run"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "import_of_another")
    assert (await imports.run(owner, made["id"]))["created"] == 1


async def test_a_run_is_refused_when_its_user_may_no_longer_write_a_mapped_field(imports, owner) -> None:
    await owner.make(
        "/v1/fields", resource="contact", key="inner", type="text", label="社内", write_roles=["owner"]
    )
    made = await imports.upload(owner, "w.csv", table("W-1,田中,あと", header="顧客番号,姓,社内"))
    assert (await imports.check(owner, made["id"]))["valid"] == 1
    async with imports.ledger.database.transaction(owner.house.tenant_id) as tx:
        user = events_pb2.UserChanged(user_id=owner.user_id.bytes, role="admin")
        await copy.write_user(tx, user, 2)
    answer = await owner("POST", f"/v1/imports/{made['id']}/run")
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/mapping/2/field"]
