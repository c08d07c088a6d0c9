"""Delimited text into records, in one pass and with flat memory.

Quotes follow RFC 4180: a cell that begins with one ends at the next that is not doubled. A quote elsewhere is
a character like others, as Excel reads it. Two things are done for broken files: a quoted cell that never
ends, or whose end is followed by text on a later line, is taken for a quote that somebody forgot to close, so
only its first line is lost; and a line beyond the limit is cut off unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from daicho.customers.imports.files import MAX_ROW

_INSIDE = re.compile(r'([^"]*+(?:""[^"]*+)*+)"')
_CUT = 1_000


@dataclass(slots=True)
class Record:
    """The cells of one record and the physical line on which it begins."""

    line: int
    cells: list[str]
    fault: str | None = None


class _State(Enum):
    COMPLETE = auto()
    OPEN = auto()
    MALFORMED = auto()


@dataclass(slots=True)
class _Open:
    """A record whose quoted cell goes on on the next line."""

    line: int
    cells: list[str]
    parts: list[str]
    lines: list[str] = field(default_factory=list)
    size: int = 0


class RecordSplitter:
    """Feed it text as it comes; it yields each record as soon as that is complete. Blank lines have no cells."""

    def __init__(self, delimiter: str, limit: int = MAX_ROW) -> None:
        self._delimiter, self._limit = delimiter, limit
        self._tail: list[str] = []
        self._tail_size = 0
        self._is_skipping = False
        self._line = 0
        self._open: _Open | None = None

    def feed(self, text: str) -> Iterator[Record]:
        """The records that ``text`` completes."""
        first, found, rest = text.partition("\n")
        if not found:
            self._keep(text)
            return
        lines = rest.split("\n")
        last = lines.pop()
        yield from self._end_of_tail(first, "\n")
        for line in lines:
            self._line += 1
            yield from self._take(self._line, line, "\n")
        self._keep(last)

    def finish(self) -> Iterator[Record]:
        """What is left at the end of the file."""
        if any(self._tail):
            yield from self._end_of_tail("", "")
        while self._open is not None:
            yield from self._give_up()

    def _keep(self, text: str) -> None:
        if not self._is_skipping:
            self._tail.append(text)
            self._tail_size += len(text)
            if self._tail_size > self._limit:
                self._is_skipping = True
                self._tail = ["".join(self._tail)[:_CUT]]

    def _end_of_tail(self, text: str, end: str) -> Iterator[Record]:
        line, was_skipping = "".join([*self._tail, text]), self._is_skipping
        self._tail, self._tail_size, self._is_skipping = [], 0, False
        self._line += 1
        if was_skipping:
            yield from self._refuse(self._line, line)
        else:
            yield from self._take(self._line, line, end)

    def _refuse(self, number: int, line: str) -> Iterator[Record]:
        while self._open is not None:
            yield from self._give_up()
        yield Record(number, [line[: min(_CUT, self._limit)]], "too_long")

    def _take(self, number: int, line: str, end: str) -> Iterator[Record]:
        if len(line) > self._limit:
            yield from self._refuse(number, line)
        elif self._open is not None:
            yield from self._continue(self._open, line, end)
        elif '"' in line:
            record = _Open(number, [], [], [line + end])
            yield from self._settle(record, self._scan(record, line + end, 0))
        else:
            line = line.removesuffix("\r")
            yield Record(number, line.split(self._delimiter) if line else [])

    def _continue(self, record: _Open, line: str, end: str) -> Iterator[Record]:
        record.lines.append(line + end)
        record.size += len(line)
        closing = _INSIDE.match(line) if '"' in line else None
        if record.size > self._limit:
            yield from self._give_up()
        elif closing is None:
            record.parts.append(line + end)
        else:
            record.parts.append(closing[1])
            yield from self._settle(record, self._scan(record, line + end, closing.end()))

    def _settle(self, record: _Open, state: _State) -> Iterator[Record]:
        if state is _State.COMPLETE:
            self._open = None
            yield Record(record.line, record.cells)
            return
        self._open = record
        if state is _State.MALFORMED:
            yield from self._give_up()

    def _scan(self, record: _Open, text: str, at: int) -> _State:
        """Add the cells of ``text`` from ``at`` on, which is behind a closing quote when there are parts."""
        delimiter, last = self._delimiter, len(_without_end(text))
        while True:
            if record.parts:
                at = self._close(record, text, at, last)
                if at < 0:
                    return _State.MALFORMED
            elif text.startswith('"', at):
                closing = _INSIDE.match(text, at + 1)
                if closing is None:
                    record.parts = [text[at + 1 :]]
                    return _State.OPEN
                record.parts, at = [closing[1]], closing.end()
                continue
            else:
                found = text.find(delimiter, at)
                end = found if found >= 0 else last
                record.cells.append(text[at:end])
                at = end
            if not text.startswith(delimiter, at):
                return _State.COMPLETE
            at += 1

    def _close(self, record: _Open, text: str, at: int, last: int) -> int:
        """End the quoted cell whose closing quote is before ``at``; the line's content goes to ``last``.

        Answers where the cell ends with what strays behind its quote; -1 when that is on a later line.
        """
        cell = "".join(record.parts).replace('""', '"')
        record.parts = []
        if at < last and not text.startswith(self._delimiter, at):
            if len(record.lines) > 1:
                return -1
            found = text.find(self._delimiter, at)
            after = found if found >= 0 else last
            cell, at = cell + text[at:after], after
        record.cells.append(cell)
        return at

    def _give_up(self) -> Iterator[Record]:
        """Reject the line that opened the quote, and read again those behind it."""
        record, self._open = self._open, None
        if record is None:
            return
        yield Record(record.line, [_without_end(record.lines[0])], "unclosed_quote")
        for number, line in enumerate(record.lines[1:], record.line + 1):
            end = "\n" if line.endswith("\n") else ""
            yield from self._take(number, line.removesuffix("\n"), end)


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
