"""A tenant's log in memory, which the tests of the core export, prove and spoil."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import export, leaf, merkle, notes
from daicho.audit.leaf import ActorKind, Kind, Leaf
from daicho.audit.notes import Checkpoint, Verifier

TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
START = datetime(2026, 11, 22, 3, 37, tzinfo=UTC)


@dataclass
class Log:
    """A tenant's log in memory, as the service keeps it: leaves, payloads, nodes, and a key."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    tenant_id: UUID = TENANT
    head: merkle.CompactRange = field(default_factory=merkle.CompactRange)
    nodes: dict[merkle.Coordinates, bytes] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    payloads: list[bytes | None] = field(default_factory=list)

    @property
    def verifier(self) -> Verifier:
        return Verifier(export.origin_of(self.tenant_id), self.key.public_key().public_bytes_raw())

    def append(self, content: dict[str, Any] | None = None, *, kind: Kind = Kind.CHANGE) -> Leaf:
        sequence = len(self.leaves)
        payload = leaf.write_payload(content or {"fields": ["phones"], "n": sequence})
        entry = Leaf(
            tenant_id=self.tenant_id,
            sequence=sequence,
            entry_id=UUID(int=(1 << 100) + sequence),
            time=START + timedelta(milliseconds=sequence),
            kind=kind,
            actor_kind=ActorKind.USER,
            actor_user_id=UUID(int=5),
            actor_session_id=UUID(int=6),
            action="contact.updated",
            resource_type="contact",
            resource_id=UUID(int=(1 << 90) + sequence),
            payload_digest=leaf.payload_digest(payload),
        )
        self.nodes.update(self.head.append(merkle.leaf_hash(bytes(entry))))
        self.leaves.append(entry)
        self.payloads.append(payload)
        return entry

    def erase(self, *sequences: int) -> None:
        """Take the payloads away and say so in an entry."""
        entries = [self.leaves[sequence].entry_id for sequence in sequences]
        self.append(leaf.erasure_content(entries, "privacy_request"), kind=Kind.ERASURE)
        for sequence in sequences:
            self.payloads[sequence] = None

    def checkpoint(self) -> str:
        text = str(Checkpoint(export.origin_of(self.tenant_id), self.head.size, self.head.root()))
        return notes.write_note(text, [notes.sign(self.verifier, self.key.sign(text.encode()))])

    def export(self) -> list[bytes]:
        size = self.head.size
        lines = [export.write_header(TENANT, key=str(self.verifier), checkpoint=self.checkpoint())]
        for sequence, (entry, payload) in enumerate(zip(self.leaves, self.payloads, strict=True)):
            if sequence % export.BLOCK == 0:
                block = sequence // export.BLOCK
                hashes = [self.nodes[0, at] for at in range(sequence, min(sequence + export.BLOCK, size))]
                needed = {node: self.nodes[node] for node in export.block_nodes(block, size)}
                lines.append(export.write_block(block, hashes, export.block_proof(block, size, needed)))
            lines.append(export.write_entry(entry, payload))
        return lines

    def proof(self, sequence: int) -> bytes:
        path = merkle.inclusion_proof(sequence, self.head.size, self.nodes)
        return export.write_proof(
            self.leaves[sequence], self.payloads[sequence], proof=path,
            key=str(self.verifier), checkpoint=self.checkpoint(),
        )  # fmt: skip


def create_log(size: int) -> Log:
    log = Log()
    for _ in range(size):
        log.append()
    return log


@pytest.fixture(scope="session")
def new_log() -> Callable[[int], Log]:
    """Makes logs of so many entries."""
    return create_log


@pytest.fixture(scope="module")
def log() -> Log:
    """Three blocks, the last of them partial."""
    return create_log(600)


@pytest.fixture
def lines(log: Log) -> list[bytes]:
    return log.export()
