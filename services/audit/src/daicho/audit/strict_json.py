"""Reading JSON lines of unknown origin: bounded in length, and refused for one reason, :class:`LineInvalid`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, TypeVar

import msgspec

LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes of a line, and of a whole proof. The largest entry that the service writes is about 1.4 MB."""

T = TypeVar("T")
_Pairs = list[tuple[str, Any]]


class LineInvalid(Exception):
    """Bytes that are not the JSON that was expected."""


def read_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of ``file``. Of a line longer than :data:`LONGEST_LINE` one byte more than that, and no rest."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


def joined(lines: Iterable[bytes]) -> bytes:
    """``lines`` as one text. Raises :class:`LineInvalid` when together they exceed :data:`LONGEST_LINE`."""
    parts, size = [], 0
    for line in lines:
        size += len(line)
        _refuse_long(size)
        parts.append(line)
    return b"".join(parts)


def strict_decoder(kind: Any) -> Callable[[bytes], Any]:
    """A function that decodes one ``kind`` (msgspec structs) and raises :class:`LineInvalid`.

    A key that is repeated in one object is refused: two readers could each take another of its values.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(line: bytes) -> Any:
        _refuse_long(len(line))
        try:
            value = decode(line)
            if msgspec.json.encode(value) != line.removesuffix(b"\n"):
                json.loads(line, object_pairs_hook=_unrepeated)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LineInvalid(str(error)) from None
        return value

    return read


def _refuse_long(size: int) -> None:
    if size > LONGEST_LINE:
        raise LineInvalid(f"it is longer than {LONGEST_LINE} bytes")


def _unrepeated(pairs: _Pairs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found
