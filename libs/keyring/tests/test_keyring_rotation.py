"""Keys change while several processes hold them, and nothing that was sealed or indexed is lost."""

from uuid import UUID

import pytest

from daicho.keyring import Keyring, SealedColumn, Tampered, reseal
from daicho.keyring.blob import version_of
from daicho.keyring.resealing import BATCH
from daicho.tenancy import TenantId, uuid7

ROW = UUID(int=7)
CARD = SealedColumn(table="note", column="card", name="card")
STEP = SealedColumn(table="note", column="step", name_from="version", bound="history")
_ADD = "INSERT INTO note (tenant_id, id, version, card, step) VALUES ($1, $2, $3, $4, $5)"


@pytest.fixture
def eager(transits, database) -> Keyring:
    """A process in which a new key seals at once."""
    return Keyring(transits["customers"], database, settle=0)


async def test_a_new_key_seals_once_every_process_knows_it(transits, database, tenant) -> None:
    now = 0.0
    here, there = (Keyring(transits["customers"], database, clock=lambda: now) for _ in range(2))
    held = await there.open(tenant)
    assert await here.rotate(tenant) == 2
    sealed = (await here.open(tenant)).seal("note", ROW, "card", b"data")
    assert version_of(sealed) == 1
    assert held.unseal("note", ROW, "card", sealed) == b"data"
    now = 300.0
    settled = (await Keyring(transits["customers"], database, settle=0).open(tenant)).seal(
        "note", ROW, "card", b"data"
    )
    assert version_of(settled) == 2
    assert (await there.open(tenant)).unseal("note", ROW, "card", settled) == b"data"


async def test_two_rotations_at_once_end_with_one_new_key(eager, transits, database, tenant) -> None:
    other = Keyring(transits["customers"], database, settle=0)
    assert {await eager.rotate(tenant), await other.rotate(tenant)} <= {2, 3}
    sealed = (await eager.open(tenant)).seal("note", ROW, "card", b"data")
    other.forget(tenant)
    assert (await other.open(tenant)).unseal("note", ROW, "card", sealed) == b"data"


async def fill(database, keys, tenant: TenantId, count: int) -> list[UUID]:
    ids = [uuid7() for _ in range(count)]
    async with database.transaction(tenant) as tx:
        await tx.driver.executemany(
            _ADD,
            [
                (
                    tenant,
                    each,
                    number,
                    keys.seal("note", each, "card", b"card %d" % number) if number % 3 else None,
                    keys.seal("history", each, str(number), b"step %d" % number),
                )
                for number, each in enumerate(ids)
            ],
        )
    return ids


async def rows_of(database, tenant: TenantId):
    async with database.reading(tenant) as tx:
        return await tx.driver.fetch("SELECT id, version, card, step FROM note ORDER BY version")


async def test_resealing_brings_every_blob_to_the_new_key_and_stops_where_nothing_is_left(
    eager, database, tenant
) -> None:
    count = BATCH + 30
    await fill(database, await eager.open(tenant), tenant, count)
    await eager.rotate(tenant)
    filled = sum(number % 3 != 0 for number in range(count))
    assert await reseal(database, eager, tenant, CARD) == filled
    assert await reseal(database, eager, tenant, STEP) == count
    assert await reseal(database, eager, tenant, CARD) == 0
    keys = await eager.open(tenant)
    for row in await rows_of(database, tenant):
        number = row["version"]
        if row["card"] is not None:
            assert version_of(row["card"]) == 2
            assert keys.unseal("note", row["id"], "card", row["card"]) == b"card %d" % number
        assert keys.unseal("history", row["id"], str(number), row["step"]) == b"step %d" % number


async def test_resealing_touches_no_other_tenant_and_refuses_a_moved_blob(
    eager, transits, database, tenant
) -> None:
    other = TenantId(uuid7())
    await transits["identity"].create_tenant_key(other)
    await fill(database, await eager.open(other), other, 3)
    before = await rows_of(database, other)
    ids = await fill(database, await eager.open(tenant), tenant, 3)
    await eager.rotate(tenant)
    async with database.transaction(tenant) as tx:
        await tx.driver.execute(
            "UPDATE note SET card = (SELECT card FROM note WHERE id = $1) WHERE id = $2", ids[1], ids[2]
        )
    with pytest.raises(Tampered):
        await reseal(database, eager, tenant, CARD)
    assert await rows_of(database, other) == before


async def test_while_the_index_key_rotates_every_process_finds_what_any_process_wrote(
    transits, database, tenant
) -> None:
    now = 0.0

    def process() -> Keyring:
        return Keyring(transits["customers"], database, clock=lambda: now)

    early, late = process(), process()
    first = (await early.open(tenant)).index
    old = first.tokens("name", ["1田"])
    await late.begin_index_rotation(tenant)
    assert await late.begin_index_rotation(tenant) == 2
    both = (await late.open(tenant)).index
    assert set(both.tokens("name", ["1田"])) > set(old) == set(both.sought("name", ["1田"]))
    now = 300.0
    await early.open(tenant)
    await late.finish_index_rotation(tenant)
    new = (await late.open(tenant)).index
    assert new.sought("name", ["1田"]) != old
    assert set(new.tokens("name", ["1田"])) == set(both.tokens("name", ["1田"]))
    assert (await early.open(tenant)).index.sought("name", ["1田"]) == old
    settled = (await Keyring(transits["customers"], database, settle=0).open(tenant)).index
    assert settled.tokens("name", ["1田"]) == settled.sought("name", ["1田"]) == new.sought("name", ["1田"])


async def test_whole_values_keep_their_digest_through_every_rotation(eager, tenant) -> None:
    before = (await eager.open(tenant)).unique("contact.email", "a@example.jp")
    await eager.rotate(tenant)
    await eager.begin_index_rotation(tenant)
    await eager.finish_index_rotation(tenant)
    keys = await eager.open(tenant)
    assert keys.unique("contact.email", "a@example.jp") == before
    assert keys.unique("contact.phone", "a@example.jp") != before


async def test_a_stored_key_of_anothers_events_outlives_the_version_that_wrapped_it(
    eager, transits, database, tenant
) -> None:
    events = (await eager.open(tenant)).events
    sealed = events.seal(b"words", field="Accessed.sealed_query")
    audit = Keyring(transits["audit"], database)
    await transits["identity"].rotate_tenant_key(tenant)
    kept = await audit.rewrap_event_key(tenant, service="customers", wrapped=events.wrapped)
    await transits["identity"].refuse_older(tenant, 2)
    key = await audit.open_event_key(tenant, service="customers", version=events.version, wrapped=kept)
    assert key.unseal(sealed, field="Accessed.sealed_query") == b"words"
