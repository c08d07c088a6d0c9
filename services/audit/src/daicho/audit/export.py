"""The form in which a log leaves the house, to be verified by whoever holds the file.

An export is JSON lines: a header with the signed checkpoint, then blocks of 256 entries. Before the entries
of a block stands a line with their leaf hashes and the block's path to the checkpoint's root, so that a reader
knows of each entry what it should be before seeing it, in constant memory. A proof is one JSON object: one
entry, its path, the checkpoint. An entry carries its payload in base64, or null after an erasure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from daicho.audit import merkle
from daicho.audit.leaf import ActorKind, Kind, Leaf

EXPORT: Final = "daicho-audit-export/1"
PROOF: Final = "daicho-audit-proof/1"
HEIGHT = 8
BLOCK = 1 << HEIGHT


def origin_of(tenant_id: UUID) -> str:
    """The name of a tenant's log, in its checkpoints and in the name of the key that signs them."""
    return f"daicho/audit/{tenant_id}"


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acted."""

    kind: Literal["user", "service", "system", "public"]
    user_id: UUID | None = None
    session_id: UUID | None = None
    service: str = ""


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was acted on."""

    type: str
    id: UUID | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="entry"):
    """One entry, with its payload where it still has one."""

    sequence: int
    entry_id: UUID
    time: datetime
    kind: Literal["change", "access", "erasure"]
    actor: Actor
    action: str
    resource: Resource
    payload_digest: str
    payload: str | None


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="block"):
    """The leaf hashes of the entries that follow, one behind the other, and the path of their root."""

    block: int
    hashes: str
    proof: list[str]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="header"):
    """The log's tenant, its signer, and how far the export goes."""

    format: Literal["daicho-audit-export/1"]
    tenant_id: UUID
    key: str
    checkpoint: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry and why it is in the log."""

    format: Literal["daicho-audit-proof/1"]
    tenant_id: UUID
    key: str
    checkpoint: str
    entry: Entry
    proof: list[str]


_KINDS: Mapping[str, Kind] = {kind.name.lower(): kind for kind in Kind}
_ACTOR_KINDS: Mapping[str, ActorKind] = {kind.name.lower(): kind for kind in ActorKind}
_KIND_NAMES: Mapping[Kind, Literal["change", "access", "erasure"]] = {
    Kind.CHANGE: "change",
    Kind.ACCESS: "access",
    Kind.ERASURE: "erasure",
}
_ACTOR_NAMES: Mapping[ActorKind, Literal["user", "service", "system", "public"]] = {
    ActorKind.USER: "user",
    ActorKind.SERVICE: "service",
    ActorKind.SYSTEM: "system",
    ActorKind.PUBLIC: "public",
}


def write_header(tenant_id: UUID, *, key: str, checkpoint: str) -> bytes:
    """The first line of an export: the verifier key as text, and the signed note of the checkpoint."""
    return _line(Header(EXPORT, tenant_id, key, checkpoint))


def write_block(block: int, hashes: Sequence[bytes], proof: Sequence[bytes]) -> bytes:
    """The line before the entries of ``block``; ``proof`` is of :func:`merkle.block_proof` at HEIGHT."""
    return _line(Block(block, to_text(b"".join(hashes)), [to_text(node) for node in proof]))


def write_entry(leaf: Leaf, payload: bytes | None) -> bytes:
    """The line of an entry."""
    return _line(entry_of(leaf, payload))


def write_proof(
    leaf: Leaf, payload: bytes | None, *, proof: Sequence[bytes], key: str, checkpoint: str
) -> bytes:
    """The proof document of one entry; ``proof`` is of :func:`merkle.inclusion_proof`."""
    path = [to_text(node) for node in proof]
    return _line(Proof(PROOF, leaf.tenant_id, key, checkpoint, entry_of(leaf, payload), path))


def entry_of(leaf: Leaf, payload: bytes | None) -> Entry:
    """``leaf`` and its payload as they are written."""
    return Entry(
        sequence=leaf.sequence,
        entry_id=leaf.entry_id,
        time=leaf.time,
        kind=_KIND_NAMES[leaf.kind],
        actor=Actor(
            _ACTOR_NAMES[leaf.actor_kind], leaf.actor_user_id, leaf.actor_session_id, leaf.actor_service
        ),
        action=leaf.action,
        resource=Resource(leaf.resource_type, leaf.resource_id),
        payload_digest=to_text(leaf.payload_digest),
        payload=None if payload is None else to_text(payload),
    )


def leaf_of(entry: Entry, tenant_id: UUID) -> Leaf:
    """The leaf that ``entry`` claims to be; raises ValueError for a digest that does not read."""
    return Leaf(
        tenant_id=tenant_id,
        sequence=entry.sequence,
        entry_id=entry.entry_id,
        time=entry.time,
        kind=_KINDS[entry.kind],
        actor_kind=_ACTOR_KINDS[entry.actor.kind],
        actor_user_id=entry.actor.user_id,
        actor_session_id=entry.actor.session_id,
        actor_service=entry.actor.service,
        action=entry.action,
        resource_type=entry.resource.type,
        resource_id=entry.resource.id,
        payload_digest=from_text(entry.payload_digest),
    )


def to_text(data: bytes) -> str:
    """Base64, as everywhere in these files."""
    return binascii.b2a_base64(data, newline=False).decode()


def from_text(text: str) -> bytes:
    """The bytes of :func:`to_text`; raises ValueError."""
    return base64.b64decode(text, validate=True)


def block_count(size: int) -> int:
    """How many blocks an export of ``size`` entries has."""
    return (size + BLOCK - 1) >> HEIGHT


def block_nodes(block: int, size: int) -> list[merkle.Coordinates]:
    """The nodes that the path of ``block`` needs."""
    return merkle.block_nodes(block, size, HEIGHT)


def block_proof(block: int, size: int, nodes: Mapping[merkle.Coordinates, bytes]) -> list[bytes]:
    """The path of ``block`` to the root of the tree of ``size`` entries."""
    return merkle.block_proof(block, size, HEIGHT, nodes)


def _line(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"
