"""Proofs of single entries, and the verifier's command line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from daicho.audit import export, leaf, verify_command
from daicho.audit.verify import Report, verify


def at(lines: Sequence[bytes], sequence: int) -> int:
    """Where the entry stands among ``lines``."""
    return next(n for n, line in enumerate(lines) if json.loads(line).get("sequence") == sequence)


def found(report: Report) -> tuple[str, int | None]:
    assert report.finding is not None, "the verifier found nothing"
    return report.finding.problem, report.finding.sequence


@pytest.mark.parametrize("sequence", [0, 255, 256, 599])
def test_a_proof_of_one_entry_stands(log: Any, sequence: int) -> None:
    report = verify([log.proof(sequence)], key=log.verifier)
    assert report.finding is None
    assert report.entries == 1


def test_a_proof_that_was_printed_over_many_lines_stands(log: Any) -> None:
    text = json.dumps(json.loads(log.proof(9)), indent=2)
    assert verify(io.BytesIO(text.encode()), key=log.verifier).finding is None


@pytest.mark.parametrize("members", [
    {"action": "contact.opened"}, {"sequence": 8}, {"payload_digest": export.to_text(bytes(32))},
])  # fmt: skip
def test_a_proof_of_an_edited_entry_fails(log: Any, members: dict[str, Any]) -> None:
    proof = json.loads(log.proof(9))
    proof["entry"] |= members
    assert found(verify([json.dumps(proof).encode()])) == ("edited", members.get("sequence", 9))


def test_a_proof_with_another_payload_or_path_fails(log: Any) -> None:
    proof = json.loads(log.proof(9))
    proof["entry"]["payload"] = export.to_text(leaf.write_payload({"forged": 1}))
    assert found(verify([json.dumps(proof).encode()])) == ("payload_edited", 9)
    proof = json.loads(log.proof(9))
    for path in (proof["proof"][:-1], [*proof["proof"][:-1], "!"], proof["proof"][::-1]):
        assert found(verify([json.dumps(proof | {"proof": path}).encode()])) == ("edited", 9)


def write(path: Path, lines: Iterable[bytes]) -> str:
    path.write_bytes(b"".join(lines))
    return str(path)


def test_the_command_says_what_it_verified_and_ends_with_zero(
    log: Any, lines: list[bytes], tmp_path: Path
) -> None:
    out = io.StringIO()
    kept = tmp_path / "kept.note"
    kept.write_text(log.checkpoint())
    arguments = [write(tmp_path / "log.jsonl", lines), "--key", str(log.verifier), "--checkpoint", str(kept)]
    assert verify_command.run(arguments, out) == 0
    assert "verified: 600 entries stand" in out.getvalue()
    assert "key, as given" in out.getvalue()
    assert f"compared with the checkpoint of 600 entries in {kept}" in out.getvalue()


def test_file_that_only_its_own_key_vouches_for_is_not_proven(
    log: Any, lines: list[bytes], tmp_path: Path
) -> None:
    out, file = io.StringIO(), write(tmp_path / "log.jsonl", lines)
    assert verify_command.run([file], out) == verify_command.UNPROVEN
    assert "agrees with itself: 600 entries stand" in out.getvalue()
    assert "whoever can write to the database can make such a file" in out.getvalue()
    assert "verified" not in out.getvalue()
    assert verify_command.run([file, "--key", str(log.verifier)], out) == verify_command.STANDS
    assert "compared with no earlier checkpoint" in out.getvalue()


def test_the_command_names_the_first_bad_entry_and_ends_with_one(lines: list[bytes], tmp_path: Path) -> None:
    del lines[at(lines, 123)]
    file = write(tmp_path / "log.jsonl", lines)
    done = subprocess.run(
        [sys.executable, "-m", "daicho.audit.verify_command", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "BAD: entry 123: deleted" in done.stdout
    assert "key, from the file itself" in done.stdout


def test_the_command_says_when_it_cannot_look(tmp_path: Path, lines: list[bytes]) -> None:
    out = io.StringIO()
    assert verify_command.run([str(tmp_path / "nothing")], out) == 2
    assert verify_command.run([write(tmp_path / "log.jsonl", lines), "--key", "nonsense"], out) == 2
    assert "cannot read" in out.getvalue()
    assert "--key" in out.getvalue()
