"""Use cases of custom fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from daicho import access, jobs
from daicho.contracts.customers.events.v1 import events_pb2
from daicho.customers.definitions import catalogue
from daicho.customers.definitions.field_roles import check_change, check_deletion, check_roles, is_widened
from daicho.customers.definitions.schemas import FieldInput, FieldPatch, FieldView
from daicho.customers.imports.headers import header_key
from daicho.customers.model import RESOURCES, FieldRow, SchemaRevision
from daicho.events import Aggregate, tell
from daicho.faults import FieldFault, Invalid, NotFound, PreconditionFailed, Unavailable, listed
from daicho.fields import FieldDefinition, check_in_steps, json_schema
from daicho.runtime import Clock, in_slices
from daicho.tenancy import TenantTransaction, uuid7

REWRITE_RECORDS: Final = "rewrite_records"
"""The job that a change puts down on which stored records depend; its subject is the field."""
MOST_OPTIONS: Final = 20_000
"""Options of all fields of a resource: every list of fields shows them."""
MOST_OPTION_TEXT: Final = 400_000
"""Characters of their values and labels."""
MAX_LABEL: Final = 100
"""Characters of a label; a longer one is refused for that."""
_STORED: Final = ("sensitive", "searchable")
_MEMBERS = tuple(field.name for field in msgspec.structs.fields(FieldDefinition))


@dataclass(frozen=True, slots=True)
class Fields:
    """Creates, changes and lists the custom fields of a tenant, in the caller's transaction."""

    clock: Clock

    async def create_field(
        self, tx: TenantTransaction, given: FieldInput, *, role: str | None = None
    ) -> FieldView:
        """Add a field; it is last in its resource's order. ``role`` is the caller's; None stands for the system itself.

        Raises Invalid, naming each wrong member.
        """
        definition = _definition(given)
        await self._raise_revision(tx, given.resource)
        taken = await _taken(tx, given.resource)
        wrong = [*await _wrong(definition, taken), *await _wrong_roles(tx, definition, role)]
        wrong += await _too_many_options(tx, given.resource, definition)
        wrong += await _taken_names(tx, given.resource, definition)
        if wrong:
            raise Invalid(wrong)
        now = self.clock()
        row = FieldRow(
            id=uuid7(),
            resource=given.resource,
            key=definition.key,
            version=1,
            position=len(taken),
            definition=msgspec.to_builtins(definition),
            indexed=definition.searchable,
            created_at=now,
            updated_at=now,
        )
        tx.session.add(row)
        await self._tell(tx, row, events_pb2.CHANGE_CREATED, after=definition)
        return view_of(row)

    async def examine(self, tx: TenantTransaction, given: FieldInput) -> tuple[FieldFault, ...]:
        """What :meth:`create_field` would say of ``given``, but for its default, which depends on all the rest."""
        definition = msgspec.structs.replace(_definition(given), default=None)
        return await _wrong(definition, await _taken(tx, given.resource))

    async def change_field(
        self,
        tx: TenantTransaction,
        field_id: UUID,
        version: int,
        patch: FieldPatch,
        *,
        role: str | None = None,
    ) -> FieldView:
        """Change a field. ``role`` is the caller's; None stands for the system itself.

        Raises NotFound, PreconditionFailed when ``version`` is not current, NotAmongRoles when the caller changes
        more than they may, Invalid.
        """
        row = await self._locked(tx, field_id, version)
        before = msgspec.convert(row.definition, FieldDefinition)
        await catalogue.claim(tx, row.resource)
        given = {
            field.name: value
            for field in msgspec.structs.fields(patch)
            if (value := getattr(patch, field.name)) is not UNSET
        }
        row.position = given.pop("position", row.position)
        definition = msgspec.structs.replace(before, **given)
        if role is not None:
            check_change(before, definition, role)
        faults = [*await _checked(definition, before=before), *_lost_options(before, definition)]
        if {"read_roles", "write_roles"} & given.keys():
            faults += await _wrong_roles(tx, definition, role)
        if definition.label != before.label:
            faults += await _taken_names(tx, row.resource, definition)
        if _size(definition) > _size(before) or len(definition.options) > len(before.options):
            faults += await _too_many_options(tx, row.resource, definition)
        if faults:
            raise Invalid(faults)
        row.definition = msgspec.to_builtins(definition)
        row.version += 1
        row.updated_at = self.clock()
        row.indexed = row.indexed and definition.searchable
        if any(getattr(before, name) != getattr(definition, name) for name in _STORED):
            await jobs.enqueue(tx, REWRITE_RECORDS, row.id)
        await self._raise_revision(tx, row.resource)
        await self._tell(tx, row, events_pb2.CHANGE_UPDATED, before=before, after=definition)
        return view_of(row)

    async def delete_field(
        self, tx: TenantTransaction, field_id: UUID, version: int, *, role: str | None = None
    ) -> None:
        """Remove a field. Its values are no longer shown, and a job takes them out of the records; until it is
        done, the key stays taken.

        Raises NotFound, PreconditionFailed, NotAmongRoles when the caller may not read and write the field.
        """
        row = await self._locked(tx, field_id, version)
        if role is not None:
            check_deletion(msgspec.convert(row.definition, FieldDefinition), role)
        row.version += 1
        row.deleted_at = self.clock()
        await self._raise_revision(tx, row.resource)
        await self._tell(tx, row, events_pb2.CHANGE_DELETED)
        await jobs.enqueue(tx, REWRITE_RECORDS, row.id)

    async def read_field(self, tx: TenantTransaction, field_id: UUID, role: str | None) -> FieldView:
        """One field. Raises NotFound, also when ``role`` may not read it."""
        row = await tx.session.get(FieldRow, (tx.tenant_id, field_id))
        if row is None or row.deleted_at is not None:
            raise NotFound
        view = view_of(row)
        if role is not None and view.read_roles is not None and role not in view.read_roles:
            raise NotFound
        return view

    async def list_fields(
        self, tx: TenantTransaction, resource: str | None, role: str | None
    ) -> list[FieldView]:
        """The fields that ``role`` may read, by resource and position."""
        query = select(FieldRow).where(FieldRow.tenant_id == tx.tenant_id, FieldRow.deleted_at.is_(None))
        if resource is not None:
            query = query.where(FieldRow.resource == resource)
        rows = await tx.session.scalars(query.order_by(FieldRow.resource, FieldRow.position, FieldRow.key))
        views = await in_slices(view_of, rows)
        return [view for view in views if role is None or view.read_roles is None or role in view.read_roles]

    async def _locked(self, tx: TenantTransaction, field_id: UUID, version: int) -> FieldRow:
        row = await tx.session.scalar(
            select(FieldRow)
            .where(FieldRow.tenant_id == tx.tenant_id, FieldRow.id == field_id)
            .with_for_update()
        )
        if row is None or row.deleted_at is not None:
            raise NotFound
        if row.version != version:
            raise PreconditionFailed(version=row.version)
        return row

    async def _raise_revision(self, tx: TenantTransaction, resource: str) -> None:
        """Locks the resource's schema until the end of ``tx``: two admins cannot pass the cap on fields together,
        and nobody writes values by fields that are no longer true."""
        await catalogue.claim(tx, resource)
        await tx.session.execute(
            insert(SchemaRevision)
            .values(tenant_id=tx.tenant_id, resource=resource, revision=1)
            .on_conflict_do_update(
                index_elements=["tenant_id", "resource"], set_={"revision": SchemaRevision.revision + 1}
            )
        )

    async def _tell(
        self,
        tx: TenantTransaction,
        row: FieldRow,
        change: int,
        *,
        before: FieldDefinition | None = None,
        after: FieldDefinition | None = None,
    ) -> None:
        message = events_pb2.FieldDefinitionChanged(
            field_id=row.id.bytes,
            resource=row.resource,
            key=row.key,
            type=str(row.definition["type"]),
            change=change,  # type: ignore[arg-type]  # protobuf's enums are integers at run time
            read_roles=(after.read_roles if after else None) or (),
            write_roles=(after.write_roles if after else None) or (),
        )
        if before is not None and after is not None and is_widened(before.read_roles, after.read_roles):
            message.readers_widened_from.extend(before.read_roles or ())
        await tell(tx, None, message, aggregate=Aggregate("field", row.id, row.version))


def _definition(given: FieldInput) -> FieldDefinition:
    return FieldDefinition(**{name: getattr(given, name) for name in _MEMBERS})


async def _checked(
    definition: FieldDefinition, taken: Sequence[str] = (), before: FieldDefinition | None = None
) -> tuple[FieldFault, ...]:
    """The faults of ``definition``, found in slices."""
    steps = await in_slices(_same, check_in_steps(definition, taken, before))
    return tuple(step for step in steps if step is not None)


def _same(step: FieldFault | None) -> FieldFault | None:
    return step


async def _wrong(definition: FieldDefinition, taken: Sequence[str]) -> tuple[FieldFault, ...]:
    """What is wrong with a new field; a link leads to what this service has."""
    faults = await _checked(definition, taken)
    if definition.link_resource is not None and definition.link_resource not in RESOURCES:
        faults += (FieldFault("/link_resource", "unknown_option", {"options": listed(RESOURCES)}),)
    return faults


async def _wrong_roles(
    tx: TenantTransaction, definition: FieldDefinition, role: str | None
) -> list[FieldFault]:
    """What is wrong with the roles that may use a field. Raises Unavailable before this service has heard of the roles."""
    if definition.read_roles is None and definition.write_roles is None:
        return []
    known = await access.role_names(tx)
    if role is not None and role not in known:
        raise Unavailable
    return list(check_roles(definition, known))


async def _too_many_options(
    tx: TenantTransaction, resource: str, definition: FieldDefinition
) -> list[FieldFault]:
    """The fault of options that would make the resource's fields together too large to be listed."""
    if not definition.options:
        return []
    rows = await tx.session.scalars(
        select(FieldRow.definition).where(
            FieldRow.tenant_id == tx.tenant_id,
            FieldRow.resource == resource,
            FieldRow.key != definition.key,
            FieldRow.deleted_at.is_(None),
        )
    )
    options = [option for each in rows for option in each.get("options") or ()]
    if len(definition.options) > MOST_OPTIONS - len(options):
        return [FieldFault("/options", "too_many", {"maximum": max(MOST_OPTIONS - len(options), 0)})]
    others = sum(len(option["value"]) + len(option.get("label") or "") for option in options)
    if _size(definition) > MOST_OPTION_TEXT - others:
        return [FieldFault("/options", "too_long", {"maximum": max(MOST_OPTION_TEXT - others, 0)})]
    return []


def _size(definition: FieldDefinition) -> int:
    """Characters of the options."""
    return sum(len(option.value) + len(option.label) for option in definition.options)


async def _taken_names(tx: TenantTransaction, resource: str, definition: FieldDefinition) -> list[FieldFault]:
    """The fault of a label that another field of the resource has as its label or key, in the spelling of headers.

    The caller has claimed the resource's fields, so two fields are not given one label at the same moment.
    """
    name = header_key(definition.label[:MAX_LABEL])
    if not name:
        return []
    rows = await tx.session.execute(
        select(FieldRow.key, FieldRow.definition["label"].as_string()).where(
            FieldRow.tenant_id == tx.tenant_id,
            FieldRow.resource == resource,
            FieldRow.key != definition.key,
            FieldRow.deleted_at.is_(None),
        )
    )
    names = {header_key(text) for row in rows for text in row if text}
    return [FieldFault("/label", "not_unique")] if name in names else []


async def _taken(tx: TenantTransaction, resource: str) -> Sequence[str]:
    """The keys that the resource has already."""
    found = await tx.session.scalars(
        select(FieldRow.key).where(FieldRow.tenant_id == tx.tenant_id, FieldRow.resource == resource)
    )
    return found.all()


def view_of(row: FieldRow) -> FieldView:
    """The field as the API shows it."""
    definition = msgspec.convert(row.definition, FieldDefinition)
    members: dict[str, Any] = {name: getattr(definition, name) for name in _MEMBERS if name != "format"}
    return FieldView(
        id=row.id,
        version=row.version,
        resource=row.resource,  # type: ignore[arg-type]  # written from the same type
        position=row.position,
        json_schema=json_schema(definition),
        **members,
    )


def _lost_options(before: FieldDefinition, after: FieldDefinition) -> list[FieldFault]:
    """An option that records may hold is archived, not dropped."""
    kept = {option.value for option in after.options}
    return [
        FieldFault("/options", "option_in_use", {"value": o.value})
        for o in before.options
        if o.value not in kept
    ]
