"""Contacts over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from daicho.customers.contacts.schemas import ContactInput, ContactPage, ContactPatch, ContactView
from daicho.customers.edge import DEFAULT_LIMIT, Edge, cost_of_list
from daicho.customers.exports.routes import EXPORTED, export
from daicho.customers.exports.schemas import ExportRequest
from daicho.customers.faults import RecordDeleted, RecordNotDeleted
from daicho.customers.schemas import History, SearchRequest
from daicho.faults import FieldFault, Invalid, NotFound
from daicho.web import Cost, Salvaged, answers, declares, requires

Ask = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
Cursor = Annotated[str | None, QueryParameter(max_length=2_000)]
Word = Annotated[str | None, QueryParameter(max_length=100)]


def _edge(request: Ask) -> Edge[Any, Any, Any, Any]:
    edge: Edge[Any, Any, Any, Any] = request.app.state.contacts
    return edge


async def _examine(request: Ask, salvaged: Salvaged) -> list[FieldFault]:
    return await _edge(request).examine(request, salvaged)


async def _examine_change(request: Ask, salvaged: Salvaged) -> list[FieldFault]:
    return await _edge(request).examine_change(request, request.path_params["contact_id"], salvaged)


async def _examine_search(request: Ask, salvaged: Salvaged) -> Sequence[FieldFault]:
    return await _edge(request).examine_search(request, salvaged)


class ContactRoutes(Controller):
    """``/v1/contacts``."""

    path = "/v1/contacts"
    tags = ("contacts",)

    @post(
        "/",
        guards=[requires("contacts:create")],
        responses=answers(201, ContactView),
        opt=declares(NotFound, once=True, examines=_examine),
    )
    async def create_contact(self, request: Ask, data: JSONBody[ContactInput]) -> Response[bytes]:
        """Add a contact. Give an Idempotency-Key to be safe when you try again."""
        return await _edge(request).create(request, data)

    @get(
        "/",
        guards=[requires("contacts:read")],
        responses=answers(200, ContactPage),
        opt=declares(cost=cost_of_list),
    )
    async def list_contacts(
        self,
        request: Ask,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
        sort: Word = None,
        kana: Word = None,
        count: FromQuery[bool] = False,  # noqa: FBT002 a query parameter
    ) -> Response[bytes]:
        """List contacts: ``sort`` newest, oldest, updated, kana or custom.<key> (- before it: descending); ``kana`` names one of あかさたなはまやらわ他."""
        return await _edge(request).list_page(
            request, limit=limit, cursor=cursor, sort=sort, kana=kana, count=count
        )

    @post(
        "/search",
        guards=[requires("contacts:read")],
        status_code=200,
        responses=answers(200, ContactPage),
        opt=declares(examines=_examine_search, cost=Cost.HEAVY),
    )
    async def search_contacts(self, request: Ask, data: JSONBody[SearchRequest]) -> Response[bytes]:
        """Find contacts by words and a filter."""
        return await _edge(request).search(request, data)

    @post(
        "/export",
        guards=[requires("contacts:export")],
        status_code=200,
        opt=declares(Invalid, texts=EXPORTED, cost=Cost.BULK, lasts=True),
    )
    async def export_contacts(self, request: Ask, data: JSONBody[ExportRequest]) -> Stream:
        """Write contacts into a csv, tsv or xlsx that an import takes back: all that a search finds and the caller may read and export, at most 200,000."""
        return await export(_edge(request), request, data)

    @get("/{contact_id:uuid}", guards=[requires("contacts:read")], responses=answers(200, ContactView))
    async def open_contact(self, request: Ask, contact_id: FromPath[UUID]) -> Response[bytes]:
        """One contact; its ETag is what a change gives as If-Match."""
        return await _edge(request).open(request, contact_id)

    @patch(
        "/{contact_id:uuid}",
        guards=[requires("contacts:update")],
        responses=answers(200, ContactView),
        opt=declares(RecordDeleted, examines=_examine_change),
    )
    async def change_contact(
        self, request: Ask, contact_id: FromPath[UUID], data: JSONBody[ContactPatch]
    ) -> Response[bytes]:
        """Change some members of a contact (RFC 7396)."""
        return await _edge(request).change(request, contact_id, data)

    @delete("/{contact_id:uuid}", guards=[requires("contacts:delete")], opt=declares(RecordDeleted))
    async def delete_contact(self, request: Ask, contact_id: FromPath[UUID]) -> None:
        """Put a contact into the bin."""
        await _edge(request).delete(request, contact_id)

    @post(
        "/{contact_id:uuid}/restore",
        guards=[requires("contacts:delete")],
        status_code=200,
        responses=answers(200, ContactView),
        opt=declares(RecordNotDeleted),
    )
    async def restore_contact(self, request: Ask, contact_id: FromPath[UUID]) -> Response[bytes]:
        """Take a contact out of the bin."""
        return await _edge(request).restore(request, contact_id)

    @get("/{contact_id:uuid}/history", guards=[requires("contacts:read")], responses=answers(200, History))
    async def read_contact_history(
        self, request: Ask, contact_id: FromPath[UUID], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response[bytes]:
        """What happened to a contact, newest first, with values before and after."""
        return await _edge(request).history(request, contact_id, limit=limit, cursor=cursor)
