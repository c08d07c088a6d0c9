"""An empty file to fill in and import: a header for each field that its user may write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromQuery

from daicho.customers.edge import Edge
from daicho.customers.exports.columns import columns_of
from daicho.customers.exports.routes import MEDIA
from daicho.customers.exports.schemas import ExportRequest, TemplateFormat
from daicho.customers.exports.writing import file_of
from daicho.customers.imports.permission import permission
from daicho.customers.model import RESOURCES, Resource
from daicho.faults import Forbidden, Language
from daicho.fields import FieldDefinition
from daicho.web import actor_of, declares, grants_of, language_of, requires

_HEADERS: Final = "顧客番号,姓,名,セイ,メイ,メールアドレス,電話番号\r\n"
_EXAMPLES: Final = {MEDIA["csv"]: _HEADERS, MEDIA["xlsx"]: "the bytes of a workbook"}


@get(
    "/v1/imports/template",
    guards=[requires(*(permission(each) for each in RESOURCES))],
    tags=["imports"],
    opt=declares(texts=_EXAMPLES, lasts=True),
)
async def download_template(
    request: Request[Any, Any, Any],
    resource: FromQuery[Resource],
    format: FromQuery[TemplateFormat] = "xlsx",  # noqa: A002 the parameter's name, as that of an export
) -> Response[bytes]:
    """An empty file with the columns that an import of ``resource`` (contact or company) knows by name: the fields that the
    caller may write, custom ones too, called in the caller's language."""
    grants = grants_of(request)
    if not grants.allows(permission(resource)):
        raise Forbidden
    edge: Edge[Any, Any, Any, Any] = getattr(request.app.state, RESOURCES[resource])
    actor = actor_of(request)
    async with edge.rails.database.reading(actor) as tx:
        schema = (await edge.catalogue.current(tx, resource)).schema
    language = language_of(request.headers.get("accept-language"))
    headers = template_headers(resource, list(schema.definitions.values()), grants.role, language)
    file = file_of(ExportRequest(format=format))
    return Response(
        file.rows([headers]) + file.finish(),
        media_type=MEDIA[format],
        headers={
            "content-disposition": f'attachment; filename="{RESOURCES[resource]}-template.{format}"',
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )


def template_headers(
    resource: Resource, definitions: Sequence[FieldDefinition], role: str | None, language: Language
) -> list[str]:
    """The header of each column that an import with ``role`` fills a field from."""
    hidden = {f"custom.{each.key}" for each in definitions if not each.is_writable(role)}
    columns = columns_of(resource, definitions, role, language)
    return [each.header for each in columns if each.field is not None and each.field not in hidden]
