"""From the JSON tree of a filter to nodes, or to every fault in it with its pointer.

    {"all": […]}  {"any": […]}  {"not": {…}}
    {"field": "custom.rank", "op": "in", "value": ["S", "A"]}

Operators by type: ``is_set`` (value true or false) everywhere; ``eq ne in`` where values compare; ``lt lte gt
gte between`` for numbers, money, dates and moments; ``within`` (a period) for the latter two; ``contains
begins`` for text; ``any_of all_of`` for multi-selects. A sealed (sensitive) field has ``is_set eq contains
begins``. A day may be relative (``{"days_from_today": -30}``), and a moment compares with whole days too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from daicho import nihongo
from daicho.faults import FieldFault, Invalid, listed
from daicho.fields.definitions import FieldDefinition, FieldType
from daicho.fields.filters.nodes import All, Any, Condition, Core, Node, Not, conditions
from daicho.fields.filters.periods import FilterContext, read_day, read_period
from daicho.fields.indexing import IndexValue, comparable
from daicho.fields.validation import FieldValidator, as_fault
from daicho.fields.values import Refused, as_boolean, as_text, day_in_range, is_clean, moment_in_range
from daicho.nihongo import Period

T = TypeVar("T")

MAX_BYTES = 32_768
"""Bytes of a filter as JSON."""
MAX_DEPTH = 8
MAX_NODES = 200
"""Groups and conditions of a filter; a condition counts as often as SQL asks it (``all_of`` once a value)."""
MAX_CONDITIONS = 100
MAX_IN = 500
MAX_VALUES = 1_000
"""Values of all conditions together."""
MAX_QUERY = 200
"""Characters of a text that is looked for, as typed and after folding."""

_COMPARED = frozenset({"is_set", "eq", "ne", "in"})
_ORDERED = _COMPARED | {"lt", "lte", "gt", "gte", "between"}
_TEXTUAL = _COMPARED | {"contains", "begins"}
_SEALED = frozenset({"is_set", "eq", "contains", "begins"})
_OPERATORS: Mapping[FieldType, frozenset[str]] = {
    FieldType.TEXT: _TEXTUAL,
    FieldType.URL: _TEXTUAL,
    FieldType.EMAIL: _TEXTUAL,
    FieldType.PHONE: _TEXTUAL,
    FieldType.LONG_TEXT: frozenset({"is_set", "contains", "begins"}),
    FieldType.INTEGER: _ORDERED,
    FieldType.DECIMAL: _ORDERED,
    FieldType.MONEY: _ORDERED,
    FieldType.DATE: _ORDERED | {"within"},
    FieldType.DATETIME: _ORDERED | {"within"},
    FieldType.BOOLEAN: frozenset({"is_set", "eq", "ne"}),
    FieldType.SELECT: _COMPARED,
    FieldType.MULTI_SELECT: frozenset({"is_set", "any_of", "all_of"}),
    FieldType.USER: _COMPARED,
    FieldType.LINK: _COMPARED,
}


def operators(definition: FieldDefinition) -> frozenset[str]:
    """The operators that a filter may use on the field."""
    allowed = _OPERATORS[definition.type]
    return allowed & _SEALED if definition.sensitive else allowed


def parse_filter(
    tree: object,
    fields: Mapping[str, FieldDefinition],
    context: FilterContext,
    *,
    role: str | None = None,
    pointer: str = "/filter",
) -> Node:
    """The filter of a JSON tree over ``fields`` by name; null and ``{}`` let every record through.

    A field that ``role`` may not read does not exist for it, or a filter would tell its values. The work is
    bounded by :data:`MAX_BYTES`, :data:`MAX_NODES` and :data:`MAX_VALUES`.

    Raises:
        Invalid: with one fault for each wrong place.
    """
    if tree in (None, {}):
        return All()
    if (fault := _beyond_size(tree, pointer)) is not None:
        raise Invalid([fault])
    parser = _Parser(fields, context, role)
    node: Node = All()
    with suppress(_Ended):
        node = parser.node(tree, pointer, 1)
    if parser.faults:
        raise Invalid(parser.faults)
    return node


def _beyond_size(tree: object, pointer: str) -> FieldFault | None:
    """The fault of a filter that is too large to be looked at."""
    try:
        size = len(msgspec.json.encode(tree))
    except RecursionError:
        return FieldFault(pointer, "too_deep", {"maximum": MAX_DEPTH})
    return FieldFault(pointer, "condition_too_large", {"maximum": MAX_BYTES}) if size > MAX_BYTES else None


class _Ended(Exception):
    """The filter has more parts than are looked at; the fault is told."""


class _Parser:
    def __init__(
        self, fields: Mapping[str, FieldDefinition], context: FilterContext, role: str | None
    ) -> None:
        self._fields, self._context, self._role = fields, context, role
        self._conditions = self._nodes = self._values = 0
        self.faults: list[FieldFault] = []

    def _fault(self, pointer: str, code: str, **params: str | int) -> All:
        self.faults.append(FieldFault(pointer, code, params))
        return All()

    def _count(self, pointer: str, nodes: int, values: int = 0) -> None:
        """Raises _Ended when the filter has become too large."""
        self._nodes += nodes
        self._values += values
        for number, maximum in ((self._nodes, MAX_NODES), (self._values, MAX_VALUES)):
            if number > maximum:
                self._fault(pointer, "too_many", maximum=maximum)
                raise _Ended

    def node(self, tree: object, pointer: str, depth: int) -> Node:
        self._count(pointer, 1)
        if depth > MAX_DEPTH:
            return self._fault(pointer, "too_deep", maximum=MAX_DEPTH)
        if not isinstance(tree, dict) or not tree:
            return self._fault(pointer, "invalid_type", expected="condition")
        if "field" in tree or "op" in tree:
            return self._condition(tree, pointer)
        name = next(iter(tree))
        if len(tree) != 1 or name not in ("all", "any", "not"):
            return self._fault(pointer, "invalid_type", expected="condition")
        inside = f"{pointer}/{name}"
        if name == "not":
            return Not(self.node(tree[name], inside, depth + 1))
        if not isinstance(tree[name], list):
            return self._fault(inside, "invalid_type", expected="list")
        if len(tree[name]) > MAX_CONDITIONS:
            return self._fault(inside, "too_many", maximum=MAX_CONDITIONS)
        parts = tuple(self.node(part, f"{inside}/{n}", depth + 1) for n, part in enumerate(tree[name]))
        return All(parts) if name == "all" else Any(parts)

    def _condition(self, tree: Mapping[str, object], pointer: str) -> Node:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            return self._fault(pointer, "too_many", maximum=MAX_CONDITIONS)
        unknown = [name for name in tree if name not in ("field", "op", "value")]
        if unknown:
            return self._fault(pointer, "invalid_type", expected="condition")
        name, op = tree.get("field"), tree.get("op")
        definition = self._fields.get(name) if isinstance(name, str) else None
        if definition is None or not isinstance(name, str) or not definition.is_readable(self._role):
            known = listed(key for key, each in self._fields.items() if each.is_readable(self._role))
            return self._fault(f"{pointer}/field", "unknown_field", known=known)
        if not isinstance(op, str) or op not in operators(definition):
            options = listed(sorted(operators(definition)))
            return self._fault(f"{pointer}/op", "unknown_operator", options=options)
        try:
            read = _Reading(name, definition, self._context).read(op, tree.get("value"))
        except nihongo.Unreadable as unreadable:
            self.faults.append(as_fault(unreadable, f"{pointer}/value"))
            return All()
        made = conditions(read)
        self._count(f"{pointer}/value", len(made) - 1, sum(len(each.values) for each in made))
        return read


class _Reading:
    """One condition on its way from JSON to nodes."""

    def __init__(self, name: str, definition: FieldDefinition, context: FilterContext) -> None:
        self._name, self._definition, self._context = name, definition, context

    def _is(self, op: Core, *values: IndexValue) -> Condition:
        return Condition(self._name, self._definition, op, values)

    def read(self, op: str, value: object) -> Node:
        match op:
            case "is_set":
                is_set = self._is(Core.IS_SET)
                return is_set if value is None or as_boolean(value) else Not(is_set)
            case "ne":
                return Not(self._compare(Core.EQ, value))
            case "in" | "any_of":
                return self._one_of(value)
            case "all_of":
                return All(tuple(self._is(Core.EQ, each) for each in self._values(value)))
            case "between":
                return self._between(value)
            case "within":
                return self._inside(read_period(value, self._context))
            case "contains" | "begins":
                return self._is(Core(op), self._query(op, as_text(value)))
            case _:
                return self._compare(Core(op), value)

    def _one_of(self, value: object) -> Node:
        if self._definition.type is FieldType.DATETIME:
            return Any(tuple(self._compare(Core.EQ, each, f"/{n}") for n, each in enumerate(_listed(value))))
        return self._is(Core.IN, *self._values(value))

    def _values(self, value: object) -> tuple[IndexValue, ...]:
        return tuple(self._value(each, f"/{n}") for n, each in enumerate(_listed(value)))

    def _between(self, value: object) -> Node:
        if not isinstance(value, list) or len(value) != 2:
            raise Refused("invalid_type", expected="pair")
        return All((self._compare(Core.GTE, value[0], "/0"), self._compare(Core.LTE, value[1], "/1")))

    def _compare(self, op: Core, value: object, pointer: str = "") -> Node:
        if self._definition.type is FieldType.DATETIME and (day := self._day(value, pointer)) is not None:
            return self._whole_day(op, day)
        return self._is(op, self._value(value, pointer))

    def _whole_day(self, op: Core, day: dt.date) -> Node:
        first, end = self._bounds(Period(day, day + dt.timedelta(days=1)))
        ways: dict[Core, Callable[[], Node]] = {
            Core.LT: lambda: self._is(Core.LT, first),
            Core.LTE: lambda: self._is(Core.LT, end),
            Core.GT: lambda: self._is(Core.GTE, end),
            Core.GTE: lambda: self._is(Core.GTE, first),
            Core.EQ: lambda: All((self._is(Core.GTE, first), self._is(Core.LT, end))),
        }
        return ways[op]()

    def _inside(self, period: Period) -> Node:
        first, end = self._bounds(period)
        return All((self._is(Core.GTE, first), self._is(Core.LT, end)))

    def _bounds(self, period: Period) -> tuple[IndexValue, IndexValue]:
        if self._definition.type is FieldType.DATE:
            return period.first, period.end
        midnight, zone = dt.time(), self._context.zone
        return dt.datetime.combine(period.first, midnight, zone), dt.datetime.combine(
            period.end, midnight, zone
        )

    def _day(self, value: object, pointer: str) -> dt.date | None:
        if isinstance(value, str) and len(value) == 10:
            try:
                day = dt.date.fromisoformat(value)
            except ValueError:
                raise Refused("invalid_date", pointer) from None
            return _from(pointer, lambda: day_in_range(day))
        return _from(pointer, lambda: read_day(value, self._context))

    def _value(self, value: object, pointer: str) -> IndexValue:
        definition = self._definition
        if definition.type in (FieldType.TEXT, FieldType.URL):
            return _from(pointer, lambda: self._query("begins", as_text(value)))
        if definition.type is FieldType.DATE:
            day = _from(pointer, lambda: read_day(value, self._context))
            if day is not None:
                return day
        if definition.type is FieldType.MONEY and type(value) is int:
            value = {"amount": value, "currency": definition.currency}
        if definition.type is FieldType.MULTI_SELECT:
            value = [value]
        stored = _from(pointer, lambda: FieldValidator(definition).from_json(value, value))
        if stored is None:
            raise Refused("required", pointer)
        read = comparable(definition, stored[0] if isinstance(stored, list) else stored)
        if isinstance(read, dt.datetime):
            _from(pointer, lambda: moment_in_range(read))
        elif isinstance(read, dt.date):
            _from(pointer, lambda: day_in_range(read))
        return read

    def _query(self, op: str, text: str) -> str:
        if not is_clean(text):
            raise Refused("control_character")
        if len(text) > MAX_QUERY:
            raise Refused("too_long", maximum=MAX_QUERY)
        is_phone = self._definition.type is FieldType.PHONE
        folded = nihongo.search_digits(text) if is_phone else nihongo.fold(text)
        if len(folded) > MAX_QUERY or nihongo.expands_too_much(text):
            raise Refused("too_long", maximum=MAX_QUERY)
        if not folded:
            raise Refused("invalid_phone" if is_phone and text else "required")
        if op == "contains" and self._definition.sensitive and len(folded) < 2:
            raise Refused("too_short", minimum=2)
        return folded


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Refused("invalid_type", expected="list")
    if len(value) > MAX_IN:
        raise Refused("too_many", maximum=MAX_IN)
    return value


def _from(pointer: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except Refused as refused:
        raise Refused(refused.code, pointer + refused.pointer, **refused.params) from None
    except nihongo.Unreadable as unreadable:
        raise Refused(unreadable.code, pointer) from None
