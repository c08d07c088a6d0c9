"""How long the offline verifier takes: `python tests/bench/audit_verify.py [entries]`.

Writes a log of a million entries to a file, then prints the median of three verifications against the bar
(60 s for a million), the append rate of the tree alone (bar 5,000/s), the memory taken, and the ratio to the
floor: reading the same lines, decoding their JSON and hashing them once.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from daicho.audit import export, merkle, notes
from daicho.audit.leaf import ActorKind, Kind, Leaf, payload_digest, write_payload
from daicho.audit.notes import Checkpoint, Verifier
from daicho.audit.verify import verify
from daicho.tenancy import uuid7

BAR = 60.0
RUNS = 3


def entries(tenant_id: UUID, count: int) -> Iterator[tuple[Leaf, bytes]]:
    """Entries of ordinary size."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    user_id, session_id = uuid7(), uuid7()
    for sequence in range(count):
        payload = write_payload({"fields": ["family_name", "emails"], "address": "203.0.113.9"})
        yield (
            Leaf(
                tenant_id=tenant_id,
                sequence=sequence,
                entry_id=uuid7(),
                time=start + timedelta(milliseconds=sequence),
                kind=Kind.CHANGE,
                actor_kind=ActorKind.USER,
                actor_user_id=user_id,
                actor_session_id=session_id,
                action="contact.updated",
                resource_type="contact",
                resource_id=uuid7(),
                payload_digest=payload_digest(payload),
            ),
            payload,
        )


def write_log(file: Path, count: int) -> tuple[Verifier, float]:
    """An export of ``count`` entries in ``file``; answers its key and the appends/s of the tree."""
    tenant_id, key = uuid7(), Ed25519PrivateKey.generate()
    verifier = Verifier(export.origin_of(tenant_id), key.public_key().public_bytes_raw())
    head, nodes, lines, appending = merkle.CompactRange(), {}, [], 0.0
    for leaf, payload in entries(tenant_id, count):
        begun = perf_counter()
        nodes.update(head.append(merkle.leaf_hash(bytes(leaf))))
        appending += perf_counter() - begun
        lines.append(export.write_entry(leaf, payload))
    text = str(Checkpoint(verifier.name, head.size, head.root()))
    note = notes.write_note(text, [notes.sign(verifier, key.sign(text.encode()))])
    with file.open("wb") as out:
        out.write(export.write_header(tenant_id, key=str(verifier), checkpoint=note))
        for block in range(export.block_count(count)):
            first, last = block * export.BLOCK, min((block + 1) * export.BLOCK, count)
            hashes = [nodes[0, sequence] for sequence in range(first, last)]
            out.write(export.write_block(block, hashes, export.block_proof(block, count, nodes)))
            out.writelines(lines[first:last])
    return verifier, count / appending


def measure(file: Path, key: Verifier) -> float:
    """Seconds of one verification."""
    begun = perf_counter()
    with file.open("rb") as lines:
        report = verify(lines, key=key)
    assert report.stands, report.finding
    return perf_counter() - begun


def measure_floor(file: Path) -> float:
    """Seconds of reading, decoding and hashing alone."""
    begun = perf_counter()
    with file.open("rb") as lines:
        for line in lines:
            msgspec.json.decode(line)
            sha256(line).digest()
    return perf_counter() - begun


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="daicho-bench-") as folder:
        file = Path(folder) / "log.jsonl"
        key, appends = write_log(file, count)
        took = statistics.median(measure(file, key) for _ in range(RUNS))
        floor = statistics.median(measure_floor(file) for _ in range(RUNS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"append, tree alone: {appends:,.0f}/s (bar 5,000)")
    print(f"verify {count:,} entries: {took:.1f} s (bar {BAR * count / 1_000_000:.1f} s)")
    print(
        f"  {took / floor:.1f} × reading, decoding and hashing the lines ({floor:.1f} s); {peak} MiB with the log's making"
    )


if __name__ == "__main__":
    main()
