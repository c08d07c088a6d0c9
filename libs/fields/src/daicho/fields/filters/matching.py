"""The filter in Python: what decides in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import ge, gt, le, lt
from typing import Any as Anything

from daicho.fields.filters.nodes import All, Any, Condition, Core, Node, Not, conditions
from daicho.fields.indexing import IndexValue, comparable

Record = Mapping[str, object]
"""A record's stored values by the names that filters use; a list where there are several; absent means none."""
Matcher = Callable[[Record], bool]
Known = dict[Anything, Anything]
Decision = Callable[[Record, Known], bool]

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
    """The filter as a function of a record. Build it once and use it for every row.

    A record's value is folded once, for all conditions together."""
    decide = _decision(node, _Test)
    return lambda record: decide(record, {})


def matcher_in_steps(node: Node) -> Callable[[Record], Iterator[bool | None]]:
    """The filter as a function that yields None after each short part of its work, and the answer at the end.

    For records with long texts: to fold one, or to look for a word in it, takes up to some milliseconds.
    """
    tests = [(id(each), _Test(each)) for each in conditions(node)]
    decide = _decision(node, _Answer)

    def steps(record: Record) -> Iterator[bool | None]:
        known: Known = {}
        answers: Known = {}
        for place, test in tests:
            answers[place] = test(record, known)
            yield None
        yield decide(record, answers)

    return steps


def _decision(node: Node, leaf: Callable[[Condition], Decision]) -> Decision:
    match node:
        case All(parts):
            return partial(_all, tuple(_decision(part, leaf) for part in parts))
        case Any(parts):
            return partial(_any, tuple(_decision(part, leaf) for part in parts))
        case Not(part):
            return partial(_not, _decision(part, leaf))
        case Condition():
            return leaf(node)


def _all(parts: tuple[Decision, ...], record: Record, known: Known) -> bool:
    return all(part(record, known) for part in parts)


def _any(parts: tuple[Decision, ...], record: Record, known: Known) -> bool:
    return any(part(record, known) for part in parts)


def _not(part: Decision, record: Record, known: Known) -> bool:
    return not part(record, known)


class _Answer:
    """One condition whose answer is known."""

    __slots__ = ("_place",)

    def __init__(self, condition: Condition) -> None:
        self._place = id(condition)

    def __call__(self, record: Record, known: Known) -> bool:  # noqa: ARG002 as all decisions
        return bool(known[self._place])


class _Test:
    """One condition as a function of a record and of its values that were folded for others."""

    __slots__ = ("_definition", "_holds", "field")

    def __init__(self, condition: Condition) -> None:
        self.field, self._definition = condition.field, condition.definition
        self._holds = None if condition.op is Core.IS_SET else _test(condition)

    def __call__(self, record: Record, known: Known) -> bool:
        if self._holds is None:
            return record.get(self.field) not in (None, "", [], ())
        compared = known.get(self.field)
        if compared is None:
            compared = known[self.field] = self._compared(record)
        return any(map(self._holds, compared))

    def _compared(self, record: Record) -> tuple[IndexValue, ...]:
        """The record's values of the field in the form in which they are compared."""
        value = record.get(self.field)
        if value is None or value == "":
            return ()
        values = value if isinstance(value, (list, tuple)) else (value,)
        return tuple([comparable(self._definition, each) for each in values])


def _test(condition: Condition) -> Callable[[IndexValue], bool]:
    if condition.op is Core.IN:
        wanted = frozenset(condition.values)
        return lambda value: value in wanted
    test, one = _TESTS[condition.op], condition.values[0]
    return lambda value: test(value, one)
