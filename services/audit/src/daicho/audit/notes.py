"""Signed notes and checkpoints, as c2sp.org/signed-note and c2sp.org/tlog-checkpoint define them.

A note is text and the signatures under it. A checkpoint is a note that says of a log: its name (origin),
its size, its root. Signing needs the private key and happens in the Vault; here is what is signed, how the
signature is written under it, and how all of it is verified.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
LARGEST = 1_000_000
MOST_SIGNATURES = 100
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


class NoteInvalid(Exception):
    """Text that is no note, or a note whose signature does not stand."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 key under a name."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError("a key's name is not empty and has neither spaces nor plus signs")
        if len(self.key) != 32:
            raise ValueError("an Ed25519 public key is 32 bytes")

    @property
    def id(self) -> bytes:
        """The key id: the first four bytes of SHA-256(name || 0x0A || 0x01 || key)."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        """The verifier key as text: ``<name>+<key id>+<base64 of type and key>``."""
        return vkey(self.name, self.id, ED25519 + self.key)

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """The verifier whose text this is; raises :class:`NoteInvalid`."""
        name, given_id, data = read_vkey(text)
        if data[:1] != ED25519:
            raise NoteInvalid("only Ed25519 keys are known")
        try:
            verifier = cls(name, data[1:])
        except ValueError as error:
            raise NoteInvalid(str(error)) from None
        if verifier.id.hex() != given_id:
            raise NoteInvalid("the key id does not belong to the key")
        return verifier

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this key's under ``text``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who signed, by which key, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


def write_note(text: str, signatures: Iterable[Signature]) -> str:
    """The note of ``text`` (which ends with a newline) with its signatures."""
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends with a newline")
    return text + "\n" + "".join(str(signature) for signature in signatures)


def sign(verifier: Verifier, signature: bytes) -> Signature:
    """``signature`` over a note's text, made elsewhere by the key of ``verifier``, as a line of the note."""
    return Signature(verifier.name, verifier.id, signature)


def read_note(note: str, verifier: Verifier) -> str:
    """The text of ``note``, once it is sure that ``verifier`` signed it.

    Signatures by others are passed over; one by this key must stand, and there must be one. Raises
    :class:`NoteInvalid`.
    """
    text, lines = split_note(note)
    found = False
    for line in lines:
        signature = read_signature(line)
        if (signature.name, signature.key_id) != (verifier.name, verifier.id):
            continue
        if not verifier.verify(text, signature.signature):
            raise NoteInvalid("the signature does not belong to the note")
        found = True
    if not found:
        others = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in map(read_signature, lines))
        raise NoteInvalid(f"the note is not signed by {verifier.name}+{verifier.id.hex()}, but by {others}")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint: the size and root of a log at one moment; ``extensions`` are further lines, in order."""

    origin: str
    size: int
    root: bytes
    extensions: Sequence[str] = ()

    def __str__(self) -> str:
        """The text that is signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint whose text this is; raises :class:`NoteInvalid`."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise NoteInvalid("a checkpoint has an origin, a size and a root, each on a line")
        origin, size, encoded, *extensions = lines
        root = _decoded(encoded)
        if not _SIZE.match(size) or len(root) != 32:
            raise NoteInvalid("the checkpoint's size or root does not read")
        return cls(origin, int(size), root, tuple(extensions))


def read_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint in ``note``, once it is sure that ``verifier`` signed it; raises :class:`NoteInvalid`."""
    return Checkpoint.parse(read_note(note, verifier))


def vkey(name: str, key_id: bytes, data: bytes) -> str:
    """A verifier key as text: ``<name>+<key id>+<base64 of type and key>``."""
    return f"{name}+{key_id.hex()}+{base64.b64encode(data).decode()}"


def read_vkey(text: str) -> tuple[str, str, bytes]:
    """Name, key id as given (hexadecimal), and type with key; raises :class:`NoteInvalid`."""
    name, _, rest = text.strip().partition("+")
    given_id, _, encoded = rest.partition("+")
    return name, given_id, _decoded(encoded)


def split_note(note: str) -> tuple[str, list[str]]:
    """The text and the signature lines of ``note``; raises :class:`NoteInvalid`."""
    if len(note) > LARGEST:
        raise NoteInvalid("the note is too large")
    if any(character < " " and character != "\n" for character in note):
        raise NoteInvalid("the note holds a control character")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not text or not signatures.endswith("\n"):
        raise NoteInvalid("the note has no signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return text + "\n", lines


def read_signature(line: str) -> Signature:
    """The signature in one line (without its newline); raises :class:`NoteInvalid`."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    data = _decoded(encoded)
    if dash != "—" or not is_name(name) or len(data) < 5:
        raise NoteInvalid("a signature line does not read")
    return Signature(name, data[:4], data[4:])


def is_name(text: str) -> bool:
    """Whether a key may have this name."""
    return bool(text) and "+" not in text and not any(character.isspace() for character in text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("the base64 does not read") from None
