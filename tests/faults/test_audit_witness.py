"""Checkpoints are cosigned by a witness, whose memory lies outside of the database and the key store."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import verify_command
from daicho.audit.checkpoint_rows import read_cosigned
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.cosignatures import Witness, find_cosignature
from daicho.audit.export import origin_of
from daicho.audit.faults import LogForked
from daicho.audit.log import Unsigned
from daicho.audit.notes import NoteInvalid, Verifier
from daicho.audit.reading import Reader
from daicho.audit.reanchoring import accept_log
from daicho.audit.witnessing import Witnessing, WitnessRefuses, witness_of
from daicho.keyring import Transit
from daicho.runtime import SettingsError, utc_now
from daicho.testkit.waiting import until
from tests.faults.audit_ledger import SIZE, Ledger, audit_ledgers
from tests.faults.witness_server import NAME, WitnessServer, running_witness


@pytest.fixture(scope="module")
async def service(
    make_database: Any, openbao_server: Any, openbao_roles: Any
) -> AsyncIterator[Callable[[], Any]]:
    async with audit_ledgers(await make_database("audit"), openbao_server, openbao_roles) as create:
        yield create


@pytest.fixture
def witness() -> Iterator[WitnessServer]:
    with running_witness() as server:
        yield server


@dataclass
class Witnessed:
    """A ledger whose log the witness knows."""

    ledger: Ledger
    witness: WitnessServer
    witnessing: Witnessing

    @property
    def tenant(self) -> Any:
        return self.ledger.actor.tenant_id

    @property
    def seen(self) -> int:
        return self.witness.seen.get(origin_of(self.tenant), (0, b""))[0]

    async def grow(self, count: int) -> None:
        await self.ledger.append(count)
        await self.ledger.checkpoints.sign(self.tenant)

    async def note(self) -> str:
        async with self.ledger.database.reading(self.tenant) as tx:
            found = await read_cosigned(tx, NAME)
        assert found is not None
        return found.note


@pytest.fixture
async def witnessed(service: Callable[[], Any], witness: WitnessServer) -> Witnessed:
    ledger: Ledger = await service()
    verifier = Verifier.parse((await ledger.checkpoints.newest(ledger.actor.tenant_id)).key)
    witness.logs[origin_of(ledger.actor.tenant_id)] = verifier.key
    parsed = Witness.parse(witness.vkey)
    witnessing = Witnessing(ledger.database, ledger.checkpoints, parsed, witness.url, set(), period=0.05)
    return Witnessed(ledger, witness, witnessing)


async def test_checkpoints_are_cosigned_as_the_log_grows(witnessed: Witnessed) -> None:
    await witnessed.witnessing.submit(witnessed.tenant)
    assert witnessed.seen == SIZE
    await witnessed.grow(70)
    await witnessed.witnessing.submit(witnessed.tenant)
    assert witnessed.seen == SIZE + 70
    found = find_cosignature(await witnessed.note(), Witness.parse(witnessed.witness.vkey))
    assert found is not None
    assert found[1] == datetime.fromtimestamp(witnessed.witness.time, UTC)
    await witnessed.witnessing.submit(witnessed.tenant)  # nothing new: the same once more
    assert witnessed.witness.requests[-1].startswith(f"old {SIZE + 70}\n\n".encode())


async def test_witness_that_is_ahead_of_what_was_stored_is_caught_up_with(witnessed: Witnessed) -> None:
    await witnessed.witnessing.submit(witnessed.tenant)
    await witnessed.ledger.tamper("DELETE FROM cosignature WHERE tenant_id = $1")
    await witnessed.grow(5)
    await witnessed.witnessing.submit(witnessed.tenant)
    assert witnessed.seen == SIZE + 5


async def test_cosigned_note_vouches_for_an_export_without_the_logs_key(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    await witnessed.witnessing.submit(witnessed.tenant)
    await witnessed.grow(5)
    file, note, out = tmp_path / "log.jsonl", tmp_path / "kept.note", io.StringIO()
    file.write_bytes(b"".join(await witnessed.ledger.export()))
    note.write_text(await witnessed.note())
    arguments = [str(file), "--witness", witnessed.witness.vkey]
    assert verify_command.run([*arguments, "--checkpoint", str(note)], out) == verify_command.STANDS
    assert f"witness: {NAME} cosigned {SIZE} entries at 2027-01-15T08:00:00+00:00" in out.getvalue()
    assert verify_command.run(arguments, out) == verify_command.BAD
    assert f"{NAME} has cosigned no checkpoint here" in out.getvalue()


async def test_status_shows_what_the_witness_cosigned_and_no_forgery_of_it(witnessed: Witnessed) -> None:
    await witnessed.witnessing.submit(witnessed.tenant)
    old = witnessed.ledger.reader
    reader = Reader(
        old._database,
        old._keyring,
        old._access_log,
        names=old._names,
        rights=old._rights,
        checkpoints=old._checkpoints,
        witness=Witness.parse(witnessed.witness.vkey),
    )
    status = await reader.status(witnessed.ledger.actor)
    assert status.witnessed is not None
    assert (status.state, status.witnessed.size, status.witnessed.witness) == ("intact", SIZE, NAME)
    note = (await witnessed.note()).replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n")
    await witnessed.ledger.tamper("UPDATE cosignature SET note = $2 WHERE tenant_id = $1", note)
    assert (await reader.status(witnessed.ledger.actor)).witnessed is None


@pytest.mark.parametrize("size", [300, SIZE, SIZE + 5, SIZE + 40])
async def test_database_and_key_store_taken_back_together_are_noticed(
    witnessed: Witnessed, openbao_server: Any, openbao_roles: Any, size: int
) -> None:
    """The witness has seen another log of SIZE + 5 entries; anchor and database agree on one that it has not seen."""
    await witnessed.grow(5)
    await witnessed.witnessing.submit(witnessed.tenant)
    ledger = witnessed.ledger
    await ledger.rewrite(size, lambda sequence: f"another past, {sequence}".encode())
    await ledger.tamper("DELETE FROM entry WHERE tenant_id = $1 AND sequence >= $2", min(size, SIZE))
    await forge_anchor(ledger)
    transit = Transit(openbao_server.address, *openbao_roles["audit"], service="audit")
    checkpoints = Checkpoints(ledger.database, transit, utc_now, Unsigned())
    assert (await checkpoints.sign(witnessed.tenant)).checkpoint.size == size
    witness = Witness.parse(witnessed.witness.vkey)
    witnessing = Witnessing(ledger.database, checkpoints, witness, witnessed.witness.url, set())
    with pytest.raises(LogForked) as fork:
        await witnessing.submit(witnessed.tenant)
    assert fork.value.reason == "witness_refused"
    assert witnessed.seen == SIZE + 5
    with pytest.raises(LogForked) as fork:
        await checkpoints.sign(witnessed.tenant)
    assert fork.value.reason == "witness_refused"
    await accept_log(
        ledger.database, ledger.keyring, checkpoints, witnessed.tenant, reason="it was we", clock=utc_now
    )
    assert (await checkpoints.sign(witnessed.tenant)).checkpoint.size == size + 1
    with pytest.raises(WitnessRefuses, match="remembers the log from before"):
        await witnessing.submit(witnessed.tenant)
    assert (await checkpoints.sign(witnessed.tenant)).checkpoint.size == size + 1
    transit.close()


@pytest.mark.parametrize(("status", "says"), [(404, "404"), (403, "403"), (400, "400"), (429, "429")])
async def test_witness_that_does_not_know_the_log_stops_no_signing(
    witnessed: Witnessed, status: int, says: str
) -> None:
    witnessed.witness.broken = status
    with pytest.raises(WitnessRefuses, match=says):
        await witnessed.witnessing.submit(witnessed.tenant)
    await witnessed.grow(1)


async def test_cosignature_of_another_key_is_not_kept(witnessed: Witnessed) -> None:
    stranger = Witness(NAME, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    ledger = witnessed.ledger
    witnessing = Witnessing(ledger.database, ledger.checkpoints, stranger, witnessed.witness.url, set())
    with pytest.raises(WitnessRefuses, match="no cosignature by its key"):
        await witnessing.submit(witnessed.tenant)


async def test_loop_waits_for_a_witness_that_is_away(witnessed: Witnessed) -> None:
    witnessed.witness.broken = 503
    waiting = {witnessed.tenant}
    ledger = witnessed.ledger
    loop = Witnessing(
        *(ledger.database, ledger.checkpoints, Witness.parse(witnessed.witness.vkey), witnessed.witness.url),
        waiting,
        period=0.05,
    )
    running = asyncio.create_task(loop.run())
    try:

        async def tried() -> bool:
            return len(witnessed.witness.requests) >= 3

        await until(tried, within=20)
        witnessed.witness.broken = 0

        async def cosigned() -> bool:
            return witnessed.seen == SIZE

        await until(cosigned, within=20)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("key", "url"),
    [("", "https://w.example"), ("x+00000000+AA==", ""), ("nonsense", "https://w.example"), ("x", "ftp://w")],
)
def test_half_a_witness_is_refused(key: str, url: str) -> None:
    with pytest.raises(SettingsError, match="DAICHO_WITNESS_KEY"):
        witness_of(key, url)


def test_keys_and_cosignatures_that_do_not_stand_are_refused(witness: WitnessServer) -> None:
    parsed = Witness.parse(witness.vkey)
    assert str(parsed) == witness.vkey
    with pytest.raises(NoteInvalid):
        Witness.parse(str(Verifier("log.example", parsed.key)))
    with pytest.raises(NoteInvalid):
        Witness.parse(witness.vkey.replace("+", "+f", 1))
    text = "log.example/1\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    note = f"{text}\n{witness._cosign(text)}"
    found = find_cosignature(note, parsed)
    assert found is not None
    for spoilt in (note.replace("log.example/1", "log.example/2"), note.replace("\n0\n", "\n1\n")):
        with pytest.raises(NoteInvalid):
            find_cosignature(spoilt, parsed)


async def forge_anchor(ledger: Ledger) -> None:
    """What whoever rules database and key store can do: an anchor and a checkpoint that fit the log as it is."""
    from daicho.audit.anchors import Anchor
    from daicho.audit.notes import Checkpoint
    from daicho.audit.repository import read_head

    tenant, checkpoints = ledger.actor.tenant_id, ledger.checkpoints
    async with ledger.database.reading(tenant) as tx:
        head = await read_head(tx)
    signed = await checkpoints.key.sign(Checkpoint(origin_of(tenant), head.size, head.root()))
    version = await checkpoints.anchors.version(tenant)
    await checkpoints.anchors.write(tenant, Anchor.first(signed), replacing=version)
    await ledger.tamper("DELETE FROM checkpoint WHERE tenant_id = $1")
    await ledger.admin.execute(
        "INSERT INTO checkpoint (tenant_id, size, root, note, key, signed_at) VALUES ($1, $2, $3, $4, $5, now())",
        *(tenant, head.size, head.root(), signed.note, signed.key),
    )
