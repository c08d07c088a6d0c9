"""REST of the audit."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from daicho.audit.export import Proof, to_text
from daicho.audit.faults import LogForked
from daicho.audit.glossary import EXPORT
from daicho.audit.schemas import (
    AuditEntry,
    AuditEntryPage,
    AuditSearch,
    CheckpointView,
    ErasureDone,
    ErasurePage,
    ErasureRequest,
    KeyView,
    LogStatus,
)
from daicho.web import Cost, actor_of, answers, declares, requires

READ = "audit:read"
ERASE = "audit:erase"
Caller = Request[Any, Any, Any]


@post(
    "/v1/audit/entries/search",
    guards=[requires(READ)],
    tags=["audit"],
    status_code=200,
    opt=declares(cost=Cost.HEAVY),
)
async def search_entries(request: Caller, data: JSONBody[AuditSearch], state: State) -> AuditEntryPage:
    """Who saw or changed what, the newest first."""
    page: AuditEntryPage = await state.reader.search(actor_of(request), data)
    return page


@get("/v1/audit/entries/{entry_id:uuid}", guards=[requires(READ)], tags=["audit"])
async def read_entry(request: Caller, entry_id: FromPath[UUID], state: State) -> AuditEntry:
    """One entry."""
    entry: AuditEntry = await state.reader.open(actor_of(request), entry_id)
    return entry


@get(
    "/v1/audit/entries/{entry_id:uuid}/proof",
    guards=[requires(READ)],
    tags=["audit"],
    responses=answers(200, Proof),
    opt=declares(LogForked),
)
async def read_proof(request: Caller, entry_id: FromPath[UUID], state: State) -> Response[bytes]:
    """A file with which anybody verifies offline that the entry is in the log: `daicho audit verify FILE`."""
    proof = await state.reader.prove(actor_of(request), entry_id)
    return Response(proof, media_type="application/json", headers=_attachment(f"audit-proof-{entry_id}.json"))


@get("/v1/audit/checkpoint", guards=[requires(READ)], tags=["audit"], opt=declares(LogForked))
async def read_checkpoint(request: Caller, state: State) -> CheckpointView:
    """The log's size and root as they are now, signed. Keep it: it shows later whether the log was cut or forked."""
    signed = await state.reader.checkpoint(actor_of(request))
    point = signed.checkpoint
    return CheckpointView(point.size, to_text(point.root), signed.note, signed.key)


@get("/v1/audit/key", guards=[requires(READ)], tags=["audit"], opt=declares(LogForked))
async def read_key(request: Caller, state: State) -> KeyView:
    """The key that verifies this tenant's checkpoints, for `daicho audit verify --key`."""
    return KeyView(await state.reader.key(actor_of(request)))


@get("/v1/audit/status", guards=[requires(READ)], tags=["audit"])
async def read_status(request: Caller, state: State) -> LogStatus:
    """Whether the log still continues its last signed checkpoint, which is kept outside of the database."""
    status: LogStatus = await state.reader.status(actor_of(request))
    return status


@get(
    "/v1/audit/export",
    guards=[requires(READ)],
    tags=["audit"],
    opt=declares(LogForked, texts={"application/jsonl": EXPORT}, cost=Cost.BULK, lasts=True),
)
async def export_log(request: Caller, state: State) -> Stream:
    """The whole log as JSON lines that `daicho audit verify FILE` verifies offline."""
    actor = actor_of(request)

    async def still() -> None:
        await requires(READ)(request, request.route_handler)

    lines = await state.reader.export(actor, still)
    return Stream(lines, media_type="application/jsonl", headers=_attachment("audit.jsonl"))


@post("/v1/audit/erasures", guards=[requires(ERASE)], tags=["audit"], status_code=200)
async def erase_record(request: Caller, data: JSONBody[ErasureRequest], state: State) -> ErasureDone:
    """Take away what the log says of one person; the log stays whole, and an entry names the erasure."""
    done: ErasureDone = await state.eraser.erase(actor_of(request), data)
    return done


@get("/v1/audit/erasures", guards=[requires(READ)], tags=["audit"])
async def list_erasures(
    request: Caller,
    state: State,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
    cursor: FromQuery[str | None] = None,
) -> ErasurePage:
    """The register of erasures, the newest first."""
    page: ErasurePage = await state.eraser.register(actor_of(request), limit=limit, cursor=cursor)
    return page


def _attachment(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


ROUTES = (
    search_entries,
    read_entry,
    read_proof,
    read_checkpoint,
    read_key,
    read_status,
    export_log,
    erase_record,
    list_erasures,
)
