"""Companies over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from daicho.customers.companies.schemas import CompanyInput, CompanyPage, CompanyPatch, CompanyView
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
    edge: Edge[Any, Any, Any, Any] = request.app.state.companies
    return edge


async def _examine(request: Ask, salvaged: Salvaged) -> list[FieldFault]:
    return await _edge(request).examine(request, salvaged)


async def _examine_change(request: Ask, salvaged: Salvaged) -> list[FieldFault]:
    return await _edge(request).examine_change(request, request.path_params["company_id"], salvaged)


async def _examine_search(request: Ask, salvaged: Salvaged) -> Sequence[FieldFault]:
    return await _edge(request).examine_search(request, salvaged)


class CompanyRoutes(Controller):
    """``/v1/companies``."""

    path = "/v1/companies"
    tags = ("companies",)

    @post(
        "/",
        guards=[requires("companies:create")],
        responses=answers(201, CompanyView),
        opt=declares(NotFound, once=True, examines=_examine),
    )
    async def create_company(self, request: Ask, data: JSONBody[CompanyInput]) -> Response[bytes]:
        """Add a company. Give an Idempotency-Key to be safe when you try again."""
        return await _edge(request).create(request, data)

    @get(
        "/",
        guards=[requires("companies:read")],
        responses=answers(200, CompanyPage),
        opt=declares(cost=cost_of_list),
    )
    async def list_companies(
        self,
        request: Ask,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
        sort: Word = None,
        count: FromQuery[bool] = False,  # noqa: FBT002 a query parameter
    ) -> Response[bytes]:
        """List companies: ``sort`` newest, oldest, updated, name or custom.<key> (- before it: descending)."""
        return await _edge(request).list_page(
            request, limit=limit, cursor=cursor, sort=sort, kana=None, count=count
        )

    @post(
        "/search",
        guards=[requires("companies:read")],
        status_code=200,
        responses=answers(200, CompanyPage),
        opt=declares(examines=_examine_search, cost=Cost.HEAVY),
    )
    async def search_companies(self, request: Ask, data: JSONBody[SearchRequest]) -> Response[bytes]:
        """Find companies by words and a filter."""
        return await _edge(request).search(request, data)

    @post(
        "/export",
        guards=[requires("companies:export")],
        status_code=200,
        opt=declares(Invalid, texts=EXPORTED, cost=Cost.BULK, lasts=True),
    )
    async def export_companies(self, request: Ask, data: JSONBody[ExportRequest]) -> Stream:
        """Write companies into a csv, tsv or xlsx that an import takes back: all that a search finds and the caller may read and export, at most 200,000."""
        return await export(_edge(request), request, data)

    @get("/{company_id:uuid}", guards=[requires("companies:read")], responses=answers(200, CompanyView))
    async def open_company(self, request: Ask, company_id: FromPath[UUID]) -> Response[bytes]:
        """One company; its ETag is what a change gives as If-Match."""
        return await _edge(request).open(request, company_id)

    @patch(
        "/{company_id:uuid}",
        guards=[requires("companies:update")],
        responses=answers(200, CompanyView),
        opt=declares(RecordDeleted, examines=_examine_change),
    )
    async def change_company(
        self, request: Ask, company_id: FromPath[UUID], data: JSONBody[CompanyPatch]
    ) -> Response[bytes]:
        """Change some members of a company (RFC 7396)."""
        return await _edge(request).change(request, company_id, data)

    @delete("/{company_id:uuid}", guards=[requires("companies:delete")], opt=declares(RecordDeleted))
    async def delete_company(self, request: Ask, company_id: FromPath[UUID]) -> None:
        """Put a company into the bin."""
        await _edge(request).delete(request, company_id)

    @post(
        "/{company_id:uuid}/restore",
        guards=[requires("companies:delete")],
        status_code=200,
        responses=answers(200, CompanyView),
        opt=declares(RecordNotDeleted),
    )
    async def restore_company(self, request: Ask, company_id: FromPath[UUID]) -> Response[bytes]:
        """Take a company out of the bin."""
        return await _edge(request).restore(request, company_id)

    @get("/{company_id:uuid}/history", guards=[requires("companies:read")], responses=answers(200, History))
    async def read_company_history(
        self, request: Ask, company_id: FromPath[UUID], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response[bytes]:
        """What happened to a company, newest first, with values before and after."""
        return await _edge(request).history(request, company_id, limit=limit, cursor=cursor)
