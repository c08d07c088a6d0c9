"""Cosignatures of witnesses, as c2sp.org/tlog-cosignature defines them (Ed25519, ``cosignature/v1``).

A witness cosigns a checkpoint only if it continues the last one that it cosigned. So a checkpoint with a
cosignature shows that the log was not forked since, whoever has the log's own key.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from daicho.audit.notes import (
    NoteInvalid,
    Signature,
    Verifier,
    is_name,
    read_signature,
    read_vkey,
    split_note,
    vkey,
)

COSIGNATURE = b"\x04"
_TIME = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name and its Ed25519 public key."""

    name: str
    key: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.key) != 32:
            raise ValueError("a witness has a name without spaces and plus signs, and a key of 32 bytes")

    @property
    def id(self) -> bytes:
        """The key id: the first four bytes of SHA-256(name || 0x0A || 0x04 || key)."""
        return sha256(self.name.encode() + b"\n" + COSIGNATURE + self.key).digest()[:4]

    def __str__(self) -> str:
        return vkey(self.name, self.id, COSIGNATURE + self.key)

    @classmethod
    def parse(cls, text: str) -> Witness:
        """The witness whose verifier key this is; raises :class:`NoteInvalid`."""
        name, given_id, data = read_vkey(text)
        if data[:1] != COSIGNATURE:
            raise NoteInvalid("only Ed25519 keys of witnesses (type 0x04) are known")
        try:
            witness = cls(name, data[1:])
        except ValueError as error:
            raise NoteInvalid(str(error)) from None
        if witness.id.hex() != given_id:
            raise NoteInvalid("the key id does not belong to the key")
        return witness

    def message(self, text: str, time: int) -> str:
        """The text that the witness signs of a checkpoint's ``text`` at ``time`` (seconds since 1970)."""
        return f"cosignature/v1\ntime {time}\n{text}"


def find_cosignature(note: str, witness: Witness) -> tuple[Signature, datetime] | None:
    """The cosignature of ``witness`` under ``note`` and its time; None when there is none.

    Raises :class:`NoteInvalid` for a note that does not read, and for a cosignature that does not stand.
    """
    text, lines = split_note(note)
    for signature in map(read_signature, lines):
        if (signature.name, signature.key_id) == (witness.name, witness.id):
            return signature, _verified_time(text, signature, witness)
    return None


def _verified_time(text: str, signature: Signature, witness: Witness) -> datetime:
    if len(signature.signature) != _TIME.size + 64:
        raise NoteInvalid("the cosignature has another length")
    (time,) = _TIME.unpack_from(signature.signature)
    message = witness.message(text, time)
    if not Verifier(witness.name, witness.key).verify(message, signature.signature[_TIME.size :]):
        raise NoteInvalid(f"the cosignature of {witness.name} does not belong to the note")
    try:
        return datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):
        raise NoteInvalid("the cosignature's time is none") from None
