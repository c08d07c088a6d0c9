"""Signed notes and checkpoints as c2sp.org defines them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import notes
from daicho.audit.notes import Checkpoint, NoteInvalid, Signature, Verifier

# The example of golang.org/x/mod/sumdb/note, on which the specification stands: key, text, signature.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
EXAMPLE_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def sign(key: Ed25519PrivateKey, name: str, text: str) -> tuple[Verifier, str]:
    verifier = Verifier(name, key.public_key().public_bytes_raw())
    return verifier, notes.write_note(text, [notes.sign(verifier, key.sign(text.encode()))])


def test_the_example_of_the_reference_implementation_verifies() -> None:
    verifier = Verifier.parse(EXAMPLE_KEY)
    assert notes.read_note(EXAMPLE_NOTE, verifier) == EXAMPLE_NOTE.partition("\n\n")[0] + "\n"


def test_the_example_is_written_byte_for_byte() -> None:
    text = EXAMPLE_NOTE.partition("\n\n")[0] + "\n"
    verifier, note = sign(Ed25519PrivateKey.from_private_bytes(EXAMPLE_SEED), "PeterNeumann", text)
    assert note == EXAMPLE_NOTE
    assert str(verifier) == EXAMPLE_KEY


def test_a_key_id_is_that_of_the_specification() -> None:
    """sum.golang.org's own published key."""
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert Verifier.parse(text).id.hex() == "033de0ae"
    assert str(Verifier.parse(text)) == text


@pytest.mark.parametrize("change", [
    lambda note: note.replace("problem is", "problem was"),
    lambda note: note.replace("x08go/ZJ", "x08go/ZK"),
    lambda note: note.replace("— PeterNeumann", "- PeterNeumann"),
    lambda note: note.replace("— PeterNeumann", "— AlanTuring"),
    lambda note: note.replace("\n\n", "\n"),
    lambda note: note[:-1],
    lambda note: note + "trailing",
    lambda note: note.replace("you think", "you\tthink"),
    lambda note: note.replace("AM=\n", "AM\n"),
    lambda note: note + "— x " + "!" * 12 + "\n",
    lambda note: note + "— filler AAAAAAAA\n" * 100,
    lambda note: "x" * 1_000_001 + note,
    lambda note: note[:0],
])  # fmt: skip
def test_a_note_that_was_touched_is_refused(change: object) -> None:
    with pytest.raises(NoteInvalid):
        notes.read_note(change(EXAMPLE_NOTE), Verifier.parse(EXAMPLE_KEY))  # type: ignore[operator]


def test_signatures_by_others_are_passed_over() -> None:
    key = Ed25519PrivateKey.generate()
    verifier = Verifier("audit", key.public_key().public_bytes_raw())
    witness = Signature("witness.example/w1", b"\x01\x02\x03\x04", b"\x05" * 64)
    note = notes.write_note("text\n", [witness, notes.sign(verifier, key.sign(b"text\n"))])
    assert notes.read_note(note, verifier) == "text\n"
    with pytest.raises(NoteInvalid, match="not signed"):
        notes.read_note(notes.write_note("text\n", [witness]), verifier)


@pytest.mark.parametrize("text", ["a\tb\n", "a\x00\n", "a\r\n", "x" * 1_000_000 + "\n"])
def test_even_signed_text_has_no_control_characters_and_an_end(text: str) -> None:
    verifier, note = sign(Ed25519PrivateKey.generate(), "audit", text)
    with pytest.raises(NoteInvalid, match=r"control|large"):
        notes.read_note(note, verifier)


def test_text_with_blank_lines_is_split_at_the_last_one() -> None:
    key = Ed25519PrivateKey.generate()
    verifier, note = sign(key, "audit", "one\n\n— two AAAAAAAA\n\nthree\n")
    assert notes.read_note(note, verifier) == "one\n\n— two AAAAAAAA\n\nthree\n"


@pytest.mark.parametrize(
    "text", ["", "x", "x+00000000+AA==", EXAMPLE_KEY.replace("c74f20a3", "c74f20a4"), EXAMPLE_KEY[:-4]]
)
def test_a_key_that_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b"])
def test_a_name_with_spaces_or_plus_signs_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Verifier(name, bytes(32))


def test_a_checkpoint_is_written_as_the_specification_shows_it() -> None:
    """The example of c2sp.org/tlog-checkpoint."""
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    checkpoint = Checkpoint("example.com/behind-the-sofa", 20852163, root)
    assert str(checkpoint) == (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert Checkpoint.parse(str(checkpoint)) == checkpoint


def test_a_signed_checkpoint_is_read_with_its_extensions() -> None:
    checkpoint = Checkpoint("daicho/audit/x", 3, bytes(32), ("time 2026-11-22T04:00:00Z",))
    verifier, note = sign(Ed25519PrivateKey.generate(), "daicho/audit/x", str(checkpoint))
    assert notes.read_checkpoint(note, verifier) == checkpoint


@pytest.mark.parametrize("text", [
    "", "o\n", "o\n1\n", "o\n1\n" + "A" * 43 + "=", "o\n01\n" + "A" * 43 + "=\n", "o\n-1\n" + "A" * 43 + "=\n",
    "o\n1\nAAAA\n", "o\n1\n?\n", "\n1\n" + "A" * 43 + "=\n", "o\n1\n" + "A" * 43 + "=\n\n",
    "o\n" + "9" * 20 + "\n" + "A" * 43 + "=\n", "o\n１\n" + "A" * 43 + "=\n",
])  # fmt: skip
def test_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(text)
