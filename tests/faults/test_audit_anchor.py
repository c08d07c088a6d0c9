"""A DBA writes a log anew, with its tree, its head, its checkpoints and a key of their own: nothing signs over it.

The DBA may do anything to the database and nothing to the key store; where a test gives more, its name says so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import hvac
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import notes
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.log import Unsigned
from daicho.audit.notes import Checkpoint, Verifier
from daicho.keyring import ANCHORS
from daicho.runtime import utc_now
from daicho.testkit.waiting import until
from tests.faults.audit_ledger import SIZE, Ledger


async def refused(ledger: Ledger, checkpoints: Checkpoints | None = None) -> str:
    """Why the log is not signed; its anchor is what it was."""
    tenant = ledger.actor.tenant_id
    before = await ledger.checkpoints.anchors.version(tenant)
    with pytest.raises(LogForked) as fork:
        await (checkpoints or ledger.checkpoints).sign(tenant)
    assert await ledger.checkpoints.anchors.version(tenant) == before
    return fork.value.reason


def forged(sequence: int) -> bytes:
    return f"what the DBA would rather have had happened, {sequence}".encode()


def note_of(tenant: Any, head: Any, key: Ed25519PrivateKey) -> tuple[str, str]:
    """A checkpoint of ``head`` that the DBA signed: note and verifier key."""
    verifier = Verifier(origin_of(tenant), key.public_key().public_bytes_raw())
    text = str(Checkpoint(origin_of(tenant), head.size, head.root()))
    return notes.write_note(text, [notes.sign(verifier, key.sign(text.encode()))]), str(verifier)


@pytest.mark.parametrize("size", [SIZE - 1, SIZE, SIZE + 50])
async def test_log_signed_by_the_dbas_own_key_is_not_believed(ledger: Ledger, size: int) -> None:
    tenant, real = ledger.actor.tenant_id, await ledger.reader.key(ledger.actor)
    head = await ledger.rewrite(size, forged)
    note, key = note_of(tenant, head, Ed25519PrivateKey.generate())
    await ledger.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    await ledger.admin.execute(
        "INSERT INTO checkpoint (tenant_id, size, root, note, key, signed_at) VALUES ($1, $2, $3, $4, $5, now())",
        *(tenant, size, head.root(), note, key),
    )
    assert await refused(ledger) == "checkpoint_forged"
    assert await ledger.reader.key(ledger.actor) == real
    assert await ledger.finding(key=Verifier.parse(real)) == ("unproven", 0)


async def test_root_set_to_that_of_a_fork_is_not_signed_on(ledger: Ledger) -> None:
    head = await ledger.rewrite(SIZE, forged)
    await ledger.tamper("UPDATE checkpoint SET root = $2 WHERE tenant_id = $1", head.root())
    await ledger.append(50)
    assert await refused(ledger) == "checkpoint_forged"


async def test_size_set_to_nothing_is_not_signed_on(ledger: Ledger) -> None:
    head = await ledger.rewrite(0, forged)
    await ledger.tamper("UPDATE checkpoint SET size = 0, root = $2 WHERE tenant_id = $1", head.root())
    assert await refused(ledger) == "checkpoint_forged"


async def test_fork_without_checkpoints_is_not_signed(ledger: Ledger) -> None:
    await ledger.rewrite(SIZE + 50, forged)
    await ledger.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    assert await refused(ledger) == "entries_rewritten"


async def test_deleted_checkpoint_of_an_untouched_log_is_noticed(ledger: Ledger) -> None:
    await ledger.append(10)
    await ledger.checkpoints.sign(ledger.actor.tenant_id)
    await ledger.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    assert await refused(ledger) == "checkpoint_missing"


async def test_log_deleted_whole_and_begun_anew_is_not_signed(ledger: Ledger) -> None:
    signed = await ledger.checkpoints.newest(ledger.actor.tenant_id)
    for table in ("entry", "tree_node", "log_head", "entry_record", "checkpoint"):
        await ledger.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")  # noqa: S608 - the test's own text
    await ledger.append(SIZE + 50)
    assert await refused(ledger) == "entries_rewritten"
    key = Verifier.parse(signed.key)
    assert await ledger.finding(key=key) == ("unproven", 0)
    assert await ledger.finding(key=key, kept=[signed.note]) == ("unproven", 0)


async def test_log_deleted_whole_is_not_begun_anew(ledger: Ledger, another_process: Any) -> None:
    for table in ("entry", "tree_node", "log_head", "entry_record", "checkpoint"):
        await ledger.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")  # noqa: S608 - the test's own text
    assert await refused(ledger, another_process(ledger)) == "entries_missing"


@pytest.mark.parametrize("size", [0, 1, 256, SIZE - 1])
async def test_shrunk_log_is_not_signed(ledger: Ledger, size: int) -> None:
    leaves = await ledger.admin.fetch(
        "SELECT hash FROM tree_node WHERE tenant_id = $1 AND level = 0 ORDER BY number",
        ledger.actor.tenant_id,
    )
    assert len(leaves) == SIZE
    await ledger.rewrite(size, forged)
    assert await refused(ledger) == "entries_missing"


async def test_log_written_anew_under_its_checkpoint_is_not_signed(ledger: Ledger) -> None:
    await ledger.rewrite(SIZE, forged)
    assert await refused(ledger) == "entries_rewritten"
    await ledger.append(1)
    assert await refused(ledger) == "entries_rewritten"


@pytest.mark.parametrize("root", [bytes(32), b"\x00", b""])
async def test_empty_log_accepts_no_other_root(ledger: Ledger, service: Any, root: bytes) -> None:
    fresh = replace(ledger, actor=replace(ledger.actor, tenant_id=(await service()).actor.tenant_id))
    tenant = fresh.actor.tenant_id
    await fresh.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    await fresh.rewrite(0, forged)
    await fresh.admin.execute(
        "INSERT INTO checkpoint (tenant_id, size, root, note, key, signed_at) VALUES ($1, 0, $2, '', '', now())",
        *(tenant, root),
    )
    assert await refused(fresh) == "checkpoint_forged"


PEAKS = {
    "too few": "substring(peaks FROM 33)",
    "none": "''",
    "half a peak": "substring(peaks FROM 17)",
    "another": "set_byte(peaks, 40, (get_byte(peaks, 40) + 1) % 256)",
    "the last": "set_byte(peaks, length(peaks) - 1, (get_byte(peaks, length(peaks) - 1) + 1) % 256)",
}


@pytest.mark.parametrize("peaks", PEAKS.values(), ids=PEAKS.keys())
async def test_wrong_peaks_stop_their_tenant_alone(service: Any, another_process: Any, peaks: str) -> None:
    bad, good = await service(), await service()
    for ledger in (bad, good):
        await ledger.append(1)
    await bad.tamper(f"UPDATE log_head SET peaks = {peaks} WHERE tenant_id = $1")  # noqa: S608 - the test's own text
    unsigned, signed = Unsigned(), set[Any]()
    checkpoints: Checkpoints = another_process(good)
    loop = Checkpoints(good.database, checkpoints.key._transit, utc_now, unsigned, signed=signed.add)
    running = asyncio.create_task(loop.run())
    try:
        for ledger in (bad, good):
            unsigned.add(ledger.actor.tenant_id)

        async def there() -> bool:
            assert not running.done(), running.exception()
            return good.actor.tenant_id in signed

        await until(there, within=20)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert bad.actor.tenant_id not in signed
    assert await refused(bad) in {"head_unreadable", "tree_damaged"}
    assert (await good.verified()).entries == SIZE + 1


async def test_process_that_ends_between_anchoring_and_storing_is_made_up_for(
    ledger: Ledger, another_process: Any
) -> None:
    tenant = ledger.actor.tenant_id
    await ledger.append(5)
    dying: Checkpoints = another_process(ledger)
    anchor, found = await dying.check(tenant)
    signed = await dying.key.sign(Checkpoint(origin_of(tenant), found.head.size, found.head.root()))
    await dying.anchors.write(tenant, anchor.extended_by(signed), replacing=anchor.version)
    await ledger.append(5)
    newest = await ledger.checkpoints.sign(tenant)
    assert newest.checkpoint.size == SIZE + 10
    notes_told = await ledger.admin.fetch("SELECT envelope FROM outbox ORDER BY id")
    assert any(signed.note.encode() in row["envelope"] for row in notes_told), (
        "the checkpoint of the process that ended"
    )


async def test_processes_that_sign_at_once_agree(ledger: Ledger, another_process: Any) -> None:
    tenant = ledger.actor.tenant_id
    processes = [ledger.checkpoints, *(another_process(ledger) for _ in range(3))]
    for _ in range(8):
        await ledger.append(3)
        signed = await asyncio.gather(*(each.sign(tenant) for each in processes))
        assert len({each.checkpoint.root for each in signed}) == 1
    assert (await ledger.verified()).stands


async def test_key_store_of_an_older_snapshot_is_caught_up_with(
    ledger: Ledger, key_store: hvac.Client, another_process: Any
) -> None:
    tenant = ledger.actor.tenant_id
    old = key_store.secrets.kv.v2.read_secret_version(
        str(tenant), mount_point=ANCHORS, raise_on_deleted_version=True
    )
    await ledger.append(5)
    await ledger.checkpoints.sign(tenant)
    put_back(key_store, tenant, old["data"]["data"])
    await ledger.append(5)
    signed = await another_process(ledger).sign(tenant)
    assert signed.checkpoint.size == SIZE + 10


@pytest.mark.parametrize("way", ["deleted", "destroyed"])
async def test_anchor_that_is_gone_is_not_replaced(
    ledger: Ledger, key_store: hvac.Client, another_process: Any, way: str
) -> None:
    """Whoever may do anything to the key store takes the anchor away; the DBA is in league with them."""
    tenant, kv = str(ledger.actor.tenant_id), key_store.secrets.kv.v2
    if way == "deleted":
        kv.delete_latest_version_of_secret(tenant, mount_point=ANCHORS)
    else:
        kv.delete_metadata_and_all_versions(tenant, mount_point=ANCHORS)
    await ledger.rewrite(SIZE, forged)
    checkpoints: Checkpoints = another_process(ledger)
    await checkpoints.begin(ledger.actor.tenant_id)
    with pytest.raises(LogForked) as fork:
        await checkpoints.sign(ledger.actor.tenant_id)
    assert fork.value.reason == "anchor_missing"


@pytest.mark.parametrize(
    "value", [{"note": "x", "previous_size": 0, "previous_root": ""}, {}, {"note": 1}, {"size": 5}]
)
async def test_anchor_that_its_key_did_not_sign_is_not_believed(
    ledger: Ledger, key_store: hvac.Client, another_process: Any, value: dict[str, Any]
) -> None:
    put_back(key_store, ledger.actor.tenant_id, value)
    assert await refused(ledger, another_process(ledger)) == "anchor_forged"


async def test_database_and_key_store_taken_back_together_are_noticed_by_a_kept_checkpoint(
    ledger: Ledger, key_store: hvac.Client, another_process: Any
) -> None:
    """The service has nothing left to compare with; whoever kept a checkpoint has (and a witness keeps one)."""
    tenant = ledger.actor.tenant_id
    old = key_store.secrets.kv.v2.read_secret_version(
        str(tenant), mount_point=ANCHORS, raise_on_deleted_version=True
    )
    checkpoint = await ledger.admin.fetchrow("SELECT * FROM checkpoint WHERE tenant_id = $1", tenant)
    await ledger.append(5)
    kept = await ledger.checkpoints.sign(tenant)
    for table, column in (("entry", "sequence"), ("entry_record", "sequence")):
        await ledger.tamper(f"DELETE FROM {table} WHERE tenant_id = $1 AND {column} >= $2", SIZE)  # noqa: S608 - the test's own text
    await ledger.tamper("DELETE FROM tree_node WHERE tenant_id = $1 AND level = 0 AND number >= $2", SIZE)
    await take_head_back(ledger)
    await ledger.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    await ledger.admin.execute("INSERT INTO checkpoint VALUES ($1, $2, $3, $4, $5, $6)", *checkpoint.values())
    put_back(key_store, tenant, old["data"]["data"])
    taken_back = replace(ledger, checkpoints=another_process(ledger))
    await taken_back.append(20)
    assert (await taken_back.checkpoints.sign(tenant)).checkpoint.size == SIZE + 20
    assert (await ledger.verified()).stands
    assert await ledger.finding(key=Verifier.parse(kept.key), kept=[kept.note]) == ("forked", 512)


async def test_log_from_before_anchors_is_anchored_once(
    ledger: Ledger, key_store: hvac.Client, another_process: Any
) -> None:
    tenant, kv = ledger.actor.tenant_id, key_store.secrets.kv.v2
    kv.delete_metadata_and_all_versions(str(tenant), mount_point=ANCHORS)
    await ledger.admin.execute("INSERT INTO unanchored_log VALUES ($1)", tenant)  # as the migration does
    await run_until_settled(another_process(ledger), ledger)
    assert (await another_process(ledger).sign(tenant)).checkpoint.size == SIZE
    kv.delete_metadata_and_all_versions(str(tenant), mount_point=ANCHORS)
    with pytest.raises(LogForked) as fork:
        await another_process(ledger).sign(tenant)
    assert fork.value.reason == "anchor_missing"


async def test_damaged_log_from_before_anchors_gets_none_and_loses_its_mark(
    ledger: Ledger, key_store: hvac.Client, another_process: Any
) -> None:
    tenant, kv = ledger.actor.tenant_id, key_store.secrets.kv.v2
    kv.delete_metadata_and_all_versions(str(tenant), mount_point=ANCHORS)
    await ledger.admin.execute("INSERT INTO unanchored_log VALUES ($1)", tenant)
    await ledger.rewrite(SIZE, forged)
    await run_until_settled(another_process(ledger), ledger)
    with pytest.raises(LogForked) as fork:
        await another_process(ledger).sign(tenant)
    assert fork.value.reason == "anchor_missing"


async def test_service_cannot_list_a_log_as_one_from_before_anchors(ledger: Ledger) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with ledger.database.transaction(ledger.actor) as tx:
            await tx.driver.execute("INSERT INTO unanchored_log VALUES ($1)", ledger.actor.tenant_id)


async def run_until_settled(checkpoints: Checkpoints, ledger: Ledger) -> None:
    running = asyncio.create_task(checkpoints.run())

    async def settled() -> bool:
        marks = "SELECT count(*) FROM unanchored_log WHERE tenant_id = $1"
        return not await ledger.admin.fetchval(marks, ledger.actor.tenant_id)

    try:
        await until(settled, within=20)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def take_head_back(ledger: Ledger) -> None:
    from daicho.audit import merkle

    head = merkle.CompactRange()
    rows = await ledger.admin.fetch(
        "SELECT hash FROM tree_node WHERE tenant_id = $1 AND level = 0 ORDER BY number",
        ledger.actor.tenant_id,
    )
    for row in rows:
        head.append(row["hash"])
    await ledger.tamper(
        "UPDATE log_head SET size = $2, peaks = $3 WHERE tenant_id = $1", head.size, b"".join(head.peaks)
    )


def put_back(key_store: hvac.Client, tenant: Any, value: dict[str, Any]) -> None:
    """Write an anchor as the key store's root may, or as a restored snapshot leaves it."""
    newest = key_store.secrets.kv.v2.read_secret_metadata(str(tenant), mount_point=ANCHORS)
    version = newest["data"]["current_version"]
    key_store.secrets.kv.v2.create_or_update_secret(str(tenant), value, cas=version, mount_point=ANCHORS)
