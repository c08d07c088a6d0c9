"""Every fault in the shape of a body, and what of the body is sound.

msgspec stops at the first error. Only when it has found one is the body looked at member by member, so a good
request costs nothing. What is sound is kept as the type that the handler names, with a stand-in wherever
something is wrong, so that the handler's own checks can say what is wrong with the rest in the same answer.

The examination ends at :data:`MOST` faults or :data:`MOST_EXAMINED` values, whichever comes first, and a list that is
too long is refused without a look at its items, so its cost does not grow with the body.
"""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Annotated, Any, Final, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from daicho.faults import FieldFault, listed
from daicho.web.decoding import escape, fault_of, options_of

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MOST: Final = 100
"""Faults of one body that are told."""
MOST_EXAMINED: Final = 5_000
"""Values of one body that are looked at; about 15 ms of work."""
MOST_NESTED: Final = 64
"""Levels of one body that are looked at."""
LONGEST_NAME: Final = 100
"""Characters of a member's name that a pointer shows."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """``body`` is of the handler's type, with stand-ins in place of what ``faults`` are about."""

    body: Any
    faults: tuple[FieldFault, ...]
    examined: int = 0
    """Values that were looked at."""
    is_complete: bool = True
    """Whether all of it was looked at. ``body`` is None otherwise."""

    @property
    def is_whole(self) -> bool:
        """Whether all of it was looked at, and it is an object, of which members can be sound."""
        return self.is_complete and all(fault.pointer for fault in self.faults)

    def is_sound(self, pointer: str) -> bool:
        """Whether nothing is wrong with the shape of what is at ``pointer``, above it or below it."""
        return not any(_touch(pointer, fault.pointer) for fault in self.faults)

    def with_faults(self, found: Sequence[FieldFault]) -> list[FieldFault]:
        """Faults of the shape and what was ``found`` in sound places: what is said of a stand-in is nobody's fault."""
        return [*self.faults, *(each for each in found if self.is_sound(each.pointer))][:MOST]


def salvage(value: Any, kind: Any) -> Salvaged:
    """``value``, decoded JSON, as a ``kind``."""
    examination = _Examination()
    try:
        body = examination.take(value, kind, "")
    except _Ended:
        return Salvaged(None, tuple(examination.faults), examination.examined, is_complete=False)
    return Salvaged(body, tuple(examination.faults), examination.examined)


def _touch(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


class _Ended(Exception):
    """The examination has reached one of its limits."""


class _Examination:
    """A walk through a value beside its type, which writes down what is wrong and goes on.

    Raises _Ended at :data:`MOST` faults, :data:`MOST_EXAMINED` values or :data:`MOST_NESTED` levels.
    """

    def __init__(self) -> None:
        self.faults: list[FieldFault] = []
        self.examined = 0
        self._level = 0

    def take(self, value: Any, kind: Any, pointer: str) -> Any:
        """``value`` as ``kind``, or a stand-in."""
        self.examined += 1
        if self.examined > MOST_EXAMINED or self._level >= MOST_NESTED:
            raise _Ended
        self._level += 1
        taken = self._take(value, kind, pointer)
        self._level -= 1
        return taken

    def _take(self, value: Any, kind: Any, pointer: str) -> Any:
        plain, lengths = _plain(kind)
        origin, inner = get_origin(plain), get_args(plain)
        if isinstance(value, dict) and isinstance(plain, type) and issubclass(plain, msgspec.Struct):
            return self._members(value, plain, pointer)
        if isinstance(value, list) and (plain is Any or (origin in {list, tuple} and inner)):
            if self._is_too_long(value, lengths, pointer):
                return stand_in(kind)
            items = [
                self.take(each, inner[0] if inner else Any, f"{pointer}/{place}")
                for place, each in enumerate(value)
            ]
            return items if origin is None else origin(items)
        if isinstance(value, dict) and (origin is dict or plain is Any):
            if self._is_too_long(value, lengths, pointer):
                return stand_in(kind)
            return self._entries(value, inner[1] if inner else Any, pointer)
        if isinstance(value, str) and CONTROL.search(value):
            self._fault(FieldFault(pointer, "control_character"))
            return stand_in(kind)
        return self._convert(value, kind, pointer)

    def _fault(self, fault: FieldFault) -> None:
        self.faults.append(fault)
        if len(self.faults) >= MOST:
            raise _Ended

    def _is_too_long(self, value: Sized, lengths: Sequence[Any], pointer: str) -> bool:
        """Whether a list or an object has more or fewer members than its type takes; then that is its fault."""
        if not lengths:
            return False
        before = len(self.faults)
        # A length that is wrong is said by msgspec in the words that it has for lists and objects.
        self._convert([None] * len(value), Annotated[(list[Any], *lengths)], pointer)
        return len(self.faults) > before

    def _members(self, value: Mapping[str, Any], struct: type[msgspec.Struct], pointer: str) -> Any:
        known = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        if struct.__struct_config__.forbid_unknown_fields:
            names = {"known": listed(known)}
            for name in value:
                if name not in known:
                    self._fault(FieldFault(f"{pointer}/{step(name)}", "unknown_field", names))
        members = {}
        for name, field in known.items():
            place = f"{pointer}/{escape(name)}"
            if name not in value:
                if field.required:
                    self._fault(FieldFault(place, "required"))
                    members[field.name] = stand_in(field.type)
                continue
            before = len(self.faults)
            taken = self.take(value[name], field.type, place)
            # In place of a value that is wrong as a whole its default says less than any other.
            if field.required or all(fault.pointer != place for fault in self.faults[before:]):
                members[field.name] = taken
        return struct(**members)

    def _entries(self, value: Mapping[str, Any], kind: Any, pointer: str) -> dict[str, Any]:
        sound = {}
        for name, each in value.items():
            before = len(self.faults)
            if CONTROL.search(name):
                self._fault(FieldFault(pointer, "control_character"))
            taken = self.take(each, kind, f"{pointer}/{step(name)}")
            if len(self.faults) == before:
                sound[name] = taken
        return sound

    def _convert(self, value: Any, kind: Any, pointer: str) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._fault(fault_of(str(error), kind, pointer))
        return stand_in(kind)


def step(name: str) -> str:
    """A member's name, as a client wrote it, as a step of a pointer: cut when it is long."""
    return escape(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…")


def _plain(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without Annotated, null and UNSET, and what Annotated said; a true union as it is."""
    if get_origin(kind) is Annotated:
        plain, meta = _plain(get_args(kind)[0])
        return plain, (*meta, *kind.__metadata__)
    if get_origin(kind) in {Union, types.UnionType}:
        parts = [each for each in get_args(kind) if each not in {type(None), UnsetType}]
        return _plain(parts[0]) if len(parts) == 1 else (kind, ())
    return kind, ()


_STAND_INS: Final[Mapping[Any, Any]] = {
    str: "",
    int: 0,
    float: 0.0,
    bool: False,
    UUID: UUID(int=0),
    dt.date: dt.date.min,
    dt.datetime: dt.datetime.min.replace(tzinfo=dt.UTC),
}


def stand_in(kind: Any) -> Any:
    """A value of ``kind``'s type that says nothing."""
    if get_origin(kind) in {Union, types.UnionType}:
        parts = get_args(kind)
        return UNSET if UnsetType in parts else None if type(None) in parts else stand_in(parts[0])
    plain, _ = _plain(kind)
    if options := options_of(plain):
        return msgspec.convert(options[0], plain)
    origin = get_origin(plain) or plain
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        required = [field for field in msgspec.structs.fields(origin) if field.required]
        return origin(**{field.name: stand_in(field.type) for field in required})
    if origin in {list, dict, tuple}:
        return origin()
    return _STAND_INS.get(origin)
