"""What contacts and companies do alike: made, read, changed, deleted, restored, each step kept and told.

The flow is said here once; what a contact or a company is, its own class says. Each use case runs in the
transaction that its edge opened, with the tenant's keys at hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec
from google.protobuf.message import Message
from msgspec import UNSET
from sqlalchemy import insert, update

from daicho.customers import history, index, ownership, record_size, references
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema, hold
from daicho.customers.faults import RecordDeleted, RecordNotDeleted
from daicho.customers.handover.service import heir_of
from daicho.customers.merging import merge
from daicho.customers.model import Resource, model_of
from daicho.customers.reader import Reader
from daicho.customers.repository import Repository, Row
from daicho.customers.schemas import HistoryEntry, RecordInput, RecordPatch, RecordView
from daicho.customers.texts import long_tokens
from daicho.events import Aggregate, tell
from daicho.faults import FieldFault, Forbidden, Invalid, NotFound, PreconditionFailed
from daicho.keyring import TenantKeys
from daicho.runtime import Clock, in_slices
from daicho.tenancy import TenantTransaction, uuid7

StateT = TypeVar("StateT", bound=RecordInput)
PatchT = TypeVar("PatchT", bound=RecordPatch)
ViewT = TypeVar("ViewT", bound=RecordView)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a record has besides its state."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found(Generic[StateT]):
    """A record as stored, opened: ``state.custom`` holds values that the reader may not see, too."""

    stamp: Stamp
    state: StateT
    schema: ResourceSchema


class Records(ABC, Generic[StateT, PatchT, ViewT]):
    """The use cases of one resource."""

    resource: ClassVar[Resource]
    plural: ClassVar[str]
    """The resource as permissions name it."""
    repository: ClassVar[Repository]

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        self.catalogue, self.clock = catalogue, clock

    @abstractmethod
    def normalise(self, typed: StateT) -> tuple[StateT, list[FieldFault]]:
        """``typed`` in stored form, and what is wrong with it."""

    @abstractmethod
    def columns(
        self,
        keys: TenantKeys,
        record_id: UUID,
        state: StateT,
        schema: ResourceSchema,
        custom_tokens: Collection[int] | None = None,
    ) -> dict[str, Any]:
        """What the row of a record holds, sealed, but for its stamp; ``custom_tokens`` of its custom texts, if known."""

    async def columns_in_slices(
        self, keys: TenantKeys, record_id: UUID, state: StateT, schema: ResourceSchema
    ) -> dict[str, Any]:
        """As :meth:`columns`, where the event loop is shared: lets others run while long texts are indexed."""
        [columns] = await self.columns_of_many(keys, [(record_id, state)], schema)
        return columns

    async def columns_of_many(
        self, keys: TenantKeys, states: Sequence[tuple[UUID, StateT]], schema: ResourceSchema
    ) -> list[dict[str, Any]]:
        """:meth:`columns` of each of ``states``, in slices."""
        tokens = [await long_tokens(keys, schema.schema, state.custom) for _, state in states]
        return await in_slices(
            lambda each: self.columns(keys, *each[0], schema, each[1]), zip(states, tokens, strict=True)
        )

    @abstractmethod
    def digests(self, keys: TenantKeys, state: StateT, schema: ResourceSchema) -> list[index.Digest]:
        """The keyed digests by which the record is found or held unique."""

    @abstractmethod
    def opened(self, keys: TenantKeys, row: Row, tags: list[str]) -> StateT:
        """The whole state of a stored row."""

    @abstractmethod
    def view(self, stamp: Stamp, state: StateT) -> ViewT:
        """The record as the API shows it; ``state.custom`` is what the reader may see."""

    @abstractmethod
    def message(
        self, keys: TenantKeys, found: Found[StateT], kind: history.Kind, fields: list[str]
    ) -> Message:
        """The event that tells of a step."""

    def merged(self, before: StateT, patch: PatchT) -> StateT:
        """``before`` with what ``patch`` sets."""
        return merge(before, patch)

    async def settle(
        self,
        tx: TenantTransaction,  # noqa: ARG002 for those that override it
        reader: Reader,  # noqa: ARG002 as above
        state: StateT,
        before: StateT | None,  # noqa: ARG002 as above
        wrong: list[FieldFault],  # noqa: ARG002 as above
    ) -> StateT:
        """``state`` with the other records that it names found or made; none is made while anything is wrong."""
        return state

    async def create(self, tx: TenantTransaction, reader: Reader, given: StateT) -> ViewT:
        """A new record of the caller, or of the owner that they name. Raises Invalid, naming each wrong member."""
        wrong: list[FieldFault] = []
        await hold(tx, self.resource)
        state, schema = await self._drafted(tx, reader, given, wrong)
        if wrong:
            raise Invalid(wrong)
        return self._shown(reader, await self.add(tx, reader.keys, state, schema))

    async def examine(
        self, tx: TenantTransaction, reader: Reader, given: StateT, wrong: Sequence[FieldFault]
    ) -> list[FieldFault]:
        """What :meth:`create` would say of ``given``, about which ``wrong`` is known already; nothing is made."""
        found = list(wrong)
        await self._drafted(tx, reader, given, found)
        return found[len(wrong) :]

    async def _drafted(
        self, tx: TenantTransaction, reader: Reader, given: StateT, wrong: list[FieldFault]
    ) -> tuple[StateT, ResourceSchema]:
        """``given`` as it will be stored; what is wrong with it is added to ``wrong``."""
        state, found = self.normalise(given)
        wrong += found
        schema = await self.catalogue.current(tx, self.resource)
        checked = schema.schema.check(state.custom, role=reader.grants.role)
        wrong += checked.faults
        wrong += await references.check(tx, reader, schema, checked.values)
        owner_id = tx.actor.user_id if state.owner_id is UNSET else state.owner_id
        wrong += await ownership.check(tx, reader, f"{self.plural}:create", owner_id)
        state = await self.settle(tx, reader, state, None, wrong)
        custom = {key: value for key, value in checked.values.items() if value is not None}
        state = msgspec.structs.replace(state, owner_id=owner_id, custom=custom)
        wrong += record_size.faults(state)
        return state, schema

    async def add(
        self, tx: TenantTransaction, keys: TenantKeys, state: StateT, schema: ResourceSchema
    ) -> Found[StateT]:
        """Store a new record whose state is checked and settled."""
        now = self.clock()
        found = Found(Stamp(uuid7(), 1, now, now), state, schema)
        await tx.session.execute(
            insert(model_of(self.resource)).values(
                tenant_id=tx.tenant_id,
                id=found.stamp.id,
                version=1,
                created_at=now,
                updated_at=now,
                **await self.columns_in_slices(keys, found.stamp.id, state, schema),
            )
        )
        await self._write_index(tx, keys, found, before={}, tags_before=[])
        await self._keep_step(tx, keys, found, "created", history.compare({}, history.flat(state)))
        return found

    async def read(self, tx: TenantTransaction, reader: Reader, record_id: UUID) -> ViewT:
        """One record, in the bin or not. Raises NotFound, also when it is out of the caller's reach."""
        return self._shown(reader, await self._find(tx, reader, record_id, "read"))

    async def change(
        self, tx: TenantTransaction, reader: Reader, record_id: UUID, version: int, patch: PatchT
    ) -> ViewT:
        """Change the members that ``patch`` sets.

        Raises NotFound, Forbidden, PreconditionFailed when ``version`` is not the current one, RecordDeleted,
        Invalid. A change that changes nothing leaves version and history as they are.
        """
        found = await self._for_change(tx, reader, record_id, version, "update")
        wrong: list[FieldFault] = []
        state = await self._amended(tx, reader, found, patch, wrong)
        if wrong:
            raise Invalid(wrong)
        return self._shown(reader, await self.replace(tx, reader.keys, found, state))

    async def examine_change(
        self,
        tx: TenantTransaction,
        reader: Reader,
        record_id: UUID,
        patch: PatchT,
        wrong: Sequence[FieldFault],
    ) -> list[FieldFault]:
        """What :meth:`change` would say of ``patch``, as :meth:`examine` does of a new record. Raises NotFound,
        Forbidden."""
        record = await self._find(tx, reader, record_id, "update")
        found = list(wrong)
        await self._amended(tx, reader, record, patch, found)
        return found[len(wrong) :]

    async def _amended(
        self,
        tx: TenantTransaction,
        reader: Reader,
        found: Found[StateT],
        patch: PatchT,
        wrong: list[FieldFault],
    ) -> StateT:
        """The state after ``patch`` as it will be stored; what is wrong with it is added to ``wrong``."""
        before = found.state
        merged = self.merged(before, patch)
        state, misread = self.normalise(merged)
        # A value of before a rule does not keep somebody from changing another.
        wrong += [each for each in misread if not _is_kept(each, before, merged)]
        sent = {} if patch.custom is UNSET else patch.custom
        checked = found.schema.schema.check(sent, role=reader.grants.role, current=before.custom)
        wrong += checked.faults
        wrong += await references.check(tx, reader, found.schema, checked.values)
        if state.owner_id != before.owner_id:
            wrong += await ownership.check(tx, reader, f"{self.plural}:update", state.owner_id or None)
        state = await self.settle(tx, reader, state, before, wrong)
        custom = {k: v for k, v in {**before.custom, **checked.values}.items() if v is not None}
        state = msgspec.structs.replace(state, custom=custom)
        wrong += record_size.faults(state, before)
        return state

    async def replace(
        self, tx: TenantTransaction, keys: TenantKeys, found: Found[StateT], state: StateT
    ) -> Found[StateT]:
        """Store ``state``, checked and settled, in place of what was found, if it differs."""
        changes = history.compare(history.flat(found.state), history.flat(state))
        if not changes:
            return found
        columns = await self.columns_in_slices(keys, found.stamp.id, state, found.schema)
        stamp = await self.store(tx, found.stamp, columns, deleted_at=None)
        after = Found(stamp, state, found.schema)
        plain, _ = found.schema.split(found.state.custom)
        await self._write_index(tx, keys, after, before=plain, tags_before=found.state.tags)
        await self._keep_step(tx, keys, after, "updated", changes)
        return after

    async def delete(self, tx: TenantTransaction, reader: Reader, record_id: UUID, version: int) -> None:
        """Put a record into the bin, from where it can be restored. Raises as :meth:`change` does."""
        found = await self._for_change(tx, reader, record_id, version, "delete")
        stamp = await self.store(tx, found.stamp, {}, deleted_at=self.clock())
        await index.write_keys(tx, resource=self.resource, record_id=record_id, digests=[])
        await self._keep_step(tx, reader.keys, replace(found, stamp=stamp), "deleted", {})

    async def restore(self, tx: TenantTransaction, reader: Reader, record_id: UUID) -> ViewT:
        """Take a record out of the bin; if its owner left meanwhile, it goes to the successor.

        Raises NotFound, Forbidden, RecordNotDeleted, Invalid for a unique value that another record took meanwhile.
        """
        found = await self._find(tx, reader, record_id, "delete", lock=True)
        if found.stamp.deleted_at is None:
            raise RecordNotDeleted
        digests = self.digests(reader.keys, found.state, found.schema)
        await index.write_keys(tx, resource=self.resource, record_id=record_id, digests=digests)
        state = found.state
        if state.owner_id:
            state = msgspec.structs.replace(state, owner_id=await heir_of(tx, state.owner_id))
        # In the bin it was passed over by what rewrites records, and what hands them over.
        columns = await self.columns_in_slices(reader.keys, record_id, state, found.schema)
        stamp = await self.store(tx, found.stamp, columns, deleted_at=None)
        changes = history.compare(history.flat(found.state), history.flat(state))
        found = replace(found, stamp=stamp, state=state)
        await self._keep_step(tx, reader.keys, found, "restored", changes)
        return self._shown(reader, found)

    async def read_history(
        self, tx: TenantTransaction, reader: Reader, record_id: UUID, *, limit: int, before: int | None
    ) -> tuple[list[HistoryEntry], int | None]:
        """A page of what happened to a record, as :func:`daicho.customers.history.list_changes` has it; values that
        the caller may not read are left out."""
        found = await self._find(tx, reader, record_id, "read")
        entries, after = await history.list_changes(
            tx, reader.keys, resource=self.resource, record_id=record_id, limit=limit, before=before
        )
        since = await history.fields_since(tx, self.resource)
        return history.readable(entries, found.schema.schema, since, reader.grants.role), after

    async def open_row(self, tx: TenantTransaction, keys: TenantKeys, row: Row) -> Found[StateT]:
        """A row of the repository's ``fetch_one``, opened."""
        schema = await self.catalogue.at(tx, self.resource, row["revision"] or 0)
        tags = await self.repository.fetch_tags(tx, row["id"])
        stamp = Stamp(*(row[name] for name in ("id", "version", "created_at", "updated_at", "deleted_at")))
        return Found(stamp, self.opened(keys, row, tags), schema)

    async def _find(
        self, tx: TenantTransaction, reader: Reader, record_id: UUID, verb: str, *, lock: bool = False
    ) -> Found[StateT]:
        """Opens a record. Out of reach for reading is NotFound; in reach for reading alone, Forbidden.
        ``lock`` is for changing it: then its fields stay as they are, too."""
        if lock:
            await hold(tx, self.resource)
        row = await self.repository.fetch_one(tx, record_id, lock=lock)
        if row is None or not reader.grants.covers(f"{self.plural}:read", row["owner_id"]):
            raise NotFound
        if not reader.grants.covers(f"{self.plural}:{verb}", row["owner_id"]):
            raise Forbidden
        return await self.open_row(tx, reader.keys, row)

    async def _for_change(
        self, tx: TenantTransaction, reader: Reader, record_id: UUID, version: int, verb: str
    ) -> Found[StateT]:
        found = await self._find(tx, reader, record_id, verb, lock=True)
        if found.stamp.version != version:
            raise PreconditionFailed(version=found.stamp.version)
        if found.stamp.deleted_at is not None:
            raise RecordDeleted
        return found

    async def store(
        self, tx: TenantTransaction, stamp: Stamp, columns: Mapping[str, Any], *, deleted_at: datetime | None
    ) -> Stamp:
        """Write ``columns`` and the next version of a record; answers its stamp."""
        table = model_of(self.resource)
        after = replace(stamp, version=stamp.version + 1, updated_at=self.clock(), deleted_at=deleted_at)
        await tx.session.execute(
            update(table)
            .where(table.tenant_id == tx.tenant_id, table.id == stamp.id)
            .values(
                version=after.version, updated_at=after.updated_at, deleted_at=after.deleted_at, **columns
            )
        )
        return after

    async def _write_index(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        found: Found[StateT],
        *,
        before: Mapping[str, Any],
        tags_before: Sequence[str],
    ) -> None:
        place: dict[str, Any] = {"resource": self.resource, "record_id": found.stamp.id}
        digests = self.digests(keys, found.state, found.schema)
        await index.write_keys(tx, **place, digests=digests)
        after, _ = found.schema.split(found.state.custom)
        await index.write_values(tx, **place, schema=found.schema, before=before, after=after)
        if tags_before != found.state.tags:
            await index.write_tags(tx, **place, tags=found.state.tags)

    async def _keep_step(
        self,
        tx: TenantTransaction,
        keys: TenantKeys,
        found: Found[StateT],
        kind: history.Kind,
        changes: history.Changes,
    ) -> None:
        """Writes the step into the history and tells it."""
        await history.record_change(
            tx,
            keys,
            resource=self.resource,
            record_id=found.stamp.id,
            version=found.stamp.version,
            kind=kind,
            at=found.stamp.updated_at,
            changes=changes,
        )
        message = self.message(keys, found, kind, list(changes))
        await tell(tx, keys, message, aggregate=Aggregate(self.resource, found.stamp.id, found.stamp.version))

    def _shown(self, reader: Reader, found: Found[StateT]) -> ViewT:
        custom = found.schema.schema.readable(found.state.custom, reader.grants.role)
        return self.view(found.stamp, msgspec.structs.replace(found.state, custom=custom))


def _is_kept(fault: FieldFault, before: object, merged: object) -> bool:
    """Whether ``fault`` is about a member that a change leaves as it was."""
    member = fault.pointer.split("/")[1]
    return getattr(before, member, None) == getattr(merged, member, UNSET)
