"""Merged cells: what stands in the first row of one holds for every row that it covers."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from daicho.tabular.faults import FileTooComplex
from daicho.tabular.xlsx_archive import Archive
from daicho.tabular.xlsx_cells import MAX_PLACES, MAX_REPEATED, MAX_ROWS, MAX_SHEET, ORDINARY_STRING
from daicho.tabular.xml_reader import read_elements

MAX_MERGED: Final = 100_000
"""Merged cells of a sheet that are looked at."""
_PIECE: Final = 1024 * 1024
_NAME: Final = b"mergeCell"
_RANGE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})")


class MergedCells:
    """The merged cells of a sheet, for rows that come in order."""

    def __init__(self) -> None:
        self._begin: dict[int, dict[int, int]] = defaultdict(dict)
        """By first row: the last row by column. Of two in one place the last counts."""
        self._open: dict[int, tuple[int, str]] = {}
        """By column: the last row, and the text."""
        self._count = 0
        self._repeatable = MAX_REPEATED

    def add(self, reference: str) -> None:
        """One more, such as ``A2:A9``. Raises FileTooComplex when there are too many."""
        found = _RANGE.fullmatch(reference)
        if found is None:
            return
        first, last = int(found[2]), int(found[3])
        place = _place_of(found[1])
        if first < last <= MAX_ROWS and place < MAX_PLACES:
            self._begin[first][place] = last
            self._count += 1
        if self._count > MAX_MERGED:
            raise FileTooComplex

    def fill(self, number: int, cells: list[str]) -> None:
        """Put the texts of merged cells into the empty places of row ``number``, if it has a text of its own.

        Raises:
            FileTooComplex: long texts are repeated too often.
        """
        if not self._begin and not self._open:
            return
        if self._open and any(cells):
            self._put_open(number, cells)
        for place, last in self._begin.pop(number, {}).items():
            if place < len(cells) and cells[place]:
                self._open[place] = last, cells[place]

    def _put_open(self, number: int, cells: list[str]) -> None:
        self._open = {place: each for place, each in self._open.items() if each[0] >= number}
        for place, (_, text) in self._open.items():
            cells += [""] * (place + 1 - len(cells))
            if cells[place]:
                continue
            cells[place] = text
            self._repeatable = min(self._repeatable + ORDINARY_STRING - len(text), MAX_REPEATED)
            if self._repeatable < 0:
                raise FileTooComplex


def read_merged(archive: Archive, sheet: str) -> MergedCells:
    """The merged cells of the part ``sheet``. They stand behind the rows, so the part is looked through for their name first.

    Raises:
        FileUnreadable, FileTooLarge, FileTooComplex.
    """
    merged = MergedCells()
    if not _mentions_merged(archive, sheet):
        return merged

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.endswith(" mergeCell"):
            merged.add(attributes.get("ref", ""))

    read_elements(archive.open(sheet, MAX_SHEET), start)
    return merged


def _mentions_merged(archive: Archive, sheet: str) -> bool:
    """Whether the name is there at all. What is read for it does not count as unpacked: it is read again."""
    part = archive.open(sheet, MAX_SHEET)
    size, end = 0, b""
    while piece := part.read(_PIECE):
        size += len(piece)
        if _NAME in end + piece:
            break
        end = piece[-len(_NAME) :]
    archive.spend(-size)
    return bool(piece)


def _place_of(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1
