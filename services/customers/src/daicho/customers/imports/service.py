"""Use cases of imports: what a user does with a file until its rows are in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog
from msgspec import UNSET

from daicho import jobs
from daicho.customers.definitions.catalogue import Catalogue, ResourceSchema
from daicho.customers.imports import ending, repository
from daicho.customers.imports.detection import Column
from daicho.customers.imports.disclosure import Disclosure, disclose
from daicho.customers.imports.faults import (
    ImportBegun,
    ImportBusy,
    ImportDeletionOfAnother,
    ImportExpired,
    ImportFinished,
    ImportOfAnother,
    ImportUnchecked,
    StorageUnavailable,
)
from daicho.customers.imports.fields import import_fields
from daicho.customers.imports.file_reader import FileReader
from daicho.customers.imports.files import corrected
from daicho.customers.imports.job_types import check_job, run_job
from daicho.customers.imports.mapping import ColumnMapping, check_mapping, suggest_mapping, unmapped_required
from daicho.customers.imports.matching import match_fields
from daicho.customers.imports.messages import say_failure
from daicho.customers.imports.model import (
    AT_WORK,
    Description,
    Import,
    OnMatch,
    is_for_updates,
    seal_description,
)
from daicho.customers.imports.permission import permission
from daicho.customers.imports.schemas import ImportColumn, ImportPatch, ImportView, MappedColumn
from daicho.customers.imports.sweeping import GRACE, SWEEP
from daicho.customers.imports.upload_limits import UploadLimits
from daicho.customers.model import Resource
from daicho.faults import FieldFault, Forbidden, Invalid, Language, NotFound, listed
from daicho.fields import FieldDefinition
from daicho.keyring import FileStore, TenantKeys
from daicho.runtime import Clock
from daicho.tenancy import Actor, Database, Grants, TenantId, TenantTransaction, UserId, uuid7
from daicho.web import Reply, Work

MANAGE: Final = "tenant:manage"
"""The permission with which a user deletes imports of others."""
Answer = TypeVar("Answer")
Named = Callable[[], tuple[Resource, str]]
Within = Callable[[Work], Awaitable[Answer]]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, with their permissions and their tenant's keys."""

    actor: Actor
    grants: Grants
    keys: TenantKeys
    language: Language = "ja"

    @property
    def owner(self) -> tuple[TenantId, UserId | None]:
        """Who has a share of what is limited: the company, and the user."""
        return self.actor.tenant_id, self.actor.user_id

    def may_see(self, found: Import) -> bool:
        """Whether the import is in the caller's reach."""
        return self.grants.covers(permission(found.resource), UserId(found.created_by))

    def demand_own(self, found: Import) -> None:
        """Raises ImportOfAnother: jobs work with the permissions and in the name of the uploader."""
        if found.created_by != self.actor.user_id:
            raise ImportOfAnother

    def demand_deletion(self, found: Import) -> None:
        """Raises ImportDeletionOfAnother unless they uploaded it or manage the company."""
        if found.created_by != self.actor.user_id and not self.grants.allows(MANAGE):
            raise ImportDeletionOfAnother

    def demand(self, resource: Resource) -> None:
        """Raises Forbidden when they may not import into ``resource``."""
        if not self.grants.allows(permission(resource)):
            raise Forbidden


@dataclass(frozen=True, slots=True)
class Imports:
    """The use cases; each opens its own transactions, for files are read between them."""

    database: Database
    store: FileStore
    files: FileReader
    uploads: UploadLimits
    catalogue: Catalogue
    clock: Clock

    async def upload(
        self, asking: Asking, pieces: AsyncIterator[bytes], named: Named, within: Within[Answer]
    ) -> Answer:
        """Seal and store the file, detect what it is, suggest a mapping; the import's view is the reply.

        ``named()`` answers (resource, file name) once the pieces are through. ``within`` does what it is given
        in a transaction, or answers without doing it when that was done before. Unless it was done, nothing is
        kept.

        Raises:
            Invalid, Forbidden, FileUnreadable, FilesBusy, and what :meth:`UploadLimits.upload` raises.
        """
        async with self.uploads.upload(asking.actor):
            return await self._upload(asking, pieces, named, within)

    async def _upload(
        self, asking: Asking, pieces: AsyncIterator[bytes], named: Named, within: Within[Answer]
    ) -> Answer:
        import_id, is_added = uuid7(), False
        async with self.database.transaction(asking.actor) as tx:
            await jobs.enqueue(tx, SWEEP, import_id, after=GRACE)
        try:
            size = await self.store.write(asking.keys, import_id, pieces)
        except OSError as error:
            log.exception("import_file_not_stored", error=type(error).__name__)
            raise StorageUnavailable from error
        try:
            resource, file_name = named()
            asking.demand(resource)
            chunks = self.store.read(asking.keys, import_id)
            detected = await self.files.detect(chunks, size, asking.owner)

            async def add(tx: TenantTransaction) -> Reply:
                nonlocal is_added
                schema = await self.catalogue.current(tx, resource)
                description = _described(file_name, detected.columns, resource, schema, asking.grants.role)
                sealed = seal_description(asking.keys, import_id, description)
                await repository.add_import(
                    tx, import_id, resource, size=size, file=detected.file, sealed=sealed, at=self.clock()
                )
                found = await repository.read_import(tx, asking.keys, import_id)
                is_added = True
                return Reply(view_of(found, schema, asking))

            answer = await within(add)
        except BaseException:
            await self.store.delete(asking.actor.tenant_id, import_id)
            raise
        if not is_added:
            await self.store.delete(asking.actor.tenant_id, import_id)
        return answer

    async def read(self, asking: Asking, import_id: UUID) -> ImportView:
        """One import. Raises NotFound."""
        async with self.database.reading(asking.actor) as tx:
            found = await self.find(tx, asking, import_id)
            schema = await self.catalogue.current(tx, found.resource)
        return view_of(found, schema, asking)

    async def find(
        self, tx: TenantTransaction, asking: Asking, import_id: UUID, *, lock: bool = False
    ) -> Import:
        """The import, if it is in the caller's reach. Raises NotFound."""
        found = await repository.read_import(tx, asking.keys, import_id, lock=lock)
        if not asking.may_see(found):
            raise NotFound
        return found

    async def disclosure(self, tx: TenantTransaction, asking: Asking, found: Import) -> Disclosure:
        """What the caller may see of ``found``."""
        schema = await self.catalogue.current(tx, found.resource)
        return disclose(found, _definitions_for(schema, found, asking), asking.grants, asking.actor.user_id)

    async def correct(self, asking: Asking, import_id: UUID, patch: ImportPatch) -> ImportView:
        """Change how the file is read or mapped; a check must follow. Raises Invalid, NotFound, ImportBegun, …"""
        async with self.uploads.slot(asking.actor):
            return await self._correct(asking, import_id, patch)

    async def _correct(self, asking: Asking, import_id: UUID, patch: ImportPatch) -> ImportView:
        async with self.database.reading(asking.actor) as tx:
            before = await self.find(tx, asking, import_id)
            schema = await self.catalogue.current(tx, before.resource)
        _refuse_unchangeable(asking, before)
        file = corrected(
            before.format,
            encoding=None if patch.encoding is UNSET else patch.encoding,
            delimiter=None if patch.delimiter is UNSET else patch.delimiter,
            header_row=None if patch.header_row is UNSET else patch.header_row,
        )
        description = before.description
        if file != before.format:
            chunks = self.store.read(asking.keys, import_id)
            columns = await self.files.describe(file, chunks, before.file_size, asking.owner)
            description = _described(
                description.file_name, columns, before.resource, schema, asking.grants.role
            )
        if patch.mapping is not UNSET:
            mapping = tuple(ColumnMapping(each.column, each.field) for each in patch.mapping)
            description = msgspec.structs.replace(description, mapping=mapping)
        match_on = before.match_on if patch.match_on is UNSET else patch.match_on
        on_match = before.on_match if patch.on_match is UNSET else patch.on_match
        wrong = _wrong(before.resource, description, schema, asking.grants.role, match_on, on_match)
        if patch.mapping is UNSET and file != before.format:
            # The user has not chosen yet: what is wrong with a mere suggestion is reported when they check.
            wrong = [each for each in wrong if not each.pointer.startswith("/mapping")]
        if wrong:
            raise Invalid(wrong)
        async with self.database.transaction(asking.actor) as tx:
            now = await self.find(tx, asking, import_id, lock=True)
            _refuse_unchangeable(asking, now)
            sealed = seal_description(asking.keys, import_id, description)
            await repository.describe(
                tx, now, file, sealed, self.clock(), match_on=match_on, on_match=on_match
            )
            found = await repository.read_import(tx, asking.keys, import_id)
        return view_of(found, schema, asking)

    async def begin_check(self, asking: Asking, import_id: UUID) -> ImportView:
        """Put the check down. Raises Invalid when the mapping is not sound, ImportBusy, ImportBegun, …"""
        async with self.database.transaction(asking.actor) as tx:
            found = await self.find(tx, asking, import_id, lock=True)
            _refuse_unchangeable(asking, found)
            schema = await self.catalogue.current(tx, found.resource)
            wrong = _wrong(
                found.resource, found.description, schema, asking.grants.role, found.match_on, found.on_match
            )
            if not found.updates_only:
                wrong += unmapped_required(
                    found.description.mapping, schema.schema.definitions.values(), asking.grants.role
                )
            if wrong:
                raise Invalid(wrong)
            await repository.begin_check(tx, import_id, self.clock(), schema.revision)
            await jobs.enqueue(tx, check_job(found), import_id)
            found = await repository.read_import(tx, asking.keys, import_id)
        return view_of(found, schema, asking)

    async def begin_run(self, asking: Asking, import_id: UUID) -> ImportView:
        """Put the run down; one that failed halfway goes on from where it stands.

        Raises ImportUnchecked, ImportBusy, ImportFinished, ImportExpired, Invalid when they may no longer write a
        mapped field.
        """
        async with self.database.transaction(asking.actor) as tx:
            found = await self.find(tx, asking, import_id, lock=True)
            _refuse_unworkable(asking, found)
            if found.failure == "expired" and found.has_begun:
                raise ImportExpired
            if found.status != "checked" and not found.has_begun:
                raise ImportUnchecked
            schema = await self.catalogue.current(tx, found.resource)
            if schema.revision == found.fields_revision:
                wrong = _wrong(
                    found.resource,
                    found.description,
                    schema,
                    asking.grants.role,
                    found.match_on,
                    found.on_match,
                )
                if wrong:
                    raise Invalid(wrong)
            elif not found.has_begun:
                raise ImportUnchecked
            await repository.set_status(tx, import_id, "running", self.clock())
            await jobs.enqueue(tx, run_job(found), import_id)
            found = await repository.read_import(tx, asking.keys, import_id)
        return view_of(found, schema, asking)

    async def delete(self, asking: Asking, import_id: UUID) -> None:
        """Forget an import; a check under way stops. What has been run stays in the ledger.

        Raises NotFound, ImportDeletionOfAnother, ImportBusy in a run.
        """
        async with self.database.transaction(asking.actor) as tx:
            found = await self.find(tx, asking, import_id, lock=True)
            asking.demand_deletion(found)
            if found.status == "running":
                raise ImportBusy
            await ending.delete(tx, import_id)
        await self.store.delete(asking.actor.tenant_id, import_id)


def _described(
    file_name: str, columns: tuple[Column, ...], resource: Resource, schema: ResourceSchema, role: str | None
) -> Description:
    mapping = suggest_mapping(columns, resource, _writable(schema, role))
    return Description(file_name, columns, tuple(mapping))


def _writable(schema: ResourceSchema, role: str | None) -> list[Any]:
    return [each for each in schema.schema.definitions.values() if each.is_writable(role)]


def _refuse_unchangeable(asking: Asking, found: Import) -> None:
    _refuse_unworkable(asking, found)
    if found.has_begun:
        raise ImportBegun


def _refuse_unworkable(asking: Asking, found: Import) -> None:
    asking.demand_own(found)
    if found.status in AT_WORK:
        raise ImportBusy
    if found.status == "done":
        raise ImportFinished


def _wrong(
    resource: Resource,
    description: Description,
    schema: ResourceSchema,
    role: str | None,
    match_on: str | None,
    on_match: OnMatch,
) -> list[FieldFault]:
    definitions = tuple(schema.schema.definitions.values())
    fields = import_fields(resource, definitions)
    updates_only = is_for_updates(match_on, on_match)
    wrong = list(
        check_mapping(
            description.mapping, description.columns, resource, fields, role=role, updates_only=updates_only
        )
    )
    if match_on is not None:
        matchable = match_fields(resource, [each for each in definitions if each.is_readable(role)])
        if match_on not in matchable:
            wrong.append(FieldFault("/match_on", "not_matchable", {"options": listed(sorted(matchable))}))
        elif match_on not in {each.field for each in description.mapping}:
            wrong.append(FieldFault("/match_on", "unmapped_key"))
    return wrong


def _definitions_for(schema: ResourceSchema, found: Import, asking: Asking) -> Mapping[str, FieldDefinition]:
    """The custom fields by which ``found`` is shown: to others than its uploader, those that are not younger than it.

    A younger field may have the key of a deleted one, whose readers were others.
    """
    definitions = schema.schema.definitions
    if found.created_by == asking.actor.user_id:
        return definitions
    return {
        key: each
        for key, each in definitions.items()
        if key in schema.since and schema.since[key] <= found.created_at
    }


def view_of(found: Import, schema: ResourceSchema, asking: Asking) -> ImportView:
    """The import as the API shows it to its reader."""
    writable = _writable(schema, asking.grants.role)
    shown = disclose(found, _definitions_for(schema, found, asking), asking.grants, asking.actor.user_id)
    description = found.description
    suggested = {
        each.column: each.field for each in suggest_mapping(description.columns, found.resource, writable)
    }
    return ImportView(
        id=found.id,
        resource=found.resource,
        status=found.status,
        file_name=description.file_name,
        file_size=found.file_size,
        encoding=found.format.encoding,
        delimiter=found.format.delimiter,
        header_row=found.format.header_row,
        columns=[
            ImportColumn(each.index, each.name, each.samples, suggested.get(each.index))
            for each in shown.columns
        ],
        mapping=[MappedColumn(each.column, each.field) for each in shown.mapping],
        match_on=shown.match_on,
        on_match=found.on_match,
        failure=found.failure,
        failure_detail=say_failure(found.failure, asking.language, has_begun=found.has_begun),
        rows=found.rows,
        valid=found.valid,
        rejected=found.rejected,
        created=found.created,
        updated=found.updated,
        skipped=found.skipped,
        created_by=found.created_by,
        created_at=found.created_at,
    )
