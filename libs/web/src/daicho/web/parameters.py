"""Query parameters: none but those that the route names, each once; and what is wrong with those that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from daicho.faults import FieldFault, Invalid, listed
from daicho.web.decoding import fault_of
from daicho.web.salvage import MOST, step

_NAMES: Final = "daicho.parameters"

Ask = Request[Any, Any, Any]


def learn_parameters(app: Litestar) -> None:
    """Note at each route which query parameters it knows, as Litestar found them in its signature."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                handler.opt[_NAMES] = sorted(each.field_alias for each in model.expected_query_params)


async def refuse_unknown_parameters(request: Ask) -> None:
    """Raises Invalid, naming each query parameter that the route does not know, or that comes more than once."""
    query = request.scope["query_string"]
    if not query:
        return
    known = _known(request.route_handler)
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    names = {"known": listed(known)}
    faults = [
        FieldFault(f"/{step(name)}", "unknown_parameter", names)
        if name not in known
        else FieldFault(f"/{step(name)}", "repeated_parameter")
        for name, times in given.items()
        if name not in known or times > 1
    ]
    if faults:
        raise Invalid(faults[:MOST])


def faults_of_parameters(request: Ask, extra: Sequence[Any]) -> list[FieldFault]:
    """What is wrong with the parameters that Litestar refused with ``extra``; the pointer is the parameter's name.

    Without ``extra`` a parameter is missing.
    """
    handler = request.route_handler
    signature = handler.parsed_fn_signature.parameters
    if extra:
        return [
            fault_of(
                str(each.get("message", "")),
                signature[key].annotation if key in signature else Any,
                f"/{key}",
            )
            for each in extra
            for key in [str(each.get("key", ""))]
        ]
    return [
        FieldFault(f"/{name}", "required")
        for name in _known(handler)
        if name not in request.query_params and name in signature and signature[name].is_required
    ]


def _known(handler: HTTPRouteHandler) -> list[str]:
    known: list[str] = handler.opt[_NAMES]
    return known
