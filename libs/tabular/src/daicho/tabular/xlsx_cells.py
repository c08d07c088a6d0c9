"""Read the cells of one worksheet, row by row with flat memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from daicho.tabular.faults import FileTooComplex, FileUnreadable
from daicho.tabular.number_formats import NumberFormat, show_number
from daicho.tabular.serial_dates import show_moment
from daicho.tabular.xlsx_escapes import unescape
from daicho.tabular.xml_reader import MAX_DEPTH, EndReading, Source, check_attributes, read_xml

MAX_SHEET: Final = 512 * 1024 * 1024
"""Bytes of the part of a worksheet."""
MAX_ROWS: Final = 1_048_576
"""Rows that a sheet can have, empty ones included."""
MAX_CELL: Final = 32_767
"""Characters that a cell can have. More are not kept: whatever field it is for finds what is left too long."""
ORDINARY_STRING: Final = 1_000
MAX_REPEATED: Final = 16_000_000
"""Characters that the shared strings of a sheet may have beyond :data:`ORDINARY_STRING` a cell. Such a string is stored
once, and a file of 3 kB could repeat it for 160 million characters."""
MAX_PLACES: Final = 16_384
"""Columns that a sheet can have: A to XFD."""
SPACES: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_TAGS: Final = {
    f"{space} {tag}": tag for space in SPACES for tag in ("row", "c", "v", "t", "rPh", "sheetData")
}
_BOOLEANS: Final = {"0": "FALSE", "1": "TRUE"}
_LONGEST_REFERENCE: Final = 16
"""Characters of a cell's place; ``XFD1048576`` has ten."""

Row = tuple[int, list[str]]
"""The number of a row, from 1, and the texts of its cells, as far as the last one."""


class SheetParser:
    """Reads the rows of a sheet that have cells.

    ``strings`` are the workbook's shared strings; ``formats`` what cell styles make of numbers, days
    counted from ``epoch``. Cells beyond ``columns`` are read as one more.
    """

    def __init__(
        self,
        strings: Sequence[str],
        formats: Mapping[int, NumberFormat],
        epoch: dt.datetime,
        *,
        columns: int,
    ) -> None:
        self._strings, self._formats, self._epoch, self._columns = strings, formats, epoch, columns
        self._rows: list[Row] = []
        self._number = 0
        self._cells: list[str] = []
        self._place = -1
        self._type, self._style = "n", 0
        self._text: list[str] = []
        self._room = MAX_CELL
        self._is_text = self._is_row = self._is_cell = False
        self._phonetic = 0
        self._depth = 0
        """Elements of other names that are open."""
        self._places: dict[str, int] = {}
        self._repeatable = MAX_REPEATED
        self._readers: dict[str, Callable[[str], str]] = {
            "s": self._shared_string,
            "n": self._read_number,
            "b": lambda text: _BOOLEANS.get(text, text),
            "d": _iso_date,
            "str": unescape,
            "inlineStr": unescape,
        }

    def parse(self, source: Source) -> Iterator[Row]:
        """The rows of ``source`` as they come; what follows the last row is not read.

        Raises:
            FileUnreadable: the XML is broken, a value is not what its cell says, or rows are not in order.
            FileTooComplex: elements are nested, or have attributes, as in no sheet; or long strings are repeated too often.
        """
        for _ in read_xml(source, self._start, self._end, self._characters):
            yield from self._rows
            self._rows = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = _TAGS.get(name)
        if tag == "c":
            self._start_cell(attributes)
        elif tag in ("v", "t"):
            if self._is_text:
                raise FileTooComplex
            if attributes:
                check_attributes(attributes)
            self._is_text = not self._phonetic
        elif tag == "row":
            self._start_row(attributes)
        else:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise FileTooComplex
            if attributes:
                check_attributes(attributes)
            if tag == "rPh":
                self._phonetic += 1

    def _start_row(self, attributes: dict[str, str]) -> None:
        if self._is_row or len(attributes) > MAX_DEPTH:
            raise FileTooComplex
        number = int(attributes.get("r", self._number + 1))
        if not self._number < number <= MAX_ROWS:
            raise FileUnreadable
        self._number, self._cells, self._place, self._is_row = number, [], -1, True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if self._is_cell or len(attributes) > MAX_DEPTH:
            raise FileTooComplex
        self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", 0))
        reference = attributes.get("r")
        self._place = self._place_of(reference) if reference else self._place + 1
        self._text, self._room, self._is_cell = [], MAX_CELL, True

    def _characters(self, text: str) -> None:
        if self._is_text and self._room > 0:
            self._text.append(text[: self._room])
            self._room -= len(text)

    def _end(self, name: str) -> None:
        tag = _TAGS.get(name)
        if tag in ("v", "t"):
            self._is_text = False
        elif tag == "c":
            self._is_cell = False
            if self._text:
                self._put(self._value("".join(self._text)))
        elif tag == "row":
            self._is_row = False
            if self._cells:
                self._rows.append((self._number, self._cells))
        else:
            self._depth -= 1
            if tag == "rPh":
                self._phonetic -= 1
            elif tag == "sheetData":
                raise EndReading

    def _value(self, text: str) -> str:
        read = self._readers.get(self._type)
        return read(text) if read else text

    def _put(self, text: str) -> None:
        place = min(self._place, self._columns)
        missing = place - len(self._cells)
        if missing > 0:
            self._cells += [""] * missing
        if missing >= 0:
            self._cells.append(text)
        else:
            self._cells[place] = text

    def _place_of(self, reference: str) -> int:
        if len(reference) > _LONGEST_REFERENCE:
            raise FileUnreadable
        letters = reference.rstrip("0123456789")
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters:
                if not "A" <= letter <= "Z":
                    raise FileUnreadable
                place = place * 26 + ord(letter) - 64
            if not 1 <= place <= MAX_PLACES:
                raise FileUnreadable
            place -= 1
            self._places[letters] = place
        return place

    def _shared_string(self, text: str) -> str:
        string = self._strings[int(text)]
        self._repeatable = min(self._repeatable + ORDINARY_STRING - len(string), MAX_REPEATED)
        if self._repeatable < 0:
            raise FileTooComplex
        return string

    def _read_number(self, text: str) -> str:
        shown = self._formats.get(self._style)
        return shown.show(text, self._epoch) if shown is not None else show_number(text)


def _iso_date(text: str) -> str:
    """A date that the file has as text; what is none stands as it is, for its row to be told."""
    try:
        return show_moment(dt.datetime.fromisoformat(text.removesuffix("Z")))
    except ValueError:
        return text
