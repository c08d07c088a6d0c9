"""The index key rotates by an operator's commands, and search finds everything at every step."""

from __future__ import annotations

import argparse
import asyncio
import io

import pytest

from daicho.customers.reindexing import rewrite_tokens
from daicho.customers.sealed import SEALED
from daicho.keyring import cli
from daicho.tenancy import Database

COLUMNS, REWRITES = {"customers": SEALED}, {"customers": rewrite_tokens}


@pytest.fixture
def command(ledger, house, openbao_server, openbao_roles):
    role_id, secret_id = openbao_roles["customers"]
    environ = {
        "DAICHO_DATABASE_URL": ledger.made.app_url,
        "DAICHO_VAULT_ADDR": openbao_server.address,
        "DAICHO_VAULT_ROLE_ID": role_id,
        "DAICHO_VAULT_SECRET_ID": secret_id,
    }

    async def run(word: str) -> tuple[int, str]:
        parser, out = argparse.ArgumentParser(), io.StringIO()
        cli.configure(parser, COLUMNS, REWRITES)
        parsed = parser.parse_args([word, "--service", "customers", "--tenant", str(house.tenant_id)])
        return await asyncio.to_thread(cli.run, parsed, environ, COLUMNS, REWRITES, out=out), out.getvalue()

    return run


async def pass_time(ledger, house) -> None:
    """A quarter of an hour: keys have settled, and the service has dropped what it held."""
    async with ledger.database.transaction(house.tenant_id) as tx:
        await tx.driver.execute(
            "UPDATE data_key SET created_at = created_at - interval '15 minutes 1 second'"
        )
    ledger.keyring.forget(house.tenant_id)


async def tokens_in(database: Database, house) -> set[int]:
    async with database.reading(house.tenant_id) as tx:
        rows = await tx.driver.fetch("SELECT tokens FROM contact UNION ALL SELECT tokens FROM company")
    return {token for row in rows for token in row["tokens"]}


async def test_search_finds_everything_before_during_and_after_and_the_old_tokens_go(
    ledger, house, command
) -> None:
    made: dict[str, list[str]] = {"contacts": [], "companies": []}

    async def add(step: str) -> None:
        contact = await house.owner.make(
            "/v1/contacts", family_name=f"輪番{step}", company_name=f"輪番商事{step}"
        )
        made["contacts"].insert(0, contact["id"])
        made["companies"].insert(0, contact["company_id"])

    async def finds_all() -> None:
        for resource, ids in made.items():
            answer = await house.reader("POST", f"/v1/{resource}/search", {"q": "輪番"})
            assert [item["id"] for item in answer.json()["items"]] == ids

    await add("前")
    binned = await house.owner.make("/v1/contacts", family_name="輪番屑")
    await house.owner("DELETE", f"/v1/contacts/{binned['id']}", **{"if-match": '"v1"'})
    await finds_all()
    old = await tokens_in(ledger.database, house)

    status, text = await command("rotate-index")
    assert (status, text.splitlines()[0]) == (0, "customers: index key 2 is written beside the old one.")
    await add("始")  # by a process that has not heard of the new key
    status, text = await command("reindex")
    assert status == 1
    assert text.startswith("Too early")
    await finds_all()

    await pass_time(ledger, house)
    await add("両")
    await finds_all()
    status, text = await command("reindex")
    assert (status, text.splitlines()[0]) == (0, "5 records have new tokens.")
    await finds_all()  # by a process that still looks for the old tokens
    ledger.keyring.forget(house.tenant_id)
    await add("新")
    await finds_all()
    assert (await command("reindex"))[0] == 1

    await pass_time(ledger, house)
    await add("後")
    await finds_all()
    assert await command("reindex") == (
        0,
        "9 records have new tokens.\nEvery record has the tokens of one index key alone.\n",
    )
    assert not old & await tokens_in(ledger.database, house)
    await finds_all()
    back = await house.owner("POST", f"/v1/contacts/{binned['id']}/restore", **{"if-match": '"v2"'})
    assert back.status_code == 200, back.text
    made["contacts"].insert(len(made["contacts"]) - 1, binned["id"])
    await finds_all()
    assert (await command("reindex"))[1].startswith("0 records")
