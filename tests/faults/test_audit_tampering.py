"""Row of the threat table: a DBA edits, deletes or truncates audit rows, or forks the log; the verifier names the first bad entry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from daicho.audit import merkle
from daicho.audit.faults import LogForked
from daicho.audit.lookup import Compared, compare
from daicho.audit.verify import verify
from daicho.faults import Forbidden
from tests.faults.audit_ledger import SIZE, Ledger, audit_ledgers


@pytest.fixture(scope="module")
async def service(
    make_database: Any, openbao_server: Any, openbao_roles: Any
) -> AsyncIterator[Callable[[], Any]]:
    async with audit_ledgers(await make_database("audit"), openbao_server, openbao_roles) as create:
        yield create


@pytest.fixture
async def ledger(service: Callable[[], Any]) -> Ledger:
    made: Ledger = await service()
    return made


async def test_a_log_that_nobody_touched_stands(ledger: Ledger) -> None:
    report = await ledger.verified()
    assert report.stands, report.finding
    assert (report.entries, report.erased) == (SIZE, 0)


@pytest.mark.parametrize("sequence", [0, 255, 256, SIZE - 1])
@pytest.mark.parametrize("change", [
    "action = 'contact.deleted'", "time = time + interval '1 microsecond'", "kind = 2", "actor_kind = 3",
    "actor_user_id = gen_random_uuid()", "actor_session_id = NULL", "actor_service = 'sales'",
    "resource_type = 'company'", "resource_id = NULL", "entry_id = gen_random_uuid()",
    "payload_digest = decode(repeat('00', 32), 'hex')",
])  # fmt: skip
async def test_an_edited_entry_is_named(ledger: Ledger, sequence: int, change: str) -> None:
    await ledger.tamper(f"UPDATE entry SET {change} WHERE tenant_id = $1 AND sequence = $2", sequence)  # noqa: S608 - the test's own text
    assert await ledger.finding() == ("edited", sequence)


@pytest.mark.parametrize(
    "payload", ["'\\x00'", "NULL", "(SELECT payload FROM entry WHERE tenant_id = $1 AND sequence = 7)"]
)
async def test_an_entry_whose_payload_was_changed_moved_or_removed_is_named(
    ledger: Ledger, payload: str
) -> None:
    await ledger.tamper(f"UPDATE entry SET payload = {payload} WHERE tenant_id = $1 AND sequence = 300")  # noqa: S608 - the test's own text
    assert await ledger.finding() == ("payload_missing", 300)


@pytest.mark.parametrize("sequence", [0, 255, 256, 300, SIZE - 2])
async def test_a_deleted_entry_is_named(ledger: Ledger, sequence: int) -> None:
    await ledger.tamper("DELETE FROM entry WHERE tenant_id = $1 AND sequence = $2", sequence)
    assert await ledger.finding() == ("deleted", sequence)


async def test_an_entry_written_into_beyond_recognition_is_named(ledger: Ledger) -> None:
    await ledger.tamper("UPDATE entry SET kind = 99 WHERE tenant_id = $1 AND sequence = 300")
    assert await ledger.finding() == ("deleted", 300)


async def test_entries_that_changed_places_are_named(ledger: Ledger) -> None:
    for old, new in ((300, -1), (400, 300), (-1, 400)):
        await ledger.tamper("UPDATE entry SET sequence = $3 WHERE tenant_id = $1 AND sequence = $2", old, new)
    assert await ledger.finding() == ("edited", 300)


@pytest.mark.parametrize("kept", [0, 1, 256, 300, SIZE - 1])
async def test_a_truncated_log_is_named_from_its_first_missing_entry(ledger: Ledger, kept: int) -> None:
    await ledger.tamper("DELETE FROM entry WHERE tenant_id = $1 AND sequence >= $2", kept)
    problem, sequence = await ledger.finding()
    assert (problem in {"truncated", "deleted"}, sequence) == (True, kept)


@pytest.mark.parametrize("kept", [0, 300])
async def test_a_log_cut_back_with_its_tree_is_not_signed_again(ledger: Ledger, kept: int) -> None:
    head = merkle.CompactRange()
    for row in await ledger.admin.fetch(
        "SELECT hash FROM tree_node WHERE tenant_id = $1 AND level = 0 AND number < $2 ORDER BY number",
        ledger.actor.tenant_id,
        kept,
    ):
        head.append(row["hash"])
    await ledger.tamper("DELETE FROM entry WHERE tenant_id = $1 AND sequence >= $2", kept)
    await ledger.tamper("DELETE FROM tree_node WHERE tenant_id = $1 AND level = 0 AND number >= $2", kept)
    await ledger.tamper(
        "UPDATE log_head SET size = $2, peaks = $3 WHERE tenant_id = $1", kept, b"".join(head.peaks)
    )
    with pytest.raises(LogForked):
        await ledger.checkpoints.sign(ledger.actor.tenant_id)
    # Without its last leaves no block leads to the checkpoint any more, so the first one is named.
    assert await ledger.finding() == ("unproven", 0)


async def test_an_edit_hidden_by_a_new_leaf_hash_does_not_lead_to_the_checkpoint(ledger: Ledger) -> None:
    await ledger.tamper("UPDATE entry SET action = 'contact.deleted' WHERE tenant_id = $1 AND sequence = 300")
    forged = merkle.leaf_hash(b"forged")
    await ledger.tamper(
        "UPDATE tree_node SET hash = $2 WHERE tenant_id = $1 AND level = 0 AND number = 300", forged
    )
    assert await ledger.finding() == ("unproven", 256)


async def test_a_log_written_anew_over_a_signed_one_is_not_signed(ledger: Ledger) -> None:
    note = (await ledger.checkpoints.newest(ledger.actor.tenant_id)).note
    for table in ("entry", "tree_node", "log_head", "entry_record"):
        await ledger.tamper(f"DELETE FROM {table} WHERE tenant_id = $1")  # noqa: S608 - the test's own text
    await ledger.append(SIZE + 50)
    with pytest.raises(LogForked):
        await ledger.checkpoints.sign(ledger.actor.tenant_id)
    assert await ledger.finding(kept=[note]) == ("unproven", 0)


@pytest.mark.parametrize("statement", [
    "UPDATE entry SET action = 'x.y'", "DELETE FROM entry", "TRUNCATE entry", "UPDATE tree_node SET level = 1",
    "DELETE FROM tree_node", "UPDATE checkpoint SET size = 0", "DELETE FROM log_head", "DELETE FROM entry_record",
])  # fmt: skip
async def test_the_service_itself_may_not_change_what_is_logged(ledger: Ledger, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with ledger.database.transaction(ledger.actor) as tx:
            await tx.driver.execute(statement)


async def test_a_look_up_that_nobody_touched_is_what_the_payloads_say(ledger: Ledger) -> None:
    assert await compare(ledger.database, ledger.keyring, ledger.actor.tenant_id) == Compared(SIZE, 0)


@pytest.mark.parametrize(("statement", "why"), [
    ("DELETE FROM entry_record WHERE tenant_id = $1 AND sequence = $2", "is missing"),
    ("UPDATE entry_record SET record_id = gen_random_uuid() WHERE tenant_id = $1 AND sequence = $2", ""),
    ("UPDATE entry_record SET deed = deed + 1 WHERE tenant_id = $1 AND sequence = $2", ""),
    ("UPDATE entry_record SET time = time - interval '1 day' WHERE tenant_id = $1 AND sequence = $2", ""),
    ("INSERT INTO entry_record (tenant_id, record_id, sequence, deed, time) VALUES ($1, gen_random_uuid(), $2, 0, now())", "does not belong to it"),
], ids=["removed", "moved", "misnamed", "misdated", "added"])  # fmt: skip
@pytest.mark.parametrize("sequence", [0, 300, SIZE - 1])
async def test_a_look_up_that_somebody_wrote_into_names_the_entry(
    ledger: Ledger, statement: str, why: str, sequence: int
) -> None:
    await ledger.tamper(statement, sequence)
    found = await compare(ledger.database, ledger.keyring, ledger.actor.tenant_id)
    assert found.first_bad == sequence
    assert why in found.why


async def test_an_export_ends_when_its_reader_loses_the_right(ledger: Ledger) -> None:
    await ledger.append(2_000)
    looks = iter([None, Forbidden()])

    async def still() -> None:
        if (fault := next(looks)) is not None:
            raise fault

    lines = await ledger.reader.export(ledger.actor, still)
    parts: list[bytes] = []

    async def read() -> None:
        async for part in lines:
            parts.append(part)  # noqa: PERF401 - what came before the end counts

    with pytest.raises(Forbidden):
        await read()
    report = verify(b"".join(parts).splitlines(keepends=True))
    assert report.finding is not None
    assert (report.finding.problem, report.entries) == ("truncated", 8 * 256)
