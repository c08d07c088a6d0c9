"""Imports over REST."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from daicho.customers.imports import repository
from daicho.customers.imports.downloading import REJECTED, rejected_file
from daicho.customers.imports.error_list import list_errors_from
from daicho.customers.imports.faults import (
    UNREADABLE,
    FilesBusy,
    ImportBegun,
    ImportBusy,
    ImportDeletionOfAnother,
    ImportExpired,
    ImportFinished,
    ImportOfAnother,
    ImportsFull,
    ImportUnchecked,
    StorageUnavailable,
    TooManyUploads,
    UploadMalformed,
)
from daicho.customers.imports.following import EVENTS, follow
from daicho.customers.imports.permission import permission
from daicho.customers.imports.schemas import ImportErrorPage, ImportPage, ImportPatch, ImportView
from daicho.customers.imports.service import Asking, Imports, view_of
from daicho.customers.imports.uploads import FILE_LIMIT, Upload, UploadOperation
from daicho.customers.model import RESOURCES, Resource
from daicho.faults import FieldFault, Forbidden, Invalid, listed
from daicho.runtime import in_slices
from daicho.tenancy import UserId
from daicho.web import (
    Cost,
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
)

Ask = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=200)]
Cursor = Annotated[str | None, QueryParameter(max_length=2_000)]
_NEWEST: Final = UUID(int=2**128 - 1)
_NOT_WORKABLE: Final = (ImportBusy, ImportFinished, ImportOfAnother)
_PLURALS: Final = {plural: resource for resource, plural in RESOURCES.items()}


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
        operation_class=UploadOperation,
        responses=answers(201, ImportView),
        opt=declares(
            UploadMalformed,
            StorageUnavailable,
            TooManyUploads,
            FilesBusy,
            ImportsFull,
            *UNREADABLE,
            Invalid,
            once=True,
            lasts=True,
            cost=Cost.EXEMPT,  # has limits of its own: UploadLimits
        ),
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
            found, more = await repository.list_imports(tx, asking.keys, owners, after, limit)
            schemas = {each: await imports.catalogue.current(tx, each) for each in RESOURCES}
        seen = [each for each in found if asking.may_see(each)]
        items = await in_slices(lambda each: view_of(each, schemas[each.resource], asking), seen)
        cursor = seal_cursor(asking.keys, bound, found[-1].id) if more else None
        await _saw(request, asking, "import.list", *(each.id for each in items))
        return ImportPage(items, cursor)

    @get("/{import_id:uuid}")
    async def open_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """How the file is read, where its columns go, how far it is."""
        asking = await _asking(request)
        found = await _imports(request).read(asking, import_id)
        await _saw(request, asking, "import.open", import_id)
        return found

    @patch(
        "/{import_id:uuid}",
        opt=declares(
            *_NOT_WORKABLE, ImportBegun, TooManyUploads, FilesBusy, *UNREADABLE, cost=Cost.EXEMPT
        ),  # as an upload
    )
    async def correct_import(
        self, request: Ask, import_id: FromPath[UUID], data: JSONBody[ImportPatch]
    ) -> ImportView:
        """Correct what was detected, map columns, say what becomes of rows whose record exists."""
        asking = await _asking(request)
        corrected = await _imports(request).correct(asking, import_id, data)
        await _saw(request, asking, "import.open", import_id)
        return corrected

    @delete("/{import_id:uuid}", opt=declares(ImportBusy, ImportDeletionOfAnother))
    async def delete_import(self, request: Ask, import_id: FromPath[UUID]) -> None:
        """Forget an import, its file and its rejected rows. A check stops; a run is not interrupted (409). Only for who
        uploaded it, and users with tenant:manage."""
        await _imports(request).delete(await _asking(request), import_id)

    @post("/{import_id:uuid}/check", status_code=202, opt=declares(*_NOT_WORKABLE, ImportBegun, Invalid))
    async def check_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """Look at every row; nothing enters the ledger. Follow it by GET or by its events."""
        return await _imports(request).begin_check(await _asking(request), import_id)

    @post(
        "/{import_id:uuid}/run",
        status_code=202,
        opt=declares(*_NOT_WORKABLE, ImportUnchecked, ImportExpired, Invalid),
    )
    async def run_import(self, request: Ask, import_id: FromPath[UUID]) -> ImportView:
        """Take the valid rows of a checked import over into the ledger; one that failed halfway goes on with the rest."""
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
            found = await imports.find(tx, asking, import_id)
        await _saw(request, asking, "import.errors", import_id)
        errors, after = await list_errors_from(imports, asking, found, at, limit)
        return ImportErrorPage(errors, seal_cursor(asking.keys, bound, after) if after else None)

    @get("/{import_id:uuid}/rejected", opt=declares(texts=REJECTED, cost=Cost.BULK, lasts=True))
    async def download_rejected(self, request: Ask, import_id: FromPath[UUID]) -> Stream:
        """The rejected rows as a file like the one they came from, with the reasons in its first column."""
        asking, imports = await _asking(request), _imports(request)
        async with imports.database.reading(asking.actor) as tx:
            found = await imports.find(tx, asking, import_id)
            disclosure = await imports.disclosure(tx, asking, found)
        await _saw(request, asking, "import.rejected", import_id)

        async def still() -> None:
            if await request.app.state.permissions.grants(asking.actor) != asking.grants:
                raise Forbidden

        return rejected_file(imports, asking, found, disclosure, still)

    @get(
        "/{import_id:uuid}/events",
        media_type="text/event-stream",
        opt=declares(texts=EVENTS, cost=Cost.EXEMPT, lasts=True),
    )
    async def follow_import(self, request: Ask, import_id: FromPath[UUID]) -> Stream:
        """Progress as it happens: events with an import's counters, until it is done or failed."""
        asking, imports = await _asking(request), _imports(request)
        return await follow(request, imports, asking, import_id)


def _owners(asking: Asking) -> frozenset[UserId] | None:
    """Whose imports the caller may see, of either resource."""
    owners: frozenset[UserId] = frozenset()
    for resource in RESOURCES:
        among = asking.grants.owners(permission(resource))
        if among is None:
            return None
        owners |= among
    return owners


async def _saw(request: Ask, asking: Asking, action: str, *ids: UUID) -> None:
    """Enter it before the answer leaves: views hold samples of the file's cells."""
    await request.app.state.rails.access_log.record(asking.actor, action=action, resource="import", ids=ids)
