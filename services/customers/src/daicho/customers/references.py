"""Whether the users and records that custom fields name are the tenant's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, select

from daicho.customers import ownership
from daicho.customers.definitions.catalogue import ResourceSchema
from daicho.customers.model import RESOURCES, Resource, model_of
from daicho.customers.reader import Reader
from daicho.faults import FieldFault
from daicho.fields import FieldType
from daicho.tenancy import TenantTransaction, sql


def _existing(resource: Resource) -> Any:
    table = model_of(resource)
    ids = func.any(bindparam("ids", type_=ARRAY(Uuid())))
    return sql(
        select(table.id, table.owner_id).where(
            table.tenant_id == bindparam("tenant_id"), table.id == ids, table.deleted_at.is_(None)
        )
    )


EXISTING: Final = {resource: _existing(resource) for resource in RESOURCES}


async def check(
    tx: TenantTransaction, reader: Reader, schema: ResourceSchema, values: Mapping[str, Any]
) -> list[FieldFault]:
    """A fault for each value of a user or link field that names nobody, or nothing in the caller's reach."""
    wrong: list[FieldFault] = []
    for key, value in values.items():
        definition = schema.schema.definitions[key]
        if value is None:
            continue
        if definition.type is FieldType.USER and not await ownership.is_active(tx, reader, UUID(value)):
            wrong.append(FieldFault(f"/custom/{key}", "unknown_user"))
        elif definition.type is FieldType.LINK:
            resource = cast(Resource, definition.link_resource)
            if not await is_known(tx, reader, resource, UUID(value)):
                wrong.append(FieldFault(f"/custom/{key}", "unknown_record"))
    return wrong


async def is_known(tx: TenantTransaction, reader: Reader, resource: Resource, record_id: UUID) -> bool:
    """Whether the caller may see such a record; another tenant's is as unknown as one that never was."""
    if resource not in EXISTING:
        return False
    rows = await EXISTING[resource].fetch(tx, ids=[record_id])
    return any(reader.grants.covers(f"{RESOURCES[resource]}:read", row["owner_id"]) for row in rows)
