"""Keys come from a real OpenBao; what they seal opens in its place and nowhere else."""

import asyncio
from uuid import UUID

import pytest

from daicho.keyring import KeyRefused, Keyring, KeysUnavailable, Tampered
from daicho.tenancy import TenantId, uuid7

from .conftest import create_tables

ROW = UUID(int=7)


async def test_what_was_sealed_opens_in_its_place(ring, tenant) -> None:
    keys = await ring.open(tenant)
    sealed = keys.seal("contact", ROW, "card", b"secret")
    assert b"secret" not in sealed
    assert keys.unseal("contact", ROW, "card", sealed) == b"secret"


async def test_a_blob_in_another_row_field_table_or_tenant_is_tampered(ring, tenant, transits) -> None:
    keys = await ring.open(tenant)
    sealed = keys.seal("contact", ROW, "card", b"secret")
    for place in (("contact", UUID(int=8), "card"), ("contact", ROW, "rest"), ("company", ROW, "card")):
        with pytest.raises(Tampered):
            keys.unseal(*place, sealed)
    with pytest.raises(Tampered):
        keys.unseal("contact", ROW, "card", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    other = TenantId(uuid7())
    await transits["identity"].create_tenant_key(other)
    with pytest.raises(Tampered):
        (await ring.open(other)).unseal("contact", ROW, "card", sealed)


async def test_two_processes_that_make_the_first_keys_end_with_the_same_ones(
    transits, database, tenant
) -> None:
    rings = [Keyring(transits["customers"], database) for _ in range(4)]
    opened = await asyncio.gather(*(ring.open(tenant) for ring in rings))
    sealed = opened[0].seal("contact", ROW, "card", b"secret")
    assert [keys.unseal("contact", ROW, "card", sealed) for keys in opened] == [b"secret"] * 4
    assert len({tuple(keys.index.tokens("kana", ["2タナ"])) for keys in opened}) == 1


async def test_tokens_differ_by_class_and_tenant(ring, tenant, transits) -> None:
    other = TenantId(uuid7())
    await transits["identity"].create_tenant_key(other)
    mine, theirs = (await ring.open(tenant)).index, (await ring.open(other)).index
    tokens = [
        mine.tokens("kana", ["2タナ"]),
        mine.tokens("name", ["2タナ"]),
        theirs.tokens("kana", ["2タナ"]),
    ]
    assert len({tuple(each) for each in tokens}) == 3


async def test_a_service_opens_only_its_own_contexts_and_others_events(
    ring, tenant, transits, database
) -> None:
    keys = await ring.open(tenant)
    async with database.reading(tenant) as tx:
        rows = await tx.driver.fetch("SELECT purpose, wrapped FROM data_key")
    wrapped = {row["purpose"]: row["wrapped"] for row in rows}
    for service, transit in transits.items():
        if service == "customers":
            continue
        for purpose in ("records", "index"):
            with pytest.raises(KeyRefused):
                await transit.unwrap(tenant, "customers", purpose, wrapped[purpose])
    heard = await Keyring(transits["audit"], database).open_event_key(
        tenant, service="customers", version=keys.events.version, wrapped=keys.events.wrapped
    )
    sealed = keys.events.seal(b"card", field="ContactChanged.sealed_card", subject=ROW)
    assert heard.unseal(sealed, field="ContactChanged.sealed_card", subject=ROW) == b"card"
    for field, subject in (("UserChanged.sealed_card", ROW), ("ContactChanged.sealed_card", UUID(int=8))):
        with pytest.raises(Tampered):
            heard.unseal(sealed, field=field, subject=subject)


async def test_only_identity_makes_and_deletes_tenants_keys(transits) -> None:
    for service, transit in transits.items():
        if service != "identity":
            with pytest.raises(KeyRefused):
                await transit.create_tenant_key(TenantId(uuid7()))


async def test_a_deleted_key_closes_the_ledger_when_the_copy_in_memory_ends(
    transits, database, tenant
) -> None:
    now = 0.0
    ring = Keyring(transits["customers"], database, clock=lambda: now)
    await ring.open(tenant)
    await transits["identity"].delete_tenant_key(tenant)
    await ring.open(tenant)
    now = 300.0
    with pytest.raises(KeysUnavailable):
        await ring.open(tenant)


async def test_a_deleted_key_is_refused_in_every_service_also_after_yesterdays_backup_came_back(
    transits, database, make_database, tenant
) -> None:
    """Each service as two processes, one with keys in memory; then a backup of its database, in new processes."""
    now = 0.0
    rings = {}
    for service, transit in transits.items():
        made = await make_database(service, create=create_tables)
        held = await made.open()
        rings[service] = held, [Keyring(transit, held, clock=lambda: now) for _ in range(2)]
        sealed = (await rings[service][1][0].open(tenant)).seal("note", ROW, "card", b"secret")
        async with held.transaction(tenant) as tx:
            await tx.driver.execute(
                "INSERT INTO note (tenant_id, id, version, card) VALUES ($1, $2, 1, $3)", tenant, ROW, sealed
            )
    await transits["identity"].delete_tenant_key(tenant)
    now = 300.0
    for service, (held, replicas) in rings.items():
        for ring in replicas:
            with pytest.raises(KeysUnavailable):
                await ring.open(tenant)
        async with held.reading(tenant) as tx:
            backup = await tx.driver.fetch("SELECT tenant_id, purpose, version, wrapped FROM data_key")
        for rows in (backup, []):  # of a backup from before the first key as well: no new one is made
            restored = await (await make_database(service, create=create_tables)).open()
            async with restored.transaction(tenant) as tx:
                await tx.driver.executemany(
                    "INSERT INTO data_key (tenant_id, purpose, version, wrapped) VALUES ($1, $2, $3, $4)",
                    [tuple(row) for row in rows],
                )
            with pytest.raises(KeysUnavailable):
                await Keyring(transits[service], restored).open(tenant)
            async with restored.reading(tenant) as tx:
                assert await tx.driver.fetchval("SELECT count(*) FROM data_key") == len(rows)
            await restored.close()
        await held.close()


async def test_rotation_seals_anew_and_still_opens_the_old(transits, database, tenant) -> None:
    ring = Keyring(transits["customers"], database, settle=0)
    old = (await ring.open(tenant)).seal("contact", ROW, "card", b"before")
    await transits["identity"].rotate_tenant_key(tenant)
    assert await ring.rotate(tenant) == 2
    assert await ring.rewrap(tenant) == 6
    await transits["identity"].refuse_older(tenant, 2)
    ring.forget(tenant)
    keys = await ring.open(tenant)
    assert keys.unseal("contact", ROW, "card", old) == b"before"
    assert keys.unseal("contact", ROW, "card", keys.seal("contact", ROW, "card", b"after")) == b"after"
    assert keys.version == 2


async def test_a_sealed_store_refuses_what_is_not_in_memory(
    ring, tenant, openbao_server, database, transits
) -> None:
    keys = await ring.open(tenant)
    openbao_server.seal()
    try:
        assert await ring.open(tenant) is keys
        with pytest.raises(KeysUnavailable):
            await Keyring(transits["customers"], database).open(tenant)
    finally:
        openbao_server.unseal()
    await Keyring(transits["customers"], database).open(tenant)
