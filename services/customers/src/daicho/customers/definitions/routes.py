"""Custom fields over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from daicho.customers.definitions.field_roles import NotAmongRoles
from daicho.customers.definitions.schemas import FieldInput, FieldList, FieldPatch, FieldView, Resource
from daicho.customers.definitions.service import Fields
from daicho.faults import FieldFault
from daicho.tenancy import TenantTransaction
from daicho.web import (
    Reply,
    Salvaged,
    actor_of,
    answers,
    create_once,
    declares,
    etag,
    grants_of,
    if_match,
    requires,
)

Ask = Request[Any, Any, Any]


def _fields(request: Ask) -> Fields:
    fields: Fields = request.app.state.fields
    return fields


async def _examine(request: Ask, salvaged: Salvaged) -> Sequence[FieldFault]:
    if not salvaged.is_sound("/type"):  # what else is right depends on it
        return ()
    async with request.app.state.rails.database.reading(actor_of(request)) as tx:
        return await _fields(request).examine(tx, salvaged.body)


class FieldRoutes(Controller):
    """``/v1/fields``."""

    path = "/v1/fields"
    tags = ("fields",)

    @post(
        "/",
        guards=[requires("fields:manage")],
        responses=answers(201, FieldView),
        opt=declares(once=True, examines=_examine),
    )
    async def create_field(self, request: Ask, data: JSONBody[FieldInput]) -> Response[bytes]:
        """Add a custom field to contacts or companies."""
        actor, rails = actor_of(request), request.app.state.rails
        keys = await rails.keyring.open(actor.tenant_id)

        async def work(tx: TenantTransaction) -> Reply:
            view = await _fields(request).create_field(tx, data, role=grants_of(request).role)
            return Reply(view, headers={"etag": etag(view.version)})

        return await create_once(request, rails.database, keys, actor, work)

    @get("/", guards=[requires("fields:read")], responses=answers(200, FieldList))
    async def list_fields(self, request: Ask, resource: FromQuery[Resource | None] = None) -> Response[bytes]:
        """The custom fields that the caller may read, in the order of forms."""
        async with request.app.state.rails.database.reading(actor_of(request)) as tx:
            items = await _fields(request).list_fields(tx, resource, _role(request))
        return Response(msgspec.json.encode(FieldList(items)), media_type="application/json")

    @get("/{field_id:uuid}", guards=[requires("fields:read")], responses=answers(200, FieldView))
    async def open_field(self, request: Ask, field_id: FromPath[UUID]) -> Response[bytes]:
        """One custom field."""
        async with request.app.state.rails.database.reading(actor_of(request)) as tx:
            return _answer(await _fields(request).read_field(tx, field_id, _role(request)))

    @patch(
        "/{field_id:uuid}",
        guards=[requires("fields:manage")],
        responses=answers(200, FieldView),
        opt=declares(NotAmongRoles),
    )
    async def change_field(
        self, request: Ask, field_id: FromPath[UUID], data: JSONBody[FieldPatch]
    ) -> Response[bytes]:
        """Change a custom field; its resource, key and type stay. Those who may use it, and owners, may change its
        values and let further roles read or write it; the roles that read it so far are told by mail."""
        version = if_match(request)
        async with request.app.state.rails.database.transaction(actor_of(request)) as tx:
            role = grants_of(request).role
            return _answer(await _fields(request).change_field(tx, field_id, version, data, role=role))

    @delete("/{field_id:uuid}", guards=[requires("fields:manage")], opt=declares(NotAmongRoles))
    async def delete_field(self, request: Ask, field_id: FromPath[UUID]) -> None:
        """Remove a custom field; what records hold in it is no longer shown. Only for those who may read and write the
        field, and owners."""
        version = if_match(request)
        async with request.app.state.rails.database.transaction(actor_of(request)) as tx:
            await _fields(request).delete_field(tx, field_id, version, role=grants_of(request).role)


def _role(request: Ask) -> str | None:
    """Whoever manages fields sees them all; others see those that their role may read."""
    grants = grants_of(request)
    return None if grants.allows("fields:manage") else grants.role


def _answer(view: FieldView) -> Response[bytes]:
    return Response(
        msgspec.json.encode(view), media_type="application/json", headers={"etag": etag(view.version)}
    )
