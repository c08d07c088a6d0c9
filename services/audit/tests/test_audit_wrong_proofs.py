"""A proof verified with the wrong key, or made of parts of several logs, fails and says why."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import export, verify_command

OTHER_TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8058")


@pytest.fixture
def mine(new_log: Callable[[int], Any]) -> Any:
    return new_log(20)


@pytest.fixture
def theirs(new_log: Callable[[int], Any]) -> Any:
    """The log of another tenant, whom the same key store signs for: only the names differ."""
    log = replace(new_log(0), tenant_id=OTHER_TENANT)
    for _ in range(20):
        log.append()
    return log


@pytest.fixture
def verified(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """``daicho audit verify`` of a proof; what it ends with, and what it says."""

    def run(proof: bytes | dict[str, Any], *, key: Any = None, kept: str | None = None) -> tuple[int, str]:
        file, note, out = tmp_path / "proof.json", tmp_path / "kept.note", io.StringIO()
        file.write_bytes(proof if isinstance(proof, bytes) else json.dumps(proof).encode())
        arguments = [str(file)]
        if key is not None:
            arguments += ["--key", str(key)]
        if kept is not None:
            note.write_text(kept)
            arguments += ["--checkpoint", str(note)]
        return verify_command.run(arguments, out), out.getvalue()

    return run


def test_the_key_of_another_tenant_is_named_as_such(mine: Any, theirs: Any, verified: Any) -> None:
    ended, said = verified(mine.proof(3), key=theirs.verifier)
    assert ended == 1
    assert "BAD: the file: key: the key given is of " + export.origin_of(OTHER_TENANT) in said
    assert export.origin_of(mine.tenant_id) in said


def test_another_key_of_the_same_log_is_named_as_such(mine: Any, verified: Any) -> None:
    stranger = replace(mine, key=Ed25519PrivateKey.generate()).verifier
    ended, said = verified(mine.proof(3), key=stranger)
    assert ended == 1
    assert "another key of the same log than that given" in said


def test_a_proof_that_brings_a_strangers_key_does_not_stand_against_ones_own(
    mine: Any, verified: Any
) -> None:
    """The whole file is signed anew by somebody else: without a key of one's own it is not proven."""
    forged = replace(mine, key=Ed25519PrivateKey.generate()).proof(3)
    ended, said = verified(forged)
    assert (ended, "NOT PROVEN" in said) == (verify_command.UNPROVEN, True)
    assert verified(forged, key=mine.verifier)[0] == 1


def test_a_proof_with_a_checkpoint_of_another_log_names_whose_it_is(
    mine: Any, theirs: Any, verified: Any
) -> None:
    proof = json.loads(mine.proof(3)) | {"checkpoint": theirs.checkpoint()}
    ended, said = verified(proof)
    assert ended == 1
    assert f"but by {export.origin_of(OTHER_TENANT)}+" in said


def test_a_proof_with_checkpoint_and_key_of_another_log_names_whose_they_are(
    mine: Any, theirs: Any, verified: Any
) -> None:
    proof = json.loads(mine.proof(3)) | {"checkpoint": theirs.checkpoint(), "key": str(theirs.verifier)}
    ended, said = verified(proof)
    assert ended == 1
    assert "checkpoint: the checkpoint is of another log, " + export.origin_of(OTHER_TENANT) in said


def test_an_entry_of_another_log_is_in_none_but_its_own(mine: Any, theirs: Any, verified: Any) -> None:
    taken = json.loads(theirs.proof(3))
    proof = json.loads(mine.proof(3)) | {"entry": taken["entry"], "proof": taken["proof"]}
    ended, said = verified(proof, key=mine.verifier)
    assert ended == 1
    assert "BAD: entry 3: edited: the entry is not in the signed log" in said


def test_a_proof_under_another_tenants_name_fails(mine: Any, verified: Any) -> None:
    ended, said = verified(json.loads(mine.proof(3)) | {"tenant_id": str(OTHER_TENANT)})
    assert ended == 1
    assert "the checkpoint is of another log" in said


def test_a_checkpoint_from_before_the_entry_does_not_cover_it(mine: Any, verified: Any) -> None:
    early = mine.checkpoint()
    mine.append()
    ended, said = verified(json.loads(mine.proof(20)) | {"checkpoint": early}, key=mine.verifier)
    assert ended == 1
    assert "BAD: entry 20: surplus: the checkpoint of 20 entries does not cover it" in said


def test_a_kept_checkpoint_is_held_against_a_proof_too(
    mine: Any, theirs: Any, new_log: Callable[[int], Any], verified: Any
) -> None:
    proof, kept = mine.proof(3), mine.checkpoint()
    assert verified(proof, kept=kept)[0] == 0
    ended, said = verified(proof, kept=theirs.checkpoint())
    assert (ended, "a kept checkpoint does not stand" in said) == (1, True)
    fork = replace(new_log(0), key=mine.key)
    for number in range(20):
        fork.append({"forked": number})
    ended, said = verified(fork.proof(3), key=mine.verifier, kept=kept)
    assert (ended, "forked: the log of 20 entries was another when it was kept" in said) == (1, True)


def test_a_kept_checkpoint_that_a_proof_says_nothing_of_is_told(mine: Any, verified: Any) -> None:
    kept = mine.checkpoint()
    mine.append()
    ended, said = verified(mine.proof(3), key=mine.verifier, kept=kept)
    assert (ended, "not compared with the checkpoint of 20 entries" in said) == (0, True)
    assert verified(mine.proof(3), kept=kept)[0] == verify_command.UNPROVEN
