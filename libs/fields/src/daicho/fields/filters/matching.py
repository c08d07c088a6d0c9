"""The filter in Python: what decides in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import ge, gt, le, lt
from typing import Any as Anything

from daicho.fields.filters.nodes import All, Any, Condition, Core, Node, Not
from daicho.fields.indexing import IndexValue, comparable

Record = Mapping[str, object]
"""A record's stored values by the names that filters use; a list where there are several; absent means none."""
Matcher = Callable[[Record], bool]

_TESTS: Mapping[Core, Callable[[Anything, Anything], bool]] = {
    Core.EQ: lambda value, wanted: value == wanted,
    Core.LT: lt,
    Core.LTE: le,
    Core.GT: gt,
    Core.GTE: ge,
    Core.CONTAINS: lambda value, wanted: wanted in value,
    Core.BEGINS: lambda value, wanted: value.startswith(wanted),
}


def matcher(node: Node) -> Matcher:
    """The filter as a function of a record. Build it once and use it for every row."""
    match node:
        case All(parts):
            return partial(_all, tuple(matcher(part) for part in parts))
        case Any(parts):
            return partial(_any, tuple(matcher(part) for part in parts))
        case Not(part):
            return partial(_not, matcher(part))
        case Condition():
            return _condition(node)


def _all(parts: tuple[Matcher, ...], record: Record) -> bool:
    return all(part(record) for part in parts)


def _any(parts: tuple[Matcher, ...], record: Record) -> bool:
    return any(part(record) for part in parts)


def _not(part: Matcher, record: Record) -> bool:
    return not part(record)


def _condition(condition: Condition) -> Matcher:
    field, definition = condition.field, condition.definition
    if condition.op is Core.IS_SET:
        return lambda record: record.get(field) not in (None, "", [], ())
    holds = _test(condition)

    def matches(record: Record) -> bool:
        value = record.get(field)
        if value is None or value == "":
            return False
        values = value if isinstance(value, (list, tuple)) else (value,)
        return any(holds(comparable(definition, each)) for each in values)

    return matches


def _test(condition: Condition) -> Callable[[IndexValue], bool]:
    if condition.op is Core.IN:
        wanted = frozenset(condition.values)
        return lambda value: value in wanted
    test, one = _TESTS[condition.op], condition.values[0]
    return lambda value: test(value, one)
