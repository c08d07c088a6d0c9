"""The cells of one worksheet's XML, row by row with flat memory.

openpyxl knows the workbook (shared strings, styles, the epoch of its dates) and also reads sheets, but at a
fifth of this speed, which 100,000 rows make felt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO, Final
from xml.parsers import expat

from openpyxl.utils.datetime import from_excel

from daicho.customers.imports.files import MAX_COLUMNS, FileUnreadable

MAX_ROWS: Final = 1_048_576
"""Rows that a sheet can have; one that numbers a row higher was not written by a spreadsheet."""
MAX_CELL: Final = 32_767
"""Characters that a cell can have. More are not kept: whatever field it is for finds what is left too long."""
MAX_TOKEN: Final = 1_000_000
"""Bytes of one tag with its attributes, which the XML parser holds whole."""

_SPACES: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_TAGS: Final = {f"{space} {tag}": tag for space in _SPACES for tag in ("row", "c", "v", "t", "rPh")}
_BOOLEANS: Final = {"0": "FALSE", "1": "TRUE"}

Row = tuple[int, list[str]]


class SheetParser:
    """Yields the rows of a sheet that have cells: number and texts, as far as the last cell.

    ``strings`` are the workbook's shared strings; ``dates`` the styles that show a number as a date, counted
    from ``epoch``. Cells beyond the column limit are read as one more.
    """

    def __init__(self, strings: Sequence[str], dates: Collection[int], epoch: dt.datetime) -> None:
        self._strings, self._dates, self._epoch = strings, dates, epoch
        self._rows: list[Row] = []
        self._number = 0
        self._cells: list[str] = []
        self._place = -1
        self._type, self._style = "n", 0
        self._text: list[str] = []
        self._room = MAX_CELL
        self._is_text = False
        self._phonetic = 0
        self._places: dict[str, int] = {}
        self._readers: dict[str, Callable[[str], str]] = {
            "s": lambda text: self._strings[int(text)],
            "n": self._read_number,
            "b": lambda text: _BOOLEANS.get(text, text),
            "d": _iso_date,
        }

    def parse(self, source: IO[bytes]) -> Iterator[Row]:
        """The rows of ``source`` as they come.

        Raises:
            expat.ExpatError, ValueError, IndexError: the XML is broken.
            FileUnreadable: its rows are not in order, or more than a sheet can have, or a tag has no end.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        fed = 0
        while data := source.read(65_536):
            parser.Parse(data)
            fed += len(data)
            if fed - parser.CurrentByteIndex > MAX_TOKEN:
                raise FileUnreadable
            yield from self._rows
            self._rows = []
        parser.Parse(b"", True)  # noqa: FBT003 (expat's own signature)
        yield from self._rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = _TAGS.get(name)
        if tag == "c":
            self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", 0))
            reference = attributes.get("r")
            self._place = self._place_of(reference) if reference else self._place + 1
            self._text, self._room = [], MAX_CELL
        elif tag in ("v", "t"):
            self._is_text = not self._phonetic
        elif tag == "row":
            number = int(attributes.get("r", self._number + 1))
            if not self._number < number <= MAX_ROWS:
                raise FileUnreadable
            self._number, self._cells, self._place = number, [], -1
        elif tag == "rPh":
            self._phonetic += 1

    def _characters(self, text: str) -> None:
        if self._is_text and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        tag = _TAGS.get(name)
        if tag in ("v", "t"):
            self._is_text = False
        elif tag == "c":
            if self._text:
                self._put(self._value("".join(self._text)))
        elif tag == "row":
            self._rows.append((self._number, self._cells))
        elif tag == "rPh":
            self._phonetic -= 1

    def _value(self, text: str) -> str:
        read = self._readers.get(self._type)
        text = read(text) if read else text
        return text.replace("_x000D_", "") if "_x000D_" in text else text

    def _put(self, text: str) -> None:
        place = min(self._place, MAX_COLUMNS)
        missing = place - len(self._cells)
        if missing > 0:
            self._cells += [""] * missing
        if missing >= 0:
            self._cells.append(text)
        else:
            self._cells[place] = text

    def _place_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters[:4]:
                place = place * 26 + ord(letter) - 64
            if place < 1:
                raise FileUnreadable
            place -= 1
            self._places[letters] = place
        return place

    def _read_number(self, text: str) -> str:
        if self._style in self._dates:
            return show_moment(from_excel(float(text), self._epoch))
        if text.isdigit():
            return text
        number = float(text)
        return str(int(number)) if number.is_integer() else repr(number)


def _iso_date(text: str) -> str:
    return show_moment(dt.datetime.fromisoformat(text.removesuffix("Z")))


def show_moment(value: object) -> str:
    """A date, a moment or a time of day as text; midnight is not mentioned."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)
