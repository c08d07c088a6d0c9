"""What the access log keeps of a search: its words, conditions and order, within :data:`LARGEST` bytes.

A page of a list costs its reader one entry, so an entry must not grow with the filter. A large filter loses its last
conditions and the ends of its values; ``shortened`` then holds the size and the SHA-256 of the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

LARGEST: Final = 4_096
"""Bytes of what is kept, before it is sealed."""
LARGEST_NAMES: Final = 2_000
"""Bytes of the keys of the fields that words were compared with."""
_STEPS: Final = ((30, 10, 50), (10, 5, 20), (5, 2, 10))
"""Nodes, values a condition, and characters a value, that are kept; the first step that fits is taken."""


def encode_query(
    q: str | None, tree: Any, sort: Mapping[str, Any], looked_into: Collection[str] = ()
) -> bytes:
    """The words ``q``, the filter ``tree`` and the field and direction of ``sort`` as JSON; all have passed their own
    limits.

    ``looked_into`` are the keys of the custom fields that the words were compared with: the audit shows the words only to
    readers of all of them. Null stands for more than :data:`LARGEST_NAMES` hold, and then nobody is shown the words.
    """
    asked: dict[str, Any] = {"q": q, "filter": tree, "sort": sort}
    if q is not None:
        names = sorted(looked_into)
        asked["looked_into"] = names if len(msgspec.json.encode(names)) <= LARGEST_NAMES else None
    encoded = msgspec.json.encode(asked)
    if len(encoded) <= LARGEST:
        return encoded
    whole = {"bytes": len(encoded), "sha256": hashlib.sha256(encoded).hexdigest()}
    for nodes, values, characters in _STEPS:
        kept = _Shortening(nodes, values, characters).node(tree)
        encoded = msgspec.json.encode({**asked, "filter": kept, "shortened": whole})
        if len(encoded) <= LARGEST:
            return encoded
    return msgspec.json.encode({**asked, "filter": None, "shortened": whole})


class _Shortening:
    """The beginning of a filter, in the shape of a filter."""

    def __init__(self, nodes: int, values: int, characters: int) -> None:
        self._nodes, self._values, self._characters = nodes, values, characters

    def node(self, tree: Any) -> Any:
        self._nodes -= 1
        if "field" in tree:
            return {**tree, "value": self._value(tree.get("value"))}
        ((name, inside),) = tree.items()
        if name == "not":
            return {name: self.node(inside)}
        parts = []
        for part in inside:
            if self._nodes <= 0:
                break
            parts.append(self.node(part))
        return {name: parts}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if len(value) <= self._characters else f"{value[: self._characters]}…"
        if isinstance(value, list):
            return [self._value(each) for each in value[: self._values]]
        return value
