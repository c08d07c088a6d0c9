"""From msgspec's words to faults: what is wrong, where, and what was expected."""

from __future__ import annotations

import re
import types
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from daicho.faults import FieldFault, listed

_PATH: Final = re.compile(r" - at `\$([^`]*+)`$")
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_CODES: Final[Sequence[tuple[re.Pattern[str], str, str | None]]] = (
    (re.compile(r"Expected `str` of length >= 1\b"), "required", None),
    (re.compile(r"Expected `str` of length >= (\d+)"), "too_short", "minimum"),
    (re.compile(r"Expected `str` of length <= (\d+)"), "too_long", "maximum"),
    (re.compile(r"of length >= (\d+)"), "too_few", "minimum"),
    (re.compile(r"of length <= (\d+)"), "too_many", "maximum"),
    (re.compile(r"Expected `(?:int|float)` >= (-?[\d.]+)"), "too_small", "minimum"),
    (re.compile(r"Expected `(?:int|float)` <= (-?[\d.]+)"), "too_large", "maximum"),
    (re.compile(r"matching regex '(.+)'"), "invalid_pattern", "pattern"),
    (re.compile(r"Invalid UUID"), "invalid_id", None),
    (re.compile(r"Invalid RFC3339 encoded date`?$|Invalid ISO8601 date"), "invalid_date", None),
    (re.compile(r"Invalid RFC3339|`datetime` with"), "invalid_datetime", None),
)
_LONGEST: Final = 2_000
"""Characters of an error text that are read."""
_EXPECTED: Final = re.compile(r"Expected `([a-z]+)")
_KINDS: Final = {
    "str": "text",
    "uuid": "text",
    "date": "text",
    "datetime": "text",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "array": "list",
    "object": "object",
    "null": "null",
}


def fault_of(message: str, kind: Any, pointer: str) -> FieldFault:
    """msgspec's error text about a value that should have been a ``kind``, as a fault at or below ``pointer``."""
    if options := options_of(kind):
        return FieldFault(pointer, "unknown_option", {"options": listed(map(str, options))})
    if len(message) > _LONGEST:  # it holds the name of an unknown member, and its end says where
        message = message[: _LONGEST // 2] + message[-_LONGEST // 2 :]
    path = _PATH.search(message)
    if path:
        pointer += pointer_of(path[1])
        message = message[: path.start()]
    for pattern, code, parameter in _CODES:
        match = pattern.search(message)
        if match is None:
            continue
        return FieldFault(pointer, code, {parameter: _param(match[1])} if parameter else {})
    expected = _EXPECTED.search(message)
    if expected is None:
        return FieldFault(pointer, "invalid")
    return FieldFault(pointer, "invalid_type", {"expected": _KINDS.get(expected[1], "other")})


def options_of(kind: Any) -> Sequence[Any]:
    """The values that a Literal or an Enum lets through, through Annotated and a union with null or UNSET; else none."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [member.value for member in kind]
    if get_origin(kind) is Literal:
        return get_args(kind)
    if get_origin(kind) is Annotated:
        return options_of(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        parts = [each for each in get_args(kind) if each not in {type(None), msgspec.UnsetType}]
        return options_of(parts[0]) if len(parts) == 1 else ()
    return ()


def _param(text: str) -> str | int:
    return int(float(text)) if re.fullmatch(r"-?[\d.]+", text) else text


def pointer_of(path: str) -> str:
    """msgspec's ``.emails[0].address`` as the JSON pointer ``/emails/0/address``."""
    return "".join(
        f"/{escape(match[1] or match[2] or '')}" for match in _STEP.finditer(path) if match[1] or match[2]
    )


def escape(name: str) -> str:
    """A member's name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
