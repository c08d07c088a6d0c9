"""Read the shared strings of a workbook."""

from __future__ import annotations

from typing import Final

from daicho.tabular.faults import FileTooComplex
from daicho.tabular.xlsx_cells import MAX_CELL, SPACES
from daicho.tabular.xlsx_escapes import unescape
from daicho.tabular.xml_reader import MAX_DEPTH, Source, check_attributes, read_xml

MAX_STRINGS: Final = 64 * 1024 * 1024
"""Bytes of the part of shared strings."""
MAX_COUNT: Final = 4_000_000
_TAGS: Final = {f"{space} {tag}": tag for space in SPACES for tag in ("si", "t", "rPh")}


def read_strings(source: Source) -> list[str]:
    """The strings by number, each cut to :data:`MAX_CELL` characters, without the readings above them.

    Raises:
        FileUnreadable, FileTooLarge, FileTooComplex.
    """
    reader = _StringReader()
    for _ in read_xml(source, reader.start, reader.end, reader.text):
        pass
    return reader.strings


class _StringReader:
    def __init__(self) -> None:
        self.strings: list[str] = []
        self._parts: list[str] = []
        self._room = MAX_CELL
        self._is_text = False
        self._readings = 0
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FileTooComplex
        if attributes:
            check_attributes(attributes)
        tag = _TAGS.get(name)
        if tag == "t":
            self._is_text = not self._readings
        elif tag == "si":
            self._parts, self._room = [], MAX_CELL
            if len(self.strings) >= MAX_COUNT:
                raise FileTooComplex
        elif tag == "rPh":
            self._readings += 1

    def text(self, text: str) -> None:
        if self._is_text and self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)

    def end(self, name: str) -> None:
        self._depth -= 1
        tag = _TAGS.get(name)
        if tag == "t":
            self._is_text = False
        elif tag == "si":
            self.strings.append(unescape("".join(self._parts)))
        elif tag == "rPh":
            self._readings -= 1
