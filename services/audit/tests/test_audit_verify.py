"""What the verifier finds, and that it finds nothing where nothing is wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daicho.audit import export, leaf, merkle, notes
from daicho.audit.leaf import Kind
from daicho.audit.notes import Checkpoint
from daicho.audit.verify import Report, verify

TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def at(lines: Sequence[bytes], sequence: int) -> int:
    """Where the entry stands among ``lines``."""
    return next(n for n, line in enumerate(lines) if json.loads(line).get("sequence") == sequence)


def change(lines: list[bytes], sequence: int, /, **members: Any) -> None:
    place = at(lines, sequence)
    lines[place] = json.dumps(json.loads(lines[place]) | members).encode() + b"\n"


def found(report: Report) -> tuple[str, int | None]:
    assert report.finding is not None, "the verifier found nothing"
    return report.finding.problem, report.finding.sequence


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 600, 1024])
def test_a_log_as_it_was_signed_stands(new_log: Any, size: int) -> None:
    log = new_log(size)
    report = verify(log.export(), key=log.verifier)
    assert report.finding is None
    assert (report.entries, report.erased, report.key_trusted) == (size, 0, True)


@pytest.mark.parametrize("sequence", [0, 1, 255, 256, 300, 599])
@pytest.mark.parametrize("members", [
    {"action": "contact.opened"}, {"time": "2026-11-22T03:37:00.999999Z"}, {"kind": "access"},
    {"entry_id": str(UUID(int=1))}, {"actor": {"kind": "user", "user_id": str(UUID(int=9))}},
    {"resource": {"type": "contact", "id": None}}, {"payload_digest": export.to_text(bytes(32))},
    {"payload_digest": "AA=="}, {"action": "x" * 70_000}, {"time": "2026-11-22T03:37:00"},
])  # fmt: skip
def test_an_edited_entry_is_named(lines: list[bytes], sequence: int, members: dict[str, Any]) -> None:
    change(lines, sequence, **members)
    assert found(verify(lines)) == ("edited", sequence)


@pytest.mark.parametrize("sequence", [0, 255, 256, 599])
def test_an_edited_payload_is_named(lines: list[bytes], sequence: int) -> None:
    change(lines, sequence, payload=export.to_text(leaf.write_payload({"forged": True})))
    assert found(verify(lines)) == ("payload_edited", sequence)


@pytest.mark.parametrize("sequence", [0, 1, 254, 255, 256, 400, 598])
def test_a_deleted_entry_is_named(lines: list[bytes], sequence: int) -> None:
    del lines[at(lines, sequence)]
    assert found(verify(lines)) == ("deleted", sequence)


def test_a_deletion_hidden_by_numbering_anew_is_named(lines: list[bytes]) -> None:
    del lines[at(lines, 300)]
    for sequence in range(301, 600):
        change(lines, sequence, sequence=sequence - 1)
    assert found(verify(lines)) == ("edited", 300)


def test_a_whole_block_that_is_gone_is_a_deletion(lines: list[bytes]) -> None:
    del lines[at(lines, 256) - 1 : at(lines, 511) + 1]
    assert found(verify(lines)) == ("deleted", 256)


@pytest.mark.parametrize(("one", "other"), [(3, 4), (0, 599), (255, 256), (10, 500)])
def test_entries_that_changed_places_are_named(lines: list[bytes], one: int, other: int) -> None:
    first, second = at(lines, one), at(lines, other)
    lines[first], lines[second] = lines[second], lines[first]
    assert found(verify(lines)) == ("reordered", one)


def test_entries_that_changed_places_and_numbers_are_named(lines: list[bytes]) -> None:
    first, second = at(lines, 20), at(lines, 30)
    lines[first], lines[second] = lines[second], lines[first]
    lines[first] = lines[first].replace(b'"sequence":30', b'"sequence":20')
    lines[second] = lines[second].replace(b'"sequence":20', b'"sequence":30')
    assert found(verify(lines)) == ("edited", 20)


@pytest.mark.parametrize("kept", [0, 1, 255, 256, 257, 599])
def test_a_truncated_log_names_the_first_entry_that_is_gone(lines: list[bytes], kept: int) -> None:
    end = at(lines, kept)
    assert found(verify(lines[:end])) == ("truncated", kept)


def test_an_entry_that_stands_twice_is_named(lines: list[bytes]) -> None:
    lines.insert(at(lines, 9), lines[at(lines, 7)])
    assert found(verify(lines)) == ("repeated", 7)


def test_entries_behind_the_checkpoint_are_named(new_log: Any, log: Any, lines: list[bytes]) -> None:
    longer = new_log(601)
    assert found(verify([*lines, longer.export()[-1]])) == ("surplus", 600)


def test_a_forged_hash_does_not_lead_to_the_checkpoint(log: Any, lines: list[bytes]) -> None:
    """The entry and its hash were both written anew: the block can no longer be tied to what was signed."""
    change(lines, 300, action="contact.opened")
    place = at(lines, 256) - 1
    block = json.loads(lines[place])
    hashes = bytearray(export.from_text(block["hashes"]))
    forged = export.leaf_of(export.entry_of(log.leaves[300], None), TENANT)
    hashes[44 * 32 : 45 * 32] = merkle.leaf_hash(bytes(forged) + b"x")
    lines[place] = json.dumps(block | {"hashes": export.to_text(bytes(hashes))}).encode() + b"\n"
    report = verify(lines)
    assert found(report) == ("unproven", 256)
    assert report.finding is not None
    assert "256 to 511" in report.finding.detail


def test_a_block_without_its_hashes_is_unproven(lines: list[bytes]) -> None:
    del lines[at(lines, 256) - 1]
    assert found(verify(lines)) == ("unproven", 256)


@pytest.mark.parametrize("hashes", ["", "AAAA", "!", export.to_text(bytes(32 * 257))])
def test_hashes_of_the_wrong_number_or_shape_are_unproven(lines: list[bytes], hashes: str) -> None:
    place = at(lines, 0) - 1
    lines[place] = json.dumps(json.loads(lines[place]) | {"hashes": hashes}).encode() + b"\n"
    assert found(verify(lines)) == ("unproven", 0)


def test_inner_nodes_are_not_taken_for_hashes_though_they_lead_to_the_root(
    log: Any, lines: list[bytes]
) -> None:
    place = at(lines, 0) - 1
    inner = export.to_text(b"".join(log.nodes[1, index] for index in range(128)))
    lines[place] = json.dumps(json.loads(lines[place]) | {"hashes": inner}).encode() + b"\n"
    assert found(verify(lines)) == ("unproven", 0)


def test_a_line_that_does_not_read_is_named(lines: list[bytes]) -> None:
    lines[at(lines, 77)] = b"{broken\n"
    assert found(verify(lines)) == ("unreadable", 77)


def test_an_erasure_is_no_damage(new_log: Any) -> None:
    log = new_log(300)
    log.erase(5, 299)
    report = verify(log.export(), key=log.verifier)
    assert report.finding is None
    assert report.erased == 2


def test_a_payload_that_went_without_an_erasure_is_named(new_log: Any) -> None:
    log = new_log(300)
    log.erase(5)
    log.payloads[7] = log.payloads[8] = None
    assert found(verify(log.export())) == ("payload_missing", 7)


def test_an_erasure_tells_nothing_of_entries_after_it(new_log: Any) -> None:
    log = new_log(3)
    later = UUID(int=(1 << 100) + 4)
    log.append(leaf.erasure_content([later], "too early"), kind=Kind.ERASURE)
    log.append()
    log.payloads[4] = None
    assert found(verify(log.export())) == ("payload_missing", 4)


def test_an_erasure_without_its_own_payload_is_named(new_log: Any) -> None:
    log = new_log(3)
    log.erase(1)
    log.payloads[3] = None
    assert found(verify(log.export())) == ("payload_missing", 3)


def test_an_erased_entry_that_was_edited_is_still_named(new_log: Any) -> None:
    log = new_log(30)
    log.erase(5)
    lines = log.export()
    change(lines, 5, action="contact.opened")
    assert found(verify(lines)) == ("edited", 5)


def test_a_checkpoint_signed_by_another_is_refused(new_log: Any, log: Any, lines: list[bytes]) -> None:
    forger = new_log(600)
    assert found(verify(forger.export(), key=log.verifier)) == ("key", None)
    mixed = export.write_header(TENANT, key=str(log.verifier), checkpoint=forger.checkpoint())
    assert found(verify([mixed, *lines[1:]])) == ("checkpoint", None)


def test_without_a_key_of_ones_own_the_report_says_so(lines: list[bytes]) -> None:
    report = verify(lines)
    assert report.stands
    assert not report.key_trusted


def test_another_tenants_log_is_not_taken_for_this_ones(log: Any, lines: list[bytes]) -> None:
    header = export.write_header(UUID(int=3), key=str(log.verifier), checkpoint=log.checkpoint())
    assert found(verify([header, *lines[1:]])) == ("checkpoint", None)


@pytest.mark.parametrize("kept", [0, 1, 100, 255, 256, 257, 511, 512, 513, 599, 600])
def test_a_kept_checkpoint_of_the_same_log_agrees(
    new_log: Any, log: Any, lines: list[bytes], kept: int
) -> None:
    earlier = type(log)(key=log.key)
    for entry in log.leaves[:kept]:
        earlier.nodes.update(earlier.head.append(merkle.leaf_hash(bytes(entry))))
    assert verify(lines, key=log.verifier, kept=[earlier.checkpoint()]).finding is None


@pytest.mark.parametrize(("kept", "block"), [(1, 0), (255, 0), (256, 0), (257, 256), (512, 256), (600, 512)])
def test_a_forked_log_is_found_by_a_kept_checkpoint(
    new_log: Any, log: Any, lines: list[bytes], kept: int, block: int
) -> None:
    """Whoever holds the key wrote the past anew: everything is signed, but not what was signed before."""
    before = type(log)(key=log.key)
    for entry in log.leaves[: kept - 1]:
        before.nodes.update(before.head.append(merkle.leaf_hash(bytes(entry))))
    before.head.append(merkle.leaf_hash(b"what was there"))
    assert found(verify(lines, kept=[before.checkpoint()])) == ("forked", block)


def test_a_log_cut_back_with_its_checkpoints_is_found_by_a_kept_one(new_log: Any, log: Any) -> None:
    shorter = type(log)(key=log.key)
    for _ in range(500):
        shorter.append()
    assert shorter.export()
    report = verify(shorter.export(), kept=[log.checkpoint()])
    assert found(report) == ("truncated", 500)


def test_a_kept_checkpoint_that_does_not_stand_is_said_to(new_log: Any, log: Any, lines: list[bytes]) -> None:
    assert found(verify(lines, kept=["nonsense"])) == ("checkpoint", None)
    assert found(verify(lines, kept=[new_log(1).checkpoint()])) == ("checkpoint", None)


def test_a_kept_checkpoint_of_another_log_under_the_same_key_is_not_compared(
    log: Any, lines: list[bytes]
) -> None:
    text = str(Checkpoint(export.origin_of(UUID(int=3)), 0, merkle.EMPTY_ROOT))
    note = notes.write_note(text, [notes.sign(log.verifier, log.key.sign(text.encode()))])
    report = verify(lines, kept=[note])
    assert found(report) == ("checkpoint", None)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"null", b"PK\x03\x04", b'{"line":"entry"}', "台帳".encode("cp932")]
)
def test_a_file_that_is_neither_is_said_to_be(data: bytes) -> None:
    assert found(verify([data])) == ("unreadable", None)


@settings(max_examples=150, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_no_change_of_any_byte_of_any_entry_goes_unseen(small: Any, random: random.Random) -> None:
    """A character in a value, replaced by another that still reads: found, and at this entry."""
    log = small
    lines = log.export()
    sequence = random.randrange(log.head.size)
    place = at(lines, sequence)
    line = bytearray(lines[place])
    spot = random.choice([n for n in range(len(line) - 1) if chr(line[n]).isalnum()])
    line[spot] = random.choice(b"abcdefghijklmnopqrstuvwxyz0123456789")
    if line == lines[place] or same_entry(bytes(line), lines[place]):
        return
    lines[place] = bytes(line)
    report = verify(lines)
    problem, named = found(report)
    assert problem in {"edited", "payload_edited", "unreadable", "deleted", "reordered", "repeated"}
    assert named == sequence or (problem == "repeated" and named is not None and named < sequence)


@pytest.fixture(scope="module")
def small(new_log: Any) -> Any:
    return new_log(20)


def same_entry(one: bytes, other: bytes) -> bool:
    """Whether two lines say the same: base64 and UUIDs can be spelled in more than one way."""
    import msgspec

    try:
        return bool(
            msgspec.json.decode(one, type=export.Entry) == msgspec.json.decode(other, type=export.Entry)
        )
    except msgspec.DecodeError:
        return False
