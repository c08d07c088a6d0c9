"""From what msgspec refused to every field that is wrong.

msgspec stops at the first error. Only when it has found one is the body looked at member by member, so a
good request costs nothing.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from litestar import Request

from daicho.faults import FieldFault, Malformed

_PATH: Final = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_CODES: Final[Sequence[tuple[re.Pattern[str], str, str | None]]] = (
    (re.compile(r"Object missing required field `(.+)`"), "required", None),
    (re.compile(r"Object contains unknown field `(.+)`"), "unknown_field", None),
    (re.compile(r"of length >= (\d+)"), "too_short", "minimum"),
    (re.compile(r"of length <= (\d+)"), "too_long", "maximum"),
    (re.compile(r"Expected `(?:int|float)` >= (-?[\d.]+)"), "too_small", "minimum"),
    (re.compile(r"Expected `(?:int|float)` <= (-?[\d.]+)"), "too_large", "maximum"),
    (re.compile(r"Invalid enum value|Expected `(?:'.*'|\d+)`"), "unknown_option", None),
    (re.compile(r"Invalid UUID"), "invalid", None),
    (re.compile(r"Invalid RFC3339 encoded date"), "invalid_date", None),
    (re.compile(r"Invalid RFC3339"), "invalid_datetime", None),
    (re.compile(r"Expected"), "invalid_type", None),
)
MOST: Final = 100
"""Faults of one body that are told."""


def faults_of_body(request: Request[Any, Any, Any]) -> list[FieldFault]:
    """What is wrong with the JSON body of ``request``, by its handler's type. Raises Malformed when it is no JSON."""
    field = request.route_handler.parsed_data_field
    try:
        body = msgspec.json.decode(read_body(request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed from None
    if field is None:
        return []
    return list(_examine(body, field.raw, ""))[:MOST] or [FieldFault("", "invalid")]


def read_body(request: Request[Any, Any, Any]) -> bytes:
    """The body that the refused decoding has read already; empty where it has not."""
    body = request._body  # noqa: SLF001 an exception handler cannot await
    return body if isinstance(body, bytes) else b""


def faults_of_parameters(extra: Iterable[Any]) -> list[FieldFault]:
    """What is wrong with query parameters and headers; the pointer is the parameter's name."""
    return [
        FieldFault(f"/{entry.get('key', '')}", fault.code, fault.params)
        for entry in extra
        for fault in [fault_of(str(entry.get("message", "")), "")]
    ]


def fault_of(message: str, pointer: str) -> FieldFault:
    """msgspec's error text as a fault at or below ``pointer``."""
    path = _PATH.search(message)
    if path:
        pointer += pointer_of(path[1])
        message = message[: path.start()]
    for pattern, code, parameter in _CODES:
        match = pattern.search(message)
        if match is None:
            continue
        if code in {"required", "unknown_field"}:
            return FieldFault(f"{pointer}/{escape(match[1])}", code)
        return FieldFault(pointer, code, {parameter: _number(match[1])} if parameter else {})
    return FieldFault(pointer, "invalid")


def pointer_of(path: str) -> str:
    """msgspec's ``.emails[0].address`` as the JSON pointer ``/emails/0/address``."""
    return "".join(
        f"/{escape(match[1] or match[2] or '')}" for match in _STEP.finditer(path) if match[1] or match[2]
    )


def escape(name: str) -> str:
    """A member's name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _examine(value: Any, kind: Any, pointer: str) -> Iterable[FieldFault]:
    """Every fault of ``value`` as a ``kind``: struct by struct and member by member."""
    struct = _struct_of(kind)
    if struct is None or not isinstance(value, dict):
        yield from _convert(value, kind, pointer)
        return
    known = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if struct.__struct_config__.forbid_unknown_fields:
        for name in value.keys() - known.keys():
            yield FieldFault(f"{pointer}/{escape(name)}", "unknown_field")
    for name, field in known.items():
        if name in value:
            yield from _examine(value[name], field.type, f"{pointer}/{escape(name)}")
        elif field.required:
            yield FieldFault(f"{pointer}/{escape(name)}", "required")


def _convert(value: Any, kind: Any, pointer: str) -> Iterable[FieldFault]:
    item = _item_of(kind)
    if item is not None and isinstance(value, list) and _struct_of(item) is not None:
        for place, each in enumerate(value):
            yield from _examine(each, item, f"{pointer}/{place}")
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        fault = fault_of(str(error), pointer)
        # Members of items were named above already.
        if item is None or fault.pointer == pointer:
            yield fault
    except RecursionError:
        yield FieldFault(pointer, "invalid")


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """The struct in ``kind``, through Annotated and through a union with null or UNSET."""
    if get_origin(kind) is Annotated:
        return _struct_of(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        found = [struct for each in get_args(kind) if (struct := _struct_of(each)) is not None]
        return found[0] if len(found) == 1 else None
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _item_of(kind: Any) -> Any:
    """The items' type of a list, through Annotated and unions; None for anything else."""
    if get_origin(kind) is Annotated:
        return _item_of(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return next((item for each in get_args(kind) if (item := _item_of(each)) is not None), None)
    if get_origin(kind) in {list, tuple} and get_args(kind):
        return get_args(kind)[0]
    return None


def _number(text: str) -> int:
    return int(float(text))
