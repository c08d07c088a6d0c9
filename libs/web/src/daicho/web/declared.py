"""What a route declares for the API's description, where its guard, its body and its answer do not say it already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from daicho.faults import Fault, FieldFault
from daicho.web.salvage import Salvaged

_DECLARED: Final = "daicho.declared"


class Derived:
    """Stands for an example that the shape of a member gives by itself."""


DERIVED: Final = Derived()


@dataclass(frozen=True, slots=True)
class Term:
    """What a member or parameter means, and a value such as it has."""

    says: str
    example: Any = DERIVED


Glossary = Mapping[str, Term]
"""A name, or ``Schema.name`` where one schema (or operation) means something else by it, → its term. ``Schema`` → its example."""


Examines = Callable[[Request[Any, Any, Any], Salvaged], Awaitable[Sequence[FieldFault]]]
"""What a route would say of the sound part of a body whose shape is wrong; it changes nothing."""


class Cost(Enum):
    """How much of a process a request takes: which limit it is counted by, and which pool its queries use."""

    EXEMPT = "exempt"
    """Never waits: operators' questions, and streams, which have limits of their own."""
    LIGHT = "light"
    """A page, a record, a change: some milliseconds."""
    HEAVY = "heavy"
    """A search, a sort in memory, a count: what may open thousands of records while somebody waits."""
    BULK = "bulk"
    """An export: as long as it takes, piece by piece."""


CostOf = Callable[[Request[Any, Any, Any]], Cost]
"""The cost of one request, for a route whose parameters decide it."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What :func:`declares` was given."""

    faults: tuple[type[Fault], ...] = ()
    once: bool = False
    texts: Mapping[str, str] | None = None
    examines: Examines | None = None
    cost: Cost | CostOf = Cost.LIGHT
    lasts: bool = False


_NOTHING: Final = Declared()


def declares(
    *faults: type[Fault],
    once: bool = False,
    texts: Mapping[str, str] | None = None,
    examines: Examines | None = None,
    cost: Cost | CostOf = Cost.LIGHT,
    lasts: bool = False,
) -> dict[str, Any]:
    """The ``opt`` of a route: faults of its own; whether it keeps replies (:func:`daicho.web.create_once`);
    for an answer that is no JSON, media type → what it looks like; what checks the sound part of a body that
    has a wrong member beside it; what a request of it costs; whether it lasts as long as its client likes, so that
    :mod:`daicho.web.stream_limit` counts it.
    """
    return {_DECLARED: Declared(faults, once, texts, examines, cost, lasts)}


def declared_by(handler: HTTPRouteHandler) -> Declared:
    """What the route declares."""
    found: Declared = handler.opt.get(_DECLARED, _NOTHING)
    return found


def answers(status: int, body: type[Any]) -> Mapping[int, ResponseSpec]:
    """The success answer of a route that answers ready-made bytes."""
    return {status: ResponseSpec(data_container=body, description="Done", generate_examples=False)}
