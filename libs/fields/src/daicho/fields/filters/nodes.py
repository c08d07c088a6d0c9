"""A parsed filter. Names are resolved, values typed, relative dates made absolute."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from daicho.fields.definitions import FieldDefinition
from daicho.fields.indexing import IndexValue


class Core(StrEnum):
    """The operators that are left after parsing; the others of the language are made of these."""

    IS_SET = "is_set"
    EQ = "eq"
    IN = "in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    CONTAINS = "contains"
    BEGINS = "begins"


@dataclass(frozen=True, slots=True)
class Condition:
    """``field`` is the name that the filter used; ``values`` holds one value, several for IN, none for IS_SET.

    A field with several values (e-mails, a multi-select) satisfies a condition when one of them does; one
    without a value satisfies none.
    """

    field: str
    definition: FieldDefinition
    op: Core
    values: tuple[IndexValue, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true when there is none."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds; false when there is none."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold: two-valued, so it also takes in records without a value."""

    part: Node


Node = Condition | All | Any | Not


def conditions(node: Node) -> tuple[Condition, ...]:
    """Every condition of the filter, left to right."""
    match node:
        case Condition():
            return (node,)
        case Not(part):
            return conditions(part)
        case All(parts) | Any(parts):
            return tuple(condition for part in parts for condition in conditions(part))
