"""What an operator's commands do and say."""

import argparse
import asyncio
import io
from uuid import UUID

import pytest

from daicho.keyring import ACCESS_KEY, Keyring, SealedColumn, bus_key, cli
from daicho.keyring.blob import version_of
from daicho.tenancy import Database

COLUMNS = {"customers": (SealedColumn(table="note", column="card", name="card"),), "identity": ()}
ROW = UUID(int=7)


@pytest.fixture
def command(made, openbao_server, openbao_roles, tenant):
    role_id, secret_id = openbao_roles["customers"]
    environ = {
        "DAICHO_DATABASE_URL": made.app_url,
        "DAICHO_VAULT_ADDR": openbao_server.address,
        "DAICHO_VAULT_ROLE_ID": role_id,
        "DAICHO_VAULT_SECRET_ID": secret_id,
    }

    async def run(*words: str, **settings: str) -> tuple[int, str]:
        parser, out = argparse.ArgumentParser(), io.StringIO()
        cli.configure(parser, COLUMNS, {})
        parsed = parser.parse_args([*words, "--service", "customers", "--tenant", str(tenant)])
        status = await asyncio.to_thread(cli.run, parsed, {**environ, **settings}, COLUMNS, {}, out=out)
        return status, out.getvalue()

    return run


async def test_a_rotation_seals_anew_what_was_stored_but_not_too_early(
    command, made, transits, tenant
) -> None:
    database = await Database.open(made.app_url)
    keys = await Keyring(transits["customers"], database).open(tenant)
    async with database.transaction(tenant) as tx:
        sealed = keys.seal("note", ROW, "card", b"data")
        await tx.driver.execute(
            "INSERT INTO note (tenant_id, id, version, card) VALUES ($1, $2, 1, $3)", tenant, ROW, sealed
        )
    status, text = await command("rotate")
    assert (status, text.splitlines()[0]) == (
        0,
        "customers: data key 2 seals in 10 minutes.",
    )
    assert text.splitlines()[-1] == "6 data keys wrapped anew."
    status, text = await command("reseal")
    assert status == 1
    assert text.startswith("Too early")
    async with database.transaction(tenant) as tx:
        await tx.driver.execute("UPDATE data_key SET created_at = created_at - interval '15 minutes'")
    assert await command("reseal") == (0, "note.card: 1 sealed anew by data key 2\n")
    async with database.reading(tenant) as tx:
        stored = await tx.driver.fetchval("SELECT card FROM note")
    assert version_of(stored) == 2
    opened = await Keyring(transits["customers"], database).open(tenant)
    assert opened.unseal("note", ROW, "card", stored) == b"data"
    await database.close()


async def test_the_commands_say_what_they_lack(command) -> None:
    status, text = await command("rotate", DAICHO_VAULT_ADDR="")
    assert (status, text) == (2, "DAICHO_VAULT_ADDR not set: run it with the settings of customers.\n")
    status, text = await command("rotate", DAICHO_VAULT_SECRET_ID="wrong")
    assert (status, text) == (1, "The key store is away, or refuses this tenant and service.\n")


async def test_the_key_of_access_tokens_gets_a_new_version(
    made, openbao_server, openbao_roles, transits
) -> None:
    role_id, secret_id = openbao_roles["identity"]
    environ = {
        "DAICHO_DATABASE_URL": made.app_url,
        "DAICHO_VAULT_ADDR": openbao_server.address,
        "DAICHO_VAULT_ROLE_ID": role_id,
        "DAICHO_VAULT_SECRET_ID": secret_id,
    }
    before = await transits["identity"].public_keys(ACCESS_KEY)
    parser, out = argparse.ArgumentParser(), io.StringIO()
    cli.configure(parser, COLUMNS, {})
    parsed = parser.parse_args(["rotate-signing"])
    assert await asyncio.to_thread(cli.run, parsed, environ, COLUMNS, {}, out=out) == 0
    after = await transits["identity"].public_keys(ACCESS_KEY)
    assert set(after) - set(before) == {max(before) + 1}
    assert out.getvalue().startswith(f"Version {max(after)} of the key of access tokens is published")


async def test_key_of_a_services_events_gets_a_new_version(openbao_server, openbao_roles, transits) -> None:
    environ = {
        "DAICHO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DAICHO_VAULT_ADDR": openbao_server.address,
        "DAICHO_VAULT_ROLE_ID": openbao_roles["customers"][0],
        "DAICHO_VAULT_SECRET_ID": openbao_roles["customers"][1],
    }
    before = max(await transits["customers"].public_keys(bus_key("customers")))
    parser, out = argparse.ArgumentParser(), io.StringIO()
    cli.configure(parser, COLUMNS, {})
    parsed = parser.parse_args(["rotate-bus", "--service", "customers"])
    assert await asyncio.to_thread(cli.run, parsed, environ, COLUMNS, {}, out=out) == 0
    assert out.getvalue().startswith(f"customers: version {before + 1} of bus-customers")
    assert max(await transits["audit"].public_keys(bus_key("customers"))) == before + 1
