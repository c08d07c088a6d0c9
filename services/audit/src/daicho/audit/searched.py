"""Hide the values of fields that a reader of the log may not read from others' searches.

An access entry holds the words and the conditions of a search, and the records that matched; together they reveal values.
Who may read which field is asked when an entry is read, so the rule also covers old entries and fields that are restricted
later. The log itself is not touched: its leaves, proofs and exports hold the sealed bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Readable:
    """Of one resource: the ``fields`` that the reader may read, whether those that ``words`` look into are among them, and
    since when each custom field exists."""

    fields: frozenset[str] = frozenset()
    words: bool = False
    made_at: Mapping[str, datetime] = field(default_factory=dict)

    def at(self, moment: datetime) -> Readable:
        """Of what was searched for at ``moment``: a younger field may have the name of a deleted one, whose readers were
        others."""
        younger = {name for name, made in self.made_at.items() if made > moment}
        return replace(self, fields=self.fields - younger) if younger else self


NOTHING = Readable()
"""For a resource that nobody answers for."""


def hide_unreadable(query: Any, readable: Readable) -> Any:
    """``query`` without the words and conditions that tell what the reader may not read.

    A hidden condition keeps its field alone, not its operator or value; ``hidden`` then lists the fields, and "q" for
    the words. A query of another shape (no ``q``, no ``filter``) holds no values of records and stays as it is.
    """
    if isinstance(query, str):
        return query if readable.words else {"q": None, "hidden": ["q"]}
    if not isinstance(query, Mapping) or not ("q" in query or "filter" in query):
        return query
    hidden: dict[str, None] = {}
    shown = dict(query)
    if query.get("q") is not None and not readable.words:
        shown["q"] = None
        hidden["q"] = None
    if query.get("filter"):
        shown["filter"] = _condition(query["filter"], readable, hidden)
    return {**shown, "hidden": list(hidden)} if hidden else shown


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
