"""Reading the log: searches, single entries, proofs, exports. Each is itself an access, and logged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from daicho.audit import checkpoint_rows, export, merkle, repository
from daicho.audit.anchors import Anchor
from daicho.audit.checkpoint_rows import Cosigned
from daicho.audit.checkpoints import Checkpoints
from daicho.audit.clients import FieldRights, Names
from daicho.audit.cosignatures import Witness, find_cosignature
from daicho.audit.events import ACCESSED, shown
from daicho.audit.faults import LogForked
from daicho.audit.leaf import Leaf, LeafInvalid, read_payload
from daicho.audit.log import BLOB, TABLE
from daicho.audit.model import Question, Signed
from daicho.audit.notes import NoteInvalid
from daicho.audit.repository import Stored
from daicho.audit.schemas import (
    AuditActor,
    AuditEntry,
    AuditEntryPage,
    AuditResource,
    AuditSearch,
    LogStatus,
    WitnessedView,
)
from daicho.audit.searched import Readable
from daicho.events import AccessLog
from daicho.faults import FieldFault, Invalid, NotFound, Unavailable
from daicho.keyring import Keyring, Tampered, TenantKeys
from daicho.nihongo import DAY_LIMITS, is_moment_in_range
from daicho.runtime import in_slices
from daicho.tenancy import Actor, Database, TenantId, TenantTransaction
from daicho.web import bound_to, open_cursor, page_length, seal_cursor

RESOURCE: Final = "audit_entry"
BLOCKS_A_READ: Final = 8
"""Blocks of an export that one transaction reads."""
PAGE_BYTES: Final = 262_144
"""Payloads of a page in bytes, as they are stored; a page of longer ones ends early. As JSON they are about 2.5 times as
long. Two hundred entries about one record each have some 60 kB; one about 1,000 records has 17 kB."""
_QUERY: Final = "Accessed.sealed_query"

Still = Callable[[], Awaitable[Any]]
"""Raises a fault when the caller may no longer read."""

log = structlog.get_logger()


class Reader:
    """Reads a tenant's log for its auditors."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        access_log: AccessLog,
        *,
        names: Names,
        rights: FieldRights,
        checkpoints: Checkpoints,
        witness: Witness | None = None,
        blocks_a_read: int = BLOCKS_A_READ,
    ) -> None:
        self._database, self._keyring, self._access_log = database, keyring, access_log
        self._names, self._rights, self._checkpoints, self._witness = names, rights, checkpoints, witness
        self._blocks_a_read = blocks_a_read

    async def search(self, actor: Actor, asked: AuditSearch) -> AuditEntryPage:
        """A page of the entries that ``asked`` describes, newest first. Raises Invalid."""
        _check_range(asked)
        keys = await self._keyring.open(actor.tenant_id)
        bound = bound_to(
            "audit", asked.actor_id, asked.resource, asked.record_id, asked.action, asked.begin, asked.end
        )
        question = Question(
            actor_id=asked.actor_id,
            resource=asked.resource,
            record_id=asked.record_id,
            action=asked.action,
            begin=asked.begin,
            end=asked.end,
            before=None if asked.cursor is None else _position(keys, bound, asked.cursor),
            limit=asked.limit + 1,
        )
        async with self._database.reading(actor, heavy=True) as tx:
            found = await repository.find(tx, question)
        sizes = (len(payload or b"") for _, payload in found)
        page = found[: page_length(sizes, asked.limit, PAGE_BYTES)]
        more = len(found) > len(page)
        items = await self._show(actor, keys, page)
        detail = keys.events.seal(msgspec.json.encode(asked), field=_QUERY)
        await self._seen(actor, "audit.search", page, detail=detail, keys=keys)
        last = page[-1][0] if more else None
        cursor = None if last is None else seal_cursor(keys, bound, (last.time, last.sequence))
        return AuditEntryPage(items, cursor)

    async def open(self, actor: Actor, entry_id: UUID) -> AuditEntry:
        """One entry. Raises NotFound."""
        keys = await self._keyring.open(actor.tenant_id)
        found = await self._entry(actor, entry_id)
        (item,) = await self._show(actor, keys, [found])
        await self._seen(actor, "audit.open", [found])
        return item

    async def prove(self, actor: Actor, entry_id: UUID) -> bytes:
        """The proof document of one entry (:mod:`daicho.audit.export`). Raises NotFound."""
        keys = await self._keyring.open(actor.tenant_id)
        leaf, sealed = await self._entry(actor, entry_id)
        signed = await self._checkpoints.newest(actor.tenant_id, covering=leaf.sequence + 1)
        size = signed.checkpoint.size
        if leaf.sequence >= size:
            raise NotFound  # somebody wrote a number that the log never gave
        async with self._database.reading(actor) as tx:
            nodes = await repository.read_nodes(tx, merkle.inclusion_nodes(leaf.sequence, size), size)
        await self._seen(actor, "audit.proof", [(leaf, sealed)])
        return export.write_proof(
            leaf,
            _unsealed(keys, leaf, sealed),
            proof=merkle.inclusion_proof(leaf.sequence, size, nodes),
            key=signed.key,
            checkpoint=signed.note,
        )

    async def checkpoint(self, actor: Actor) -> Signed:
        """The newest checkpoint, of the log as it is now."""
        return await self._checkpoints.sign(actor.tenant_id)

    async def key(self, actor: Actor) -> str:
        """The verifier key of the log's newest checkpoint, as text."""
        return (await self._checkpoints.newest(actor.tenant_id)).key

    async def status(self, actor: Actor) -> LogStatus:
        """Whether the log is what was signed, looked at now. Raises Unavailable while the key store is away."""
        tenant_id, fork = actor.tenant_id, None
        try:
            anchor: Anchor | None = (await self._checkpoints.check(tenant_id))[0]
        except LogForked as found:
            fork, anchor = found.reason, await self._anchor(tenant_id)
        return LogStatus(
            state="intact" if fork is None else "forked",
            reason=fork,
            anchored_size=None if anchor is None else anchor.tree[0],
            anchored_note=None if anchor is None else anchor.signed.note,
            accepted_anew=anchor is not None and anchor.replaced is not None,
            witnessed=await self._witnessed(tenant_id),
        )

    async def _anchor(self, tenant_id: TenantId) -> Anchor | None:
        try:
            return await self._checkpoints.anchors.read(tenant_id)
        except LogForked:
            return None

    async def _witnessed(self, tenant_id: TenantId) -> WitnessedView | None:
        if self._witness is None:
            return None
        async with self._database.reading(tenant_id) as tx:
            found = await checkpoint_rows.read_cosigned(tx, self._witness.name)
        if found is None or not self._stands(found):
            return None
        return WitnessedView(self._witness.name, found.size, found.note, found.cosigned_at)

    def _stands(self, found: Cosigned) -> bool:
        """Whether the witness signed the note: what the database says of it counts for nothing."""
        try:
            return self._witness is not None and find_cosignature(found.note, self._witness) is not None
        except NoteInvalid:
            return False

    async def export(self, actor: Actor, still: Still) -> AsyncIterator[bytes]:
        """The whole log as lines, a few blocks at a time; ends with a fault when ``still`` raises one or the keys go.

        Everything that may refuse the caller happens before the first line is asked for.
        """
        await self._keyring.open(actor.tenant_id)
        try:
            signed = await self._checkpoints.sign(actor.tenant_id)
        except LogForked:
            # Against the last good checkpoint the verifier says where it went wrong.
            signed = await self._checkpoints.newest(actor.tenant_id)
        await self._access_log.record(actor, action="audit.export", resource=RESOURCE, ids=[])
        return self._export(actor, signed, still)

    async def _export(self, actor: Actor, signed: Signed, still: Still) -> AsyncIterator[bytes]:
        yield export.write_header(actor.tenant_id, key=signed.key, checkpoint=signed.note)
        size = signed.checkpoint.size
        count = export.block_count(size)
        for first in range(0, count, self._blocks_a_read):
            await still()
            keys = await self._keyring.open(actor.tenant_id)
            blocks = range(first, min(first + self._blocks_a_read, count))
            async with self._database.reading(actor, heavy=True) as tx:
                parts = [await _block_lines(tx, keys, block, size) for block in blocks]
            for part in parts:
                yield part

    async def _entry(self, actor: Actor, entry_id: UUID) -> Stored:
        async with self._database.reading(actor) as tx:
            found = await repository.read_entry(tx, entry_id)
        if found is None:
            raise NotFound
        return found

    async def _seen(
        self,
        actor: Actor,
        action: str,
        entries: Sequence[Stored],
        *,
        detail: bytes | None = None,
        keys: TenantKeys | None = None,
    ) -> None:
        ids = [leaf.entry_id for leaf, _ in entries]
        await self._access_log.record(
            actor, action=action, resource=RESOURCE, ids=ids, detail=detail, keys=keys
        )

    async def _show(self, actor: Actor, keys: TenantKeys, entries: Sequence[Stored]) -> list[AuditEntry]:
        users = {leaf.actor_user_id for leaf, _ in entries if leaf.actor_user_id is not None}
        names = await self._names.of(actor, users)
        contents = await in_slices(lambda entry: _content(keys, *entry), entries)
        opened = await self._open_event_keys(actor, contents)
        readable = await self._rights.of(actor) if opened else {}
        return await in_slices(
            lambda each: _shown(each[0][0], each[1], names, opened, readable),
            zip(entries, contents, strict=True),
        )

    async def _open_event_keys(
        self, actor: Actor, contents: Sequence[Mapping[str, Any] | None]
    ) -> Mapping[tuple[str, int], Callable[[bytes], bytes]]:
        """Functions that open the sealed parts of these payloads, by key; unavailable keys are left out."""
        wanted = {
            (str(content["key"][0]), int(content["key"][1]))
            for content in contents
            if content is not None and content.get("key") and content.get("type") == ACCESSED
        }
        async with self._database.reading(actor) as tx:
            wrapped = {name: await repository.read_key(tx, *name) for name in wanted}
        opened = {}
        for (service, version), text in wrapped.items():
            if text is None:
                continue
            try:
                key = await self._keyring.open_event_key(
                    actor.tenant_id, service=service, version=version, wrapped=text
                )
            except Unavailable as error:
                log.warning("search_words_stay_sealed", service=service, error=error.code)
                continue
            opened[service, version] = partial(key.unseal, field=_QUERY)
        return opened


async def _block_lines(tx: TenantTransaction, keys: TenantKeys, block: int, size: int) -> bytes:
    """The lines of one block. What the database no longer holds as it was, the verifier finds."""
    first, last = block * export.BLOCK, min((block + 1) * export.BLOCK, size)
    entries = await repository.read_block(tx, block, size)
    hashes = await repository.read_leaves(tx, first, last)
    nodes = await repository.read_nodes(tx, export.block_nodes(block, size), size)
    lines = [
        export.write_block(
            block,
            [hashes.get(sequence, bytes(32)) for sequence in range(first, last)],
            export.block_proof(block, size, nodes),
        )
    ]

    def line(entry: Stored) -> bytes:
        leaf, sealed = entry
        return export.write_entry(leaf, _unsealed(keys, leaf, sealed))

    lines += await in_slices(line, entries)
    return b"".join(lines)


def _check_range(asked: AuditSearch) -> None:
    """Raises Invalid for a moment at an end of the calendar, which the database does not hold."""
    faults = [
        FieldFault(f"/{name}", "day_out_of_range", DAY_LIMITS)
        for name, moment in (("from", asked.begin), ("to", asked.end))
        if moment is not None and not is_moment_in_range(moment)
    ]
    if faults:
        raise Invalid(faults)


def _position(keys: TenantKeys, bound: str, cursor: str) -> tuple[datetime, int]:
    time, sequence = open_cursor(keys, bound, cursor, tuple[datetime, int])
    return time, sequence


def _unsealed(keys: TenantKeys, leaf: Leaf, sealed: bytes | None) -> bytes | None:
    """The payload; one that does not open is as good as gone, and the alert is raised."""
    if sealed is None:
        return None
    try:
        return keys.unseal(TABLE, leaf.entry_id, BLOB, sealed)
    except Tampered:
        log.error(  # noqa: TRY400 - the trace says no more
            "audit_payload_tampered", tenant_id=str(leaf.tenant_id), sequence=leaf.sequence
        )
        return None


def _content(keys: TenantKeys, leaf: Leaf, sealed: bytes | None) -> Mapping[str, Any] | None:
    payload = _unsealed(keys, leaf, sealed)
    if payload is None:
        return None
    try:
        return read_payload(payload)
    except LeafInvalid:
        return None


def _shown(
    leaf: Leaf,
    content: Mapping[str, Any] | None,
    names: Mapping[UUID, str],
    opened: Mapping[tuple[str, int], Callable[[bytes], bytes]],
    readable: Mapping[str, Readable],
) -> AuditEntry:
    entry = export.entry_of(leaf, None)
    actor = entry.actor
    name = names.get(actor.user_id) if actor.user_id is not None else None
    held = content or {}
    return AuditEntry(
        id=entry.entry_id,
        sequence=entry.sequence,
        time=entry.time,
        kind=entry.kind,
        actor=AuditActor(actor.kind, actor.user_id, actor.session_id, actor.service, name),
        action=entry.action,
        resource=AuditResource(entry.resource.type, entry.resource.id),
        address=held.get("address") or None,
        request_id=held.get("request") or None,
        payload_digest=entry.payload_digest,
        payload=None if content is None else shown(content, _opener(content, opened), readable, leaf.time),
    )


def _opener(
    content: Mapping[str, Any], opened: Mapping[tuple[str, int], Callable[[bytes], bytes]]
) -> Callable[[bytes], bytes | None]:
    key = content.get("key")
    unseal = opened.get((key[0], key[1])) if key else None

    def open_it(sealed: bytes) -> bytes | None:
        if unseal is None:
            return None
        try:
            return unseal(sealed)
        except Tampered:
            return None

    return open_it
