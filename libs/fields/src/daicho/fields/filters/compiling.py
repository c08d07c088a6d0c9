"""The filter in SQL: a superset of what matches, as narrow as columns and index tables allow.

A condition that SQL cannot decide (a sealed field, long text) is bounded from both sides: it lies between
FALSE and TRUE. ``not`` swaps the bounds, so a sealed condition becomes TRUE under ``not`` as well, and no record
that Python would let through is lost. All SQL stays within operators that an index serves under row-level
security, and binds every value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any as Anything

import sqlalchemy as sa

from daicho.fields.definitions import FieldType
from daicho.fields.filters.nodes import All, Any, Condition, Core, Node, Not
from daicho.fields.indexing import MAX_INDEXED_TEXT

Clause = sa.ColumnElement[bool]

_FOLDED = (FieldType.TEXT, FieldType.URL, FieldType.LONG_TEXT)


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """A field in a column of the record's own table.

    ``folded`` says that a text column holds :func:`daicho.nihongo.fold` of the value; without it SQL only
    answers whether the value is set. The types of e-mail, select, number, date and id columns are those of
    :class:`daicho.fields.IndexKind`; telephones are domestic digits.
    """

    column: sa.ColumnElement[Anything]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class IndexRows:
    """A field in a typed index table, which holds the rows of :func:`daicho.fields.index_rows`.

    ``same_record`` ties an index row to the record and the field (tenant, record id and field id).
    """

    value: sa.ColumnElement[Anything]
    same_record: Clause


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed field. ``is_set`` is a plain derivative where there is one (has_email); ``narrow`` gives a
    superset of eq, contains or begins from the blind index, or None."""

    is_set: Clause | None = None
    narrow: Callable[[Core, str], Clause | None] | None = None


Binding = PlainColumn | IndexRows | Sealed


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every record that matches satisfies ``over``; every record that satisfies ``under`` matches."""

    over: Clause
    under: Clause
    exact: bool


def compile_filter(node: Node, bindings: Mapping[str, Binding]) -> Bounds:
    """The SQL bounds of a filter. Query with ``over``; when ``exact``, SQL alone decides.

    A field without a binding counts as undecidable.
    """
    match node:
        case All(parts):
            return _join(sa.and_, sa.true(), [compile_filter(part, bindings) for part in parts])
        case Any(parts):
            return _join(sa.or_, sa.false(), [compile_filter(part, bindings) for part in parts])
        case Not(part):
            inner = compile_filter(part, bindings)
            return Bounds(_negate(inner.under), _negate(inner.over), inner.exact)
        case Condition():
            return _condition(node, bindings.get(node.field))


def _join(how: Callable[..., Clause], empty: Clause, parts: list[Bounds]) -> Bounds:
    over = how(empty, *(part.over for part in parts))
    under = how(empty, *(part.under for part in parts))
    return Bounds(over, under, all(part.exact for part in parts))


def _negate(clause: Clause) -> Clause:
    """Two-valued: NULL counts as false, as it does in Python."""
    if isinstance(clause, sa.True_):
        return sa.false()
    return sa.true() if isinstance(clause, sa.False_) else clause.is_not(sa.true())


def _exactly(clause: Clause) -> Bounds:
    return Bounds(clause, clause, exact=True)


_UNDECIDED = Bounds(sa.true(), sa.false(), exact=False)


def _condition(condition: Condition, binding: Binding | None) -> Bounds:
    match binding:
        case None:
            return _UNDECIDED
        case Sealed():
            return _sealed(condition, binding)
        case PlainColumn():
            return _plain(condition, binding)
        case IndexRows():
            return _rows(condition, binding)


def _sealed(condition: Condition, binding: Sealed) -> Bounds:
    if condition.op is Core.IS_SET:
        return _UNDECIDED if binding.is_set is None else _exactly(binding.is_set)
    value = condition.values[0] if len(condition.values) == 1 else None
    narrowed = binding.narrow(condition.op, value) if binding.narrow and isinstance(value, str) else None
    return _UNDECIDED if narrowed is None else Bounds(narrowed, sa.false(), exact=False)


def _plain(condition: Condition, binding: PlainColumn) -> Bounds:
    column = binding.column
    if condition.op is Core.IS_SET:
        return _exactly(column.is_not(None))
    if condition.definition.type in _FOLDED and not binding.folded:
        return _UNDECIDED
    return _exactly(_compare(column, condition.op, condition.values))


def _rows(condition: Condition, binding: IndexRows) -> Bounds:
    def some(clause: Clause | None) -> Clause:
        tests = [binding.same_record] if clause is None else [binding.same_record, clause]
        return sa.exists(sa.select(sa.literal_column("1")).where(*tests))

    value, op = binding.value, condition.op
    if op is Core.IS_SET:
        return _exactly(some(None))
    if condition.definition.type not in _FOLDED or op in (Core.LT, Core.LTE, Core.GT, Core.GTE):
        return _exactly(some(_compare(value, op, condition.values)))
    cut = tuple(str(each)[:MAX_INDEXED_TEXT] for each in condition.values)
    over = _compare(value, op, cut)
    if op is Core.CONTAINS:
        over = sa.or_(over, sa.func.char_length(value) >= MAX_INDEXED_TEXT)
        return Bounds(some(over), some(_compare(value, op, condition.values)), exact=False)
    longest = MAX_INDEXED_TEXT if op is Core.BEGINS else MAX_INDEXED_TEXT - 1
    sure = tuple(each for each in condition.values if len(str(each)) <= longest)
    under = some(_compare(value, op, sure)) if sure else sa.false()
    return Bounds(some(over), under, exact=len(sure) == len(condition.values))


def _compare(column: sa.ColumnElement[Anything], op: Core, values: tuple[object, ...]) -> Clause:
    if op is Core.IN:
        return column.in_(values) if values else sa.false()
    return _COMPARISONS[op](column, values[0])


def _begins(column: sa.ColumnElement[Anything], prefix: str) -> Clause:
    """A range in code point order, which an index in the "C" collation serves; LIKE would not be leakproof."""
    ordered = sa.collate(column, "C")
    end = _after(prefix)
    return ordered >= prefix if end is None else sa.and_(ordered >= prefix, ordered < end)


def _after(prefix: str) -> str | None:
    """The first text in code point order that is behind every text with ``prefix``; None when there is none."""
    for cut in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[cut]) + 1
        if code <= 0x10FFFF:
            return prefix[:cut] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
    return None


_COMPARISONS: Mapping[Core, Callable[[Anything, Anything], Clause]] = {
    Core.EQ: lambda column, value: column == value,
    Core.LT: lambda column, value: column < value,
    Core.LTE: lambda column, value: column <= value,
    Core.GT: lambda column, value: column > value,
    Core.GTE: lambda column, value: column >= value,
    Core.CONTAINS: lambda column, value: column.contains(value, autoescape=True),
    Core.BEGINS: _begins,
}
