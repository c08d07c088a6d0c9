"""Hide the values of fields that a reader of the log may not read from others' searches.

An access entry holds the words, the conditions and the order of a search, and the records that matched; together they
reveal values. The rights of the reader are looked up when an entry is read, so the rule also covers old entries and fields
that are restricted later. The log itself does not change: its leaves, proofs and exports hold the sealed bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Readable:
    """The ``fields`` of one resource that the reader may read, whether they include all that ``words`` look into, and
    when each custom field was made."""

    fields: frozenset[str] = frozenset()
    words: bool = False
    made_at: Mapping[str, datetime] = field(default_factory=dict)

    def at(self, moment: datetime) -> Readable:
        """The rights that count for a search of ``moment``: a younger field may have the name of a deleted one, which had
        other readers."""
        younger = {name for name, made in self.made_at.items() if made > moment}
        return replace(self, fields=self.fields - younger) if younger else self


NOTHING = Readable()
"""The rights for a resource whose service does not answer."""


def hide_unreadable(query: Any, readable: Readable) -> Any:
    """``query`` without the words, conditions and order that reveal what the reader may not read.

    A hidden condition keeps its field alone, not its operator or value. A hidden order does not keep its field either,
    because the pages of one list, each an entry, rank their records by it. ``hidden`` then lists the fields of the
    conditions, "q" for the words and "sort" for the order. A query of another shape (no ``q``, ``filter`` or ``sort``)
    holds no values of records and stays as it is.

    ``looked_into`` of a query are the keys of the custom fields that its words were compared with; it is not shown. Words
    are hidden from readers who may not read all of these fields today, a deleted one among them, and from everybody where
    the fields are not known.
    """
    if isinstance(query, str):
        return {"q": None, "hidden": ["q"]}
    if not isinstance(query, Mapping) or not query.keys() & {"q", "filter", "sort"}:
        return query
    hidden: dict[str, None] = {}
    shown = dict(query)
    looked_into = shown.pop("looked_into", None)
    if query.get("q") is not None and not _may_read_words(looked_into, readable):
        shown["q"] = None
        hidden["q"] = None
    if query.get("filter"):
        shown["filter"] = _condition(query["filter"], readable, hidden)
    if query.get("sort") and not _is_readable(query["sort"], readable):
        shown["sort"] = {"hidden": True}
        hidden["sort"] = None
    return {**shown, "hidden": list(hidden)} if hidden else shown


def _may_read_words(looked_into: Any, readable: Readable) -> bool:
    """Whether the reader may read all that words looked into, then and now."""
    if not readable.words or not isinstance(looked_into, list):
        return False
    return all(f"custom.{key}" in readable.fields for key in looked_into)


def _is_readable(sort: Any, readable: Readable) -> bool:
    return isinstance(sort, Mapping) and str(sort.get("field")) in readable.fields


def _condition(tree: Any, readable: Readable, hidden: dict[str, None]) -> Any:
    """``tree`` with every condition that is not readable reduced to its field."""
    if isinstance(tree, list):
        return [_condition(each, readable, hidden) for each in tree]
    if not isinstance(tree, Mapping):
        return None
    if "field" not in tree and "op" not in tree:
        return {name: _condition(inside, readable, hidden) for name, inside in tree.items()}
    field = str(tree.get("field"))
    if field in readable.fields:
        return tree
    hidden[field] = None
    return {"field": field, "hidden": True}
