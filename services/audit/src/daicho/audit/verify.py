"""``daicho audit verify``: does a log's file say what was signed, and if not, where does it begin not to?

It trusts a key and nothing else. Without a key of one's own it takes the file's and says so. What it finds is
the first bad entry: edited, deleted, put in another place, cut off, or without its payload though no erasure
names it. Checkpoints that were kept from earlier days show a log that was cut back or written anew since.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from uuid import UUID

import msgspec

from daicho.audit import leaf as leaves
from daicho.audit import merkle, notes
from daicho.audit.export import BLOCK, Block, Entry, Header, Proof, block_count, from_text, leaf_of, origin_of
from daicho.audit.notes import Checkpoint, NoteInvalid, Verifier
from daicho.audit.strict_json import LineInvalid, joined, strict_decoder

_read_line: Callable[[bytes], Header | Block | Entry] = strict_decoder(Header | Block | Entry)
_read_proof: Callable[[bytes], Proof] = strict_decoder(Proof)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a log. ``sequence`` is the first bad entry, None when the fault lies before all entries.

    ``problem``: edited, payload_edited, payload_missing, deleted, truncated, reordered, repeated, surplus,
    unreadable (one entry); unproven, forked (this entry or one shortly behind it); checkpoint, key (the file).
    """

    problem: str
    sequence: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification: ``entries`` verified up to the finding, ``erased`` of those without a payload.

    ``note``: the file's own checkpoint, as it was signed. ``uncompared``: sizes of kept checkpoints that stand, but
    that a proof says nothing about: it leads to one checkpoint.
    """

    tenant_id: UUID | None = None
    checkpoint: Checkpoint | None = None
    key: str = ""
    key_trusted: bool = False
    entries: int = 0
    erased: int = 0
    finding: Finding | None = None
    uncompared: Sequence[int] = ()
    note: str = ""

    @property
    def stands(self) -> bool:
        """Whether all of it is as it was signed."""
        return self.finding is None


class _Found(Exception):
    """Ends the reading at a finding."""

    def __init__(self, problem: str, sequence: int | None, detail: str) -> None:
        self.finding = Finding(problem, sequence, detail)
        super().__init__(detail)


def verify(lines: Iterable[bytes], *, key: Verifier | None = None, kept: Sequence[str] = ()) -> Report:
    """Verify an export, line by line, or a proof document.

    ``key`` is the log's key where the reader has it from elsewhere; ``kept`` are signed checkpoints of the
    same log that the reader kept. Memory does not grow with the log but by sixteen bytes for each erased payload
    until its erasure is read.
    """
    reading = iter(lines)
    first = next(reading, b"")
    try:
        header = _read_line(first)
    except LineInvalid:
        return _verify_proof(chain((first,), reading), key, kept)
    if not isinstance(header, Header):
        return Report(finding=Finding("unreadable", None, "the file does not begin with its header"))
    return _ExportReader(header, key, kept).read(reading)


def _verify_proof(lines: Iterable[bytes], key: Verifier | None, kept: Sequence[str]) -> Report:
    try:
        document = _read_proof(joined(lines))
    except LineInvalid as error:
        return Report(finding=Finding("unreadable", None, f"this is neither an export nor a proof: {error}"))
    entry = document.entry
    checkpoint = None
    try:
        checkpoint = _checkpoint(document, key)
        uncompared = _compare_with_kept(checkpoint, _read_kept(kept, document, key, checkpoint))
        _refuse_uncovered(entry, checkpoint)
        digest = _leaf_hash(entry, document.tenant_id)
        try:
            path = [from_text(node) for node in document.proof]
            merkle.verify_inclusion(digest, entry.sequence, checkpoint.size, path, root=checkpoint.root)
        except (ValueError, merkle.ProofInvalid) as error:
            raise _Found("edited", entry.sequence, f"the entry is not in the signed log: {error}") from None
        _check_payload(entry)
    except _Found as found:
        return _report(document, key, checkpoint, finding=found.finding)
    report = _report(document, key, checkpoint, entries=1, erased=int(entry.payload is None))
    return replace(report, uncompared=uncompared)


class _ExportReader:
    """Reads one export from its first line to its first fault."""

    def __init__(self, header: Header, key: Verifier | None, kept: Sequence[str]) -> None:
        self._header = header
        self._key = key
        self._kept = kept
        self._position = 0
        self._erased = 0
        self._missing: dict[UUID, int] = {}
        self._blocks = merkle.CompactRange()
        self._hashes: list[bytes] = []

    def read(self, lines: Iterator[bytes]) -> Report:
        checkpoint = None
        try:
            checkpoint = _checkpoint(self._header, self._key)
            self._remembered = _read_kept(self._kept, self._header, self._key, checkpoint)
            _refuse_cut(checkpoint, self._remembered)
            self._read_entries(lines, checkpoint)
        except _Found as found:
            finding: Finding | None = found.finding
        else:
            finding = self._without_erasure()
        return _report(
            self._header, self._key, checkpoint, entries=self._position, erased=self._erased, finding=finding
        )

    def _read_entries(self, lines: Iterator[bytes], checkpoint: Checkpoint) -> None:
        size, tenant_id = checkpoint.size, self._header.tenant_id
        for raw in lines:
            position = self._position
            line = self._read(raw)
            if position % BLOCK == 0 and position < size and not self._hashes:
                self._begin_block(line, lines, checkpoint)
                continue
            if not isinstance(line, Entry):
                raise self._gap(None, lines, size)
            if position >= size:
                raise _Found("surplus", line.sequence, "the checkpoint does not cover this entry")
            if line.sequence != position:
                raise self._gap(line.sequence, lines, size)
            if _leaf_hash(line, tenant_id) != self._hashes[position % BLOCK]:
                raise _Found("edited", position, "the entry is not what was logged")
            self._take_payload(line)
            self._position = position + 1
            if self._position % BLOCK == 0:
                self._hashes = []
        if self._position < size:
            raise _Found("truncated", self._position, f"the file ends before the log does, at {size} entries")

    def _read(self, raw: bytes) -> Header | Block | Entry:
        try:
            return _read_line(raw)
        except LineInvalid as error:
            raise _Found("unreadable", self._position, f"the line does not read: {error}") from None

    def _begin_block(
        self, line: Header | Block | Entry, lines: Iterator[bytes], checkpoint: Checkpoint
    ) -> None:
        """Take the hashes of the next entries, once they are tied to the checkpoint."""
        position = self._position
        if isinstance(line, Entry) and line.sequence != position:
            raise self._gap(line.sequence, lines, checkpoint.size)
        last = min(position + BLOCK, checkpoint.size)
        if isinstance(line, Block) and line.block != position // BLOCK:
            raise self._gap(None, lines, checkpoint.size)
        if not isinstance(line, Block):
            raise _Found("unproven", position, f"the hashes of entries {position} to {last - 1} are missing")
        try:
            together, path = from_text(line.hashes), [from_text(node) for node in line.proof]
            if len(together) != 32 * (last - position):
                raise merkle.ProofInvalid("their number is wrong")  # noqa: TRY301 one handler words them all
            hashes = [together[at : at + 32] for at in range(0, len(together), 32)]
            root = merkle.root_of(hashes)
            merkle.verify_inclusion(
                root, line.block, block_count(checkpoint.size), path, root=checkpoint.root
            )
        except (ValueError, merkle.ProofInvalid) as error:
            raise _Found(
                "unproven",
                position,
                f"entries {position} to {last - 1} do not lead to the checkpoint: {error}",
            ) from None
        self._hashes = hashes
        self._compare_kept(position, hashes)
        self._blocks.append(root)

    def _compare_kept(self, position: int, hashes: Sequence[bytes]) -> None:
        """Compare the kept checkpoints that end within the block at ``position``."""
        while self._remembered and self._remembered[0].size <= position + len(hashes):
            kept = self._remembered.pop(0)
            begun = merkle.CompactRange()
            for digest in hashes[: kept.size - position]:
                begun.append(digest)
            head = merkle.CompactRange(self._blocks.size, self._blocks.peaks)
            if begun.size == BLOCK:
                head.append(begun.root())
                begun = merkle.CompactRange()
            if merkle.CompactRange(kept.size, [*head.peaks, *begun.peaks]).root() != kept.root:
                raise _Found(
                    "forked", position, f"the log of {kept.size} entries was another when it was kept"
                )

    def _take_payload(self, entry: Entry) -> None:
        _check_payload(entry)
        if entry.kind == "erasure":
            if entry.payload is None:
                raise _Found("payload_missing", entry.sequence, "an erasure itself keeps its payload")
            try:
                erased = leaves.erased_by(from_text(entry.payload))
            except leaves.LeafInvalid as error:
                raise _Found("unreadable", entry.sequence, str(error)) from None
            for entry_id in erased:
                self._missing.pop(entry_id, None)
        elif entry.payload is None:
            self._missing[entry.entry_id] = entry.sequence
            self._erased += 1

    def _without_erasure(self) -> Finding | None:
        if not self._missing:
            return None
        first = min(self._missing.values())
        return Finding("payload_missing", first, "the payload is gone and no later erasure names the entry")

    def _gap(self, found: int | None, lines: Iterator[bytes], size: int) -> _Found:
        """Why the entry that stands here is not the one that should."""
        position = self._position
        if found is not None and 0 <= found < position:
            return _Found("repeated", found, f"the entry stands a second time, in the place of {position}")
        if position >= size:
            return _Found("surplus", position, "the file goes on after the log's end")
        if any(sequence == position for sequence in _sequences(lines)):
            return _Found("reordered", position, "the entry stands further down, not in its place")
        return _Found("deleted", position, "the entry is missing")


def _read_kept(
    notes_kept: Sequence[str], document: Header | Proof, key: Verifier | None, checkpoint: Checkpoint
) -> list[Checkpoint]:
    """The kept checkpoints, the smallest first; each must be signed by the log's key and of this log."""
    verifier = key or Verifier.parse(document.key)
    try:
        kept = sorted(
            (notes.read_checkpoint(note, verifier) for note in notes_kept), key=lambda each: each.size
        )
    except NoteInvalid as error:
        raise _Found("checkpoint", None, f"a kept checkpoint does not stand: {error}") from None
    for each in kept:
        if each.origin != checkpoint.origin:
            raise _Found("checkpoint", None, f"a kept checkpoint is of another log, {each.origin}")
        if each.size == 0 and each.root != merkle.EMPTY_ROOT:
            raise _Found("checkpoint", None, "a kept checkpoint of an empty log has another root")
    return kept


def _refuse_cut(checkpoint: Checkpoint, kept: Sequence[Checkpoint]) -> None:
    """A log does not become shorter."""
    if kept and kept[-1].size > checkpoint.size:
        detail = f"a kept checkpoint has {kept[-1].size} entries, this log now {checkpoint.size}"
        raise _Found("truncated", checkpoint.size, detail)


def _refuse_uncovered(entry: Entry, checkpoint: Checkpoint) -> None:
    """A log of ten entries holds no eleventh."""
    if entry.sequence >= checkpoint.size:
        detail = f"the checkpoint of {checkpoint.size} entries does not cover it"
        raise _Found("surplus", entry.sequence, detail)


def _compare_with_kept(checkpoint: Checkpoint, kept: Sequence[Checkpoint]) -> list[int]:
    """Compare a proof's checkpoint with the kept ones of its size; answers the sizes of the others."""
    if any(each.size == checkpoint.size and each.root != checkpoint.root for each in kept):
        raise _Found("forked", None, f"the log of {checkpoint.size} entries was another when it was kept")
    return [each.size for each in kept if each.size != checkpoint.size]


class _Placed(msgspec.Struct):
    """All of a line that tells where it belongs."""

    sequence: int | None = None


_read_place = msgspec.json.Decoder(_Placed).decode


def _sequences(lines: Iterator[bytes]) -> Iterator[int | None]:
    for raw in lines:
        try:
            yield _read_place(raw).sequence
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue


def _checkpoint(document: Header | Proof, key: Verifier | None) -> Checkpoint:
    """The document's checkpoint, signed by ``key`` or else by the document's own, and of its tenant."""
    try:
        verifier = Verifier.parse(document.key)
    except NoteInvalid as error:
        raise _Found("key", None, f"the file's key does not read: {error}") from None
    if key is not None and key.name != verifier.name:
        raise _Found("key", None, f"the key given is of {key.name}, and the file of {verifier.name}")
    if key is not None and key != verifier:
        raise _Found(
            "key", None, f"the file is signed by {verifier}, another key of the same log than that given"
        )
    try:
        checkpoint = notes.read_checkpoint(document.checkpoint, verifier)
    except NoteInvalid as error:
        raise _Found("checkpoint", None, str(error)) from None
    if not checkpoint.origin == verifier.name == origin_of(document.tenant_id):
        raise _Found("checkpoint", None, f"the checkpoint is of another log, {checkpoint.origin}")
    if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        raise _Found("checkpoint", None, "an empty log has another root")
    return checkpoint


def _leaf_hash(entry: Entry, tenant_id: UUID) -> bytes:
    """The hash of what ``entry`` says; what cannot be a leaf was never logged."""
    try:
        return merkle.leaf_hash(bytes(leaf_of(entry, tenant_id)))
    except (ValueError, TypeError, struct.error) as error:
        raise _Found("edited", entry.sequence, f"the entry is no leaf: {error}") from None


def _check_payload(entry: Entry) -> None:
    """A payload that is there must be the one that was logged."""
    if entry.payload is None:
        return
    try:
        stands = leaves.payload_digest(from_text(entry.payload)) == from_text(entry.payload_digest)
    except ValueError:
        stands = False
    if not stands:
        raise _Found("payload_edited", entry.sequence, "the payload is not what was logged")


def _report(
    document: Header | Proof,
    key: Verifier | None,
    checkpoint: Checkpoint | None,
    *,
    entries: int = 0,
    erased: int = 0,
    finding: Finding | None = None,
) -> Report:
    return Report(
        document.tenant_id,
        checkpoint,
        document.key,
        key is not None,
        entries,
        erased,
        finding,
        note=document.checkpoint,
    )
