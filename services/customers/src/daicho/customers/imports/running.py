"""The run: staged rows enter the ledger, batch by batch, each with its history, its event and its progress.

Batches go through two lanes side by side; a lane's row says which batch is next, and is moved in the batch's own
transaction. So a worker that dies loses nothing, and one that goes on beside its successor finds the lane moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from daicho import access
from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.companies.records import Companies
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema, hold
from daicho.customers.imports import completing, ending, repository, taking_over
from daicho.customers.imports.callers import Asker, Caller
from daicho.customers.imports.companies import settle_companies
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.model import Import
from daicho.customers.imports.permission import check_fields, check_still
from daicho.customers.imports.repository import FieldsChanged, Superseded
from daicho.customers.imports.retokening import renew_tokens
from daicho.customers.imports.updating import Updating
from daicho.customers.model import RESOURCES
from daicho.events import Aggregate, tell_all
from daicho.fields import IndexKind, index_kind
from daicho.keyring import FileStore
from daicho.runtime import Clock
from daicho.tenancy import Database, Grants, TenantTransaction, UserId

BATCH: Final = 500
"""Rows of a transaction: as many as one event may name."""
LANES: Final = 2
_ATTEMPTS: Final = 5
_OPEN_LANE: Final = """
    INSERT INTO import_lane (tenant_id, import_id, lane, next) VALUES ($1, $2, $3, $3)
    ON CONFLICT (tenant_id, import_id, lane) DO NOTHING
"""
_LANE: Final = "SELECT next FROM import_lane WHERE tenant_id = $1 AND import_id = $2 AND lane = $3"
_MOVE: Final = """
    UPDATE import_lane SET next = $5 WHERE tenant_id = $1 AND import_id = $2 AND lane = $3 AND next = $4
"""
_COUNT: Final = """
    UPDATE "import" SET created = created + $3, updated = updated + $4, valid = valid - $5, rejected = rejected + $5,
        version = version + 1, updated_at = $6
    WHERE tenant_id = $1 AND id = $2 AND status = 'running'
"""


@dataclass(frozen=True, slots=True)
class Running:
    """Runs imports."""

    database: Database
    store: FileStore
    files: FileReader
    catalogue: Catalogue
    companies: Companies
    clock: Clock

    async def run(self, asker: Asker, found: Import) -> None:
        """Take ``found`` over from where it stands to its end.

        Raises :class:`Superseded`, Unavailable, and Forbidden before the next batch when the user who asked for it
        loses the right to import, to write as many records as at the beginning, or to write a mapped field.
        """
        begun = (await asker.now()).grants
        await settle_companies(self.database, self.companies, asker, found)
        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in range(LANES):
                    lanes.create_task(self._lane(asker, begun, found, lane))
        except BaseExceptionGroup as group:
            # Both lanes stop for the same reason; a job is retried by what it is.
            raise group.exceptions[0] from None
        await completing.complete_rejections(self.database, self.store, self.files, asker, found)
        await self._finish(await asker.now(), found)
        await self.store.delete(asker.actor.tenant_id, found.id)

    async def _lane(self, asker: Asker, begun: Grants, found: Import, lane: int) -> None:
        async with self.database.transaction(asker.actor) as tx:
            await tx.driver.execute(_OPEN_LANE, tx.tenant_id, found.id, lane)
            batch: int = await tx.driver.fetchval(_LANE, tx.tenant_id, found.id, lane)
        while batch * BATCH < found.rows:
            for attempt in range(_ATTEMPTS):
                caller = await asker.now()
                check_still(begun, caller.grants, found.resource)
                try:
                    async with self.database.transaction(caller.actor) as tx:
                        answer = await tx.driver.execute(
                            _MOVE, tx.tenant_id, found.id, lane, batch, batch + LANES
                        )
                        if answer != "UPDATE 1":
                            raise Superseded
                        await _Batch(self, caller, found, tx, batch * BATCH, self.clock()).take_over()
                    break
                except asyncpg.UniqueViolationError:
                    # Somebody took a value between our look and our write; the next look sees it.
                    if attempt + 1 == _ATTEMPTS:
                        raise
            batch += LANES

    async def _finish(self, caller: Caller, found: Import) -> None:
        async with self.database.transaction(caller.actor) as tx:
            if not await ending.end(tx, found.id, "running", "done", self.clock()):
                raise Superseded
            await repository.drop_staged(tx, found.id, keep_rejected=True)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The rows after ``first``, in their transaction."""

    running: Running
    caller: Caller
    found: Import
    tx: TenantTransaction
    first: int
    now: datetime

    async def take_over(self) -> None:
        """All of it: new records, changed ones, what they are found by, history, events, progress."""
        driver, resource = self.tx.driver, self.found.resource
        await driver.execute(taking_over.PLAN_ANEW)
        schema = await self._schema()
        if schema is None:
            refused = await self._refuse_found(await driver.fetch(taking_over.LEFT, *self._among()))
            await self._count(0, 0, refused)
            return
        gone = await access.disabled_users(self.tx)
        refused = await self._refuse_conflicts(gone)
        told = await driver.fetch(taking_over.TOLD, *self._among())
        if told:
            if self.found.index_keys != self.caller.keys.material.index_keys:
                await renew_tokens(self.tx, self.caller.keys, resource, schema, self._among())
            await driver.execute(taking_over.INSERT_RECORDS[resource], *self._among(), self.now)
            await driver.execute(taking_over.INSERT_KEYS, *self._among(), resource)
            await driver.execute(taking_over.INSERT_TAGS, *self._among(), resource)
            for kind in _kinds(schema):
                await driver.execute(taking_over.INSERT_VALUES[kind], *self._among(), resource)
            actor = self.tx.actor
            await driver.execute(
                taking_over.INSERT_HISTORY, *self._among(), resource, self.now, actor.kind, actor.user_id
            )
        updating = Updating(self.running.catalogue, self.caller, self.found, self.now, gone)
        rows = await driver.fetch(taking_over.UPDATES, *self._among())
        updated = await updating.apply(self.tx, rows)
        await self._refuse(updated.refused)
        await self._tell(told, updated.changed)
        await self._count(len(told), len(rows) - len(updated.refused), refused + len(updated.refused))

    async def _count(self, created: int, updated: int, refused: int) -> None:
        ours = (self.tx.tenant_id, self.found.id)
        answer = await self.tx.driver.execute(_COUNT, *ours, created, updated, refused, self.now)
        if answer != "UPDATE 1":
            raise Superseded

    def _among(self) -> tuple[Any, ...]:
        return (self.tx.tenant_id, self.found.id, self.first, self.first + BATCH)

    async def _schema(self) -> ResourceSchema | None:
        """The custom fields of the check. Raises FieldRightsLost. None when they are others now and the import cannot be checked again,
        because it has begun: its remaining rows are refused, so that its user gets them back as a file."""
        await hold(self.tx, self.found.resource)
        schema = await self.running.catalogue.current(self.tx, self.found.resource)
        if schema.revision == self.found.fields_revision:
            check_fields(self.found.description.mapping, schema.schema.definitions, self.caller.grants.role)
            return schema
        if self.found.has_begun:
            return None
        raise FieldsChanged

    async def _refuse_conflicts(self, gone: frozenset[UserId]) -> int:
        resource = self.found.resource
        rows = await self.tx.driver.fetch(taking_over.FIND_COLUMN_CONFLICTS[resource], *self._among())
        rows += await self.tx.driver.fetch(taking_over.FIND_KEY_CONFLICTS, *self._among(), resource)
        owners = self.caller.grants.owners(f"{RESOURCES[resource]}:create")
        if owners is not None:
            mine = [str(owner) for owner in owners]
            rows += await self.tx.driver.fetch(taking_over.FIND_NOT_PERMITTED, *self._among(), mine)
        if gone:
            ids = [str(user_id) for user_id in gone]
            rows += await self.tx.driver.fetch(taking_over.FIND_OWNER_GONE, *self._among(), ids)
        return await self._refuse_found(rows)

    async def _refuse_found(self, rows: Sequence[Any]) -> int:
        """Rows (number, line, field), of which each counts once."""
        conflicts = {row["number"]: (row["line"], row["field"]) for row in rows}
        await self._refuse([(number, line, name) for number, (line, name) in conflicts.items()])
        return len(conflicts)

    async def _refuse(self, rows: Sequence[tuple[int, int, str]]) -> None:
        if rows:
            columns = map(list, zip(*rows, strict=True))
            await self.tx.driver.execute(taking_over.REFUSE, self.tx.tenant_id, self.found.id, *columns)

    async def _tell(self, created: Sequence[Any], changed: Sequence[tuple[UUID, bytes]]) -> None:
        tellings = []
        for change, rows in (
            (events_pb2.CHANGE_CREATED, [(row["record_id"], row["state_digest"]) for row in created]),
            (events_pb2.CHANGE_UPDATED, changed),
        ):
            if rows:
                message = events_pb2.RecordsChanged(
                    resource=self.found.resource,
                    change=change,
                    ids=[record_id.bytes for record_id, _ in rows],
                    digests=[digest for _, digest in rows],
                    cause="import",
                    cause_id=self.found.id.bytes,
                )
                # Version 0: batches of an import are facts of their own, none replaces another.
                tellings.append((message, Aggregate("import_batch", self.found.id, 0)))
        if tellings:
            await tell_all(self.tx, None, tellings)


def _kinds(schema: ResourceSchema) -> set[IndexKind]:
    """The index tables that custom fields have rows in."""
    kinds = (index_kind(definition) for definition in schema.schema.definitions.values())
    return {kind for kind in kinds if kind is not None}
