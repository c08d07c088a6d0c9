"""What a filter asks of sealed fields, as words of the blind index: a superset of what it lets through.

A condition that must hold narrows by the tokens that every value satisfying it has; one of several that may hold
narrows only together with all the others; one below ``not`` does not narrow. Only fields take part whose values are
among the tokens of every record that has one: company names are not, for they follow by a job, nor is a custom field
that was made searchable later until its job has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from daicho.customers.terms import begin_terms, query_terms, terms_of
from daicho.fields.filters import All, Any, Condition, Core, Node, Not, conditions
from daicho.keyring import TenantKeys
from daicho.nihongo import fold

Words = list[list[list[int]]]
"""For each word its alternatives, for each alternative the tokens that must all be there."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """Where the blind index holds a field: its class, and whether the field begins and ends the indexed text."""

    kind: str
    begins: bool = True
    ends: bool = True


def words_of(node: Node, indexed: Mapping[str, Indexed], keys: TenantKeys) -> Words:
    """The words that every record which satisfies ``node`` has; none where the index cannot say."""
    match node:
        case All(parts):
            return [word for part in parts for word in words_of(part, indexed, keys)]
        case Any(parts):
            each = [words_of(part, indexed, keys) for part in parts]
            return [[tokens for words in each for tokens in words[0]]] if all(each) else []
        case Not():
            return []
        case Condition():
            return _of_condition(node, indexed, keys)


def words_in_steps(node: Node, indexed: Mapping[str, Indexed], keys: TenantKeys) -> Iterator[None]:
    """Computes the tokens of :func:`words_of`, which ``keys`` remembers, in parts that take a millisecond or two."""
    for condition in conditions(node):
        place = indexed.get(condition.field)
        if place is not None:
            for value in condition.values:
                keys.index.sought(place.kind, _terms(condition.op, fold(str(value)), place))
                yield


def _of_condition(condition: Condition, indexed: Mapping[str, Indexed], keys: TenantKeys) -> Words:
    place = indexed.get(condition.field)
    if place is None:
        return []
    terms = [_terms(condition.op, fold(str(value)), place) for value in condition.values]
    return [[keys.index.sought(place.kind, each) for each in terms]] if terms and all(terms) else []


def _terms(op: Core, value: str, place: Indexed) -> frozenset[str]:
    """The terms of every indexed text in whose field ``op`` finds the folded ``value``."""
    if op in (Core.EQ, Core.IN) and place.begins and place.ends:
        return terms_of(value)
    if op in (Core.EQ, Core.IN, Core.BEGINS) and place.begins:
        return begin_terms(value)
    if op in (Core.EQ, Core.IN, Core.BEGINS, Core.CONTAINS) and len(value) > 1:
        return query_terms(value)
    return frozenset()
