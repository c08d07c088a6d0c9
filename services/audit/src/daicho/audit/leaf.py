"""The canonical bytes of an entry's leaf in the audit log.

Frozen: a leaf that was once signed must hash the same for ever. A new shape takes a new version byte. The
payload (what changed, which records were seen, from where) is not in the leaf but by its SHA-256, so that an
erasure can take the payload away and leave the log whole. A payload begins with sixteen random bytes:
whoever has the digest alone cannot try out what it might have said.

Layout, numbers big-endian: version u8 | tenant 16 | sequence u64 | entry id 16 | time i64, microseconds since
1970 UTC | kind u8 | actor kind u8 | actor's user, session (each: 0x00, or 0x01 and 16 bytes) | actor's service
(text) | action (text) | resource type (text) | resource id (as the user) | payload digest 32. Text is UTF-8
behind its length, u16.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgpack

VERSION = 1
SALT = 16
PAYLOAD_VERSION = b"\x01"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEAD = struct.Struct(">B16sQ16sqBB")
_LENGTH = struct.Struct(">H")


class LeafInvalid(Exception):
    """Bytes that are no leaf, or no payload, of a version that is known."""


class Kind(IntEnum):
    """Kinds of entries."""

    CHANGE = 1
    ACCESS = 2
    # Takes away the payloads of earlier entries, which its own payload names.
    ERASURE = 3


class ActorKind(IntEnum):
    """Who acted."""

    USER = 1
    SERVICE = 2
    SYSTEM = 3
    PUBLIC = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry of a tenant's log, without its payload.

    ``sequence`` counts from zero within the tenant; ``time`` is aware, in microseconds; ``action`` is what
    was done ("contact.updated"), ``resource_type`` and ``resource_id`` to what, the id where it was one thing.
    """

    tenant_id: UUID
    sequence: int
    entry_id: UUID
    time: datetime
    kind: Kind
    actor_kind: ActorKind
    actor_user_id: UUID | None = None
    actor_session_id: UUID | None = None
    actor_service: str = ""
    action: str
    resource_type: str
    resource_id: UUID | None = None
    payload_digest: bytes

    def __bytes__(self) -> bytes:
        """The canonical bytes."""
        if len(self.payload_digest) != 32:
            raise ValueError("a payload's digest is 32 bytes")
        return b"".join(
            (
                _HEAD.pack(
                    VERSION,
                    self.tenant_id.bytes,
                    self.sequence,
                    self.entry_id.bytes,
                    (self.time - _EPOCH) // _MICROSECOND,
                    self.kind,
                    self.actor_kind,
                ),
                _optional(self.actor_user_id),
                _optional(self.actor_session_id),
                _text(self.actor_service),
                _text(self.action),
                _text(self.resource_type),
                _optional(self.resource_id),
                self.payload_digest,
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> Leaf:
        """The leaf whose canonical bytes these are; raises :class:`LeafInvalid`."""
        try:
            return cls._parse(data)
        except (struct.error, ValueError, OverflowError) as error:
            raise LeafInvalid(f"these bytes are no leaf: {error}") from None

    @classmethod
    def _parse(cls, data: bytes) -> Leaf:
        version, tenant, sequence, entry, time, kind, actor = _HEAD.unpack_from(data)
        if version != VERSION:
            raise ValueError(f"version {version} is not known")
        reader = _Reader(data, _HEAD.size)
        leaf = cls(
            tenant_id=UUID(bytes=tenant),
            sequence=sequence,
            entry_id=UUID(bytes=entry),
            time=_EPOCH + timedelta(microseconds=time),
            kind=Kind(kind),
            actor_kind=ActorKind(actor),
            actor_user_id=reader.optional(),
            actor_session_id=reader.optional(),
            actor_service=reader.text(),
            action=reader.text(),
            resource_type=reader.text(),
            resource_id=reader.optional(),
            payload_digest=reader.take(32),
        )
        reader.end()
        return leaf


def write_payload(content: Mapping[str, Any], random: Callable[[int], bytes] = os.urandom) -> bytes:
    """The bytes of a payload: version, salt, msgpack of ``content`` with its keys in order."""
    packed: bytes = msgpack.packb(_ordered(content))
    return PAYLOAD_VERSION + random(SALT) + packed


def read_payload(payload: bytes) -> dict[str, Any]:
    """The payload that :func:`write_payload` was given. Raises :class:`LeafInvalid`."""
    if payload[:1] != PAYLOAD_VERSION or len(payload) <= 1 + SALT:
        raise LeafInvalid("these bytes are no payload")
    try:
        content = msgpack.unpackb(payload[1 + SALT :])
    except (ValueError, msgpack.exceptions.UnpackException):
        raise LeafInvalid("the payload does not read") from None
    if not isinstance(content, dict):
        raise LeafInvalid("the payload does not read")
    return content


def deed_of(leaf: Leaf) -> int:
    """Who did what to what kind of thing, as a number by which a record's entries are found; not under the tree."""
    return _deed(leaf.actor_user_id, leaf.resource_type, leaf.action)


@lru_cache(4_096)
def _deed(actor: UUID | None, resource: str, action: str) -> int:
    digest = sha256((actor.bytes if actor else bytes(16)) + f"{resource} {action}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def payload_digest(payload: bytes) -> bytes:
    """The digest of ``payload`` in its leaf."""
    return sha256(payload).digest()


def erasure_content(erased: Sequence[UUID], reason: str) -> dict[str, Any]:
    """The content of an entry of kind ERASURE: the ids of the entries whose payloads it takes away."""
    return {"erased": [entry.bytes for entry in erased], "reason": reason}


def erased_by(payload: bytes) -> list[UUID]:
    """The entries that an erasure's ``payload`` names; raises :class:`LeafInvalid`."""
    try:
        return [UUID(bytes=entry) for entry in read_payload(payload)["erased"]]
    except (KeyError, TypeError, ValueError):
        raise LeafInvalid("the erasure does not name entries") from None


def _ordered(value: Any) -> Any:
    """``value`` with the keys of every mapping in order."""
    if value is None or isinstance(value, str | bytes | int):
        return value
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value


def _optional(value: UUID | None) -> bytes:
    return b"\x00" if value is None else b"\x01" + value.bytes


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


class _Reader:
    """Takes a leaf's variable part from the front."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("they end too early")
        self._at += count
        return taken

    def optional(self) -> UUID | None:
        match self.take(1):
            case b"\x00":
                return None
            case b"\x01":
                return UUID(bytes=self.take(16))
            case _:
                raise ValueError("a mark is neither 0 nor 1")

    def text(self) -> str:
        (length,) = _LENGTH.unpack(self.take(_LENGTH.size))
        return self.take(length).decode()

    def end(self) -> None:
        if self._at != len(self._data):
            raise ValueError("they go on after the end")
