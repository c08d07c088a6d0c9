"""Imports over REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, cast
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from daicho.customers.imports import repository
from daicho.customers.imports.faults import (
    ImportBusy,
    ImportFinished,
    ImportUnchecked,
    StorageUnavailable,
    UploadMalformed,
)
from daicho.customers.imports.files import FileKind
from daicho.customers.imports.messages import say
from daicho.customers.imports.model import FINAL, Import
from daicho.customers.imports.normalising import CellError
from daicho.customers.imports.permission import permission
from daicho.customers.imports.rejected import RejectedRow, write_rejected
from daicho.customers.imports.rejections import open_rejection
from daicho.customers.imports.schemas import (
    ImportError,  # noqa: A004 the name that the API gives it
    ImportErrorPage,
    ImportPage,
    ImportPatch,
    ImportProgress,
    ImportView,
)
from daicho.customers.imports.service import Asking, Imports, view_of
from daicho.customers.imports.uploads import FILE_LIMIT, Upload
from daicho.customers.model import RESOURCES, Resource
from daicho.faults import FieldFault, Forbidden, Invalid, NotFound, listed
from daicho.tenancy import UserId
from daicho.web import (
    Event,
    Work,
    actor_of,
    answers,
    bound_to,
    create_once,
    declares,
    grants_of,
    language_of,
    open_cursor,
    requires,
    seal_cursor,
    stream,
)

Ask = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
Cursor = Annotated[str | None, QueryParameter(max_length=2_000)]
POLL: Final = 0.3
"""Seconds between two looks at an import that a stream follows."""
LONGEST_ID: Final = 18
"""Digits of a Last-Event-ID that are read; Python refuses to make a number of thousands."""
PAGE: Final = 500
"""Rejected rows in memory at a time."""
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REJECTED: Final = {
    "text/csv": "エラー内容,顧客番号,姓,メールアドレス\r\nメールアドレス: …形式が正しくありません。,C-0017,田中,tanaka@\r\n",
    _XLSX: "the bytes of a workbook",
}
_PROGRESS: Final = (
    'id: 4\nevent: progress\ndata: {"status": "checking", "rows": 120, "valid": 108, "rejected": 12}\n\n'
)
_EVENTS: Final = {"text/event-stream": _PROGRESS}
_NEWEST: Final = UUID(int=2**128 - 1)
_PLURALS: Final = {plural: resource for resource, plural in RESOURCES.items()}


class _UploadOperation(Operation):
    """How OpenAPI speaks of the body that the route reads by itself."""

    def __init__(self, **members: Any) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        resource = Schema(type=OpenAPIType.STRING, enum=list(RESOURCES))
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={"file": file, "resource": resource},
            required=["file", "resource"],
        )
        members["request_body"] = RequestBody(
            required=True,
            content={
                "multipart/form-data": OpenAPIMediaType(
                    schema=form, example={"resource": "contact", "file": "顧客.csv"}
                )
            },
        )
        super().__init__(**members)


async def _asking(request: Ask) -> Asking:
    actor = actor_of(request)
    keys = await request.app.state.rails.keyring.open(actor.tenant_id)
    language = language_of(request.headers.get("accept-language"))
    return Asking(actor, grants_of(request), keys, language)


def _imports(request: Ask) -> Imports:
    return cast(Imports, request.app.state.imports)


class ImportRoutes(Controller):
    """``/v1/imports``. What an import requires depends on its resource: contacts:import or companies:import."""

    path = "/v1/imports"
    tags = ("imports",)
    guards = (requires(*(permission(each) for each in RESOURCES)),)

    @post(
        "/",
        request_max_body_size=FILE_LIMIT,
        operation_class=_UploadOperation,
        responses=answers(201, ImportView),
        opt=declares(UploadMalformed, StorageUnavailable, Invalid, once=True),
    )
    async def upload_file(self, request: Ask) -> Response[bytes]:
        """Send a CSV, TSV or xlsx of at most 64 MB as multipart/form-data: ``file`` and ``resource``. With an
        Idempotency-Key the same file sent again is the same import."""
        asking, imports, upload = await _asking(request), _imports(request), Upload(request)

        def named() -> tuple[Resource, str]:
            given = upload.fields.get("resource", "")
            resource = _PLURALS.get(given, given)
            if resource not in RESOURCES:
                options = {"options": listed(RESOURCES)}
                fault = FieldFault("/resource", "unknown_option" if given else "required", options)
                raise Invalid([fault])
            return cast(Resource, resource), upload.file_name or ""

        async def once(work: Work) -> Response[bytes]:
            sent = upload.digest()
            return await create_once(request, imports.database, asking.keys, asking.actor, work, sent=sent)

        return await imports.upload(asking, upload.file(), named, once)

    @get("/")
    async def list_imports(self, request: Ask, limit: Limit = 50, cursor: Cursor = None) -> ImportPage:
        """Imports in the caller's reach, newest first."""
        asking, imports = await _asking(request), _imports(request)
        bound = bound_to("imports")
        after = _NEWEST if cursor is None else open_cursor(asking.keys, bound, cursor, UUID)
        owners = _owners(asking)
        async with imports.database.reading(asking.actor) as tx:
            found = await repository.list_imports(tx, asking.keys, owners, after, limit + 1)
            schemas = {each: await imports.catalogue.current(tx, each) for each in RESOURCES}
        items = [
            view_of(each, schemas[each.resource], asking) for each in found[:limit] if asking.may_see(each)
        ]
        more = seal_cursor(asking.keys, bound, found[limit - 1].id) if len(found) > limit else None
        return ImportPage(items, more)

    @get("/{import_id:uuid}")
    async def open_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """How the file is read, where its columns go, how far it is."""
        return await _imports(request).read(await _asking(request), import_id)

    @patch("/{import_id:uuid}", opt=declares(ImportBusy, ImportFinished))
    async def correct_import(
        self, request: Ask, import_id: FromPath[UUID], data: JSONBody[ImportPatch]
    ) -> ImportView:
        """Correct what was detected, map columns, say what becomes of rows whose record exists."""
        return await _imports(request).correct(await _asking(request), import_id, data)

    @delete("/{import_id:uuid}", opt=declares(ImportBusy))
    async def delete_import(self, request: Ask, import_id: FromPath[UUID]) -> None:
        """Forget an import, its file and its rejected rows. A check stops; a run is not interrupted (409)."""
        await _imports(request).delete(await _asking(request), import_id)

    @post("/{import_id:uuid}/check", status_code=202, opt=declares(ImportBusy, ImportFinished, Invalid))
    async def check_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """Look at every row; nothing enters the ledger. Follow it by GET or by its events."""
        return await _imports(request).begin_check(await _asking(request), import_id)

    @post("/{import_id:uuid}/run", status_code=202, opt=declares(ImportBusy, ImportFinished, ImportUnchecked))
    async def run_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """Take the valid rows of a checked import over into the ledger."""
        return await _imports(request).begin_run(await _asking(request), import_id)

    @get("/{import_id:uuid}/errors")
    async def list_errors(
        self, request: Ask, import_id: FromPath[UUID], limit: Limit = 50, cursor: Cursor = None
    ) -> ImportErrorPage:
        """What is wrong, in the order of the file."""
        asking, imports = await _asking(request), _imports(request)
        bound = bound_to("import.errors", str(import_id))
        at: tuple[int, int] = (0, 0)
        if cursor is not None:
            at = open_cursor(asking.keys, bound, cursor, tuple[int, int])
        async with imports.database.reading(asking.actor) as tx:
            await imports.find(tx, asking, import_id)
            rows = await repository.rejected_from(tx, import_id, at[0], limit + 1)
        await _saw(request, asking, "import.errors", import_id)
        items: list[tuple[tuple[int, int], ImportError]] = []
        for number, line, sealed in rows:
            errors = open_rejection(asking.keys, import_id, number, sealed).errors
            for place, error in enumerate(errors):
                if (number, place) >= at:
                    detail = say(CellError(None, error.code, error.params), asking.language)
                    items.append(
                        ((number, place), ImportError(number, line, error.column, error.code, detail))
                    )
        more = seal_cursor(asking.keys, bound, items[limit][0]) if len(items) > limit else None
        return ImportErrorPage([item for _, item in items[:limit]], more)

    @get("/{import_id:uuid}/rejected", opt=declares(texts=_REJECTED))
    async def download_rejected(self, request: Ask, import_id: FromPath[UUID]) -> Stream:
        """The rejected rows as a file like the one they came from, with the reasons in its first column."""
        asking, imports = await _asking(request), _imports(request)
        async with imports.database.reading(asking.actor) as tx:
            found = await imports.find(tx, asking, import_id)
        await _saw(request, asking, "import.rejected", import_id)
        rows = _rejected_rows(imports, asking, found, asyncio.get_running_loop())
        pieces = write_rejected(rows, found.description.columns, found.format, asking.language)
        return Stream(
            pieces,
            media_type=_media_type(found),
            headers={
                "content-disposition": _disposition(found.description.file_name),
                "x-content-type-options": "nosniff",
                "cache-control": "no-store",
            },
        )

    @get("/{import_id:uuid}/events", media_type="text/event-stream", opt=declares(texts=_EVENTS))
    async def follow_import(self, request: Ask, import_id: FromPath[UUID]) -> Stream:
        """Progress as it happens: events with an import's counters, until it is done or failed."""
        asking, imports = await _asking(request), _imports(request)
        async with imports.database.reading(asking.actor) as tx:
            found = await imports.find(tx, asking, import_id)
        state = request.app.state

        async def still() -> None:
            grants = await state.permissions.grants(asking.actor)
            if not replace(asking, grants=grants).may_see(found):
                raise Forbidden

        session = await state.verifier.session(asking.actor.token)
        seen = request.headers.get("last-event-id", "")
        events = _progress(
            imports, asking, import_id, int(seen) if seen.isdecimal() and len(seen) <= LONGEST_ID else 0
        )
        return stream(events, still=still, ends=session.ends_at)


async def _progress(imports: Imports, asking: Asking, import_id: UUID, seen: int) -> AsyncIterator[Event]:
    """An event for each state of the import that was not seen, at most one each :data:`POLL` seconds."""
    while True:
        try:
            async with imports.database.reading(asking.actor) as tx:
                found = await imports.find(tx, asking, import_id)
        except NotFound:
            return
        if found.version > seen or found.status in FINAL:
            seen = found.version
            yield Event(_progress_of(found), id=str(seen), name="progress")
        if found.status in FINAL:
            return
        await asyncio.sleep(POLL)


def _progress_of(found: Import) -> ImportProgress:
    return ImportProgress(
        id=found.id,
        status=found.status,
        file_size=found.file_size,
        failure=found.failure,
        rows=found.rows,
        valid=found.valid,
        rejected=found.rejected,
        created=found.created,
        updated=found.updated,
        skipped=found.skipped,
    )


def _rejected_rows(
    imports: Imports, asking: Asking, found: Import, loop: asyncio.AbstractEventLoop
) -> Iterator[RejectedRow]:
    """Page by page, for the thread that writes the file: however many there are, memory stays flat."""

    async def page(number: int) -> Sequence[tuple[int, int, bytes]]:
        async with imports.database.reading(asking.actor) as tx:
            return await repository.rejected_from(tx, found.id, number, PAGE)

    number = 0
    while rows := asyncio.run_coroutine_threadsafe(page(number), loop).result():
        for number, _, sealed in rows:
            yield open_rejection(asking.keys, found.id, number, sealed)
        number += 1


def _owners(asking: Asking) -> frozenset[UserId] | None:
    """Whose imports the caller may see, of either resource."""
    owners: frozenset[UserId] = frozenset()
    for resource in RESOURCES:
        among = asking.grants.owners(permission(resource))
        if among is None:
            return None
        owners |= among
    return owners


async def _saw(request: Ask, asking: Asking, action: str, import_id: UUID) -> None:
    await request.app.state.rails.access_log.record(
        asking.actor, action=action, resource="import", ids=[import_id]
    )


def _media_type(found: Import) -> str:
    if found.format.kind is FileKind.XLSX:
        return _XLSX
    return "text/csv"


def _disposition(file_name: str) -> str:
    """An attachment named after the file; what a header cannot carry is percent-encoded (RFC 6266)."""
    stem, dot, ending = file_name.rpartition(".")
    name = f"{stem}-rejected.{ending}" if dot else f"{file_name or 'import'}-rejected"
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
