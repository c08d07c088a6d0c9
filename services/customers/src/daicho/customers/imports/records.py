"""Delimited text into records, in one pass and with flat memory.

Quotes follow RFC 4180: a cell that begins with one ends at the next that is not doubled. A quote elsewhere is
a character like others, as Excel reads it. Two things are done for broken files: a quoted cell that never
ends, or whose end is followed by text on a later line, is taken for a quote that somebody forgot to close, so
only its first line is lost; and a line beyond the limit is cut off unread.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

from daicho.customers.imports.files import CUT_ROW, MAX_ROW

_INSIDE = re.compile(r'([^"]*+(?:""[^"]*+)*+)"')
_REREADS: Final = 3
"""A line that was read so often as a part of a cell without an end opens no such cell itself."""


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


class _Line(NamedTuple):
    """One physical line of the text."""

    number: int
    text: str
    end: str
    is_cut: bool = False
    """Whether it is the beginning of a line beyond the limit."""
    rereads: int = 0
    """How often it was read as a part of a quoted cell that then turned out to be none."""


@dataclass(slots=True)
class _Open:
    """A record whose quoted cell goes on on the next line."""

    lines: list[_Line]
    cells: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    size: int = 0


class RecordSplitter:
    """Feed it text as it comes; it yields each record as soon as that is complete. Blank lines have no cells.

    Every line is read at most :data:`_REREADS` times and once, so that the work grows with the text alone.
    """

    def __init__(self, delimiter: str, limit: int = MAX_ROW) -> None:
        self._delimiter, self._limit = delimiter, limit
        self._tail: list[str] = []
        self._tail_size = 0
        self._is_skipping = False
        self._line = 0
        self._open: _Open | None = None
        self._pending: deque[_Line] = deque()
        """Lines that are to be read, in order."""

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
            if self._open is None and '"' not in line and len(line) <= self._limit:
                line = line.removesuffix("\r")
                yield Record(self._line, line.split(self._delimiter) if line else [])
            else:
                yield from self._read_all(_Line(self._line, line, "\n"))
        self._keep(last)

    def finish(self) -> Iterator[Record]:
        """What is left at the end of the file."""
        if any(self._tail):
            yield from self._end_of_tail("", "")
        while self._open is not None:
            yield self._give_up(self._open)
            yield from self._read_all()

    def _keep(self, text: str) -> None:
        if not self._is_skipping:
            self._tail.append(text)
            self._tail_size += len(text)
            if self._tail_size > self._limit:
                self._is_skipping = True
                self._tail = ["".join(self._tail)[:CUT_ROW]]

    def _end_of_tail(self, text: str, end: str) -> Iterator[Record]:
        line, is_cut = "".join([*self._tail, text]), self._is_skipping
        self._tail, self._tail_size, self._is_skipping = [], 0, False
        self._line += 1
        yield from self._read_all(_Line(self._line, line, end, is_cut))

    def _read_all(self, *lines: _Line) -> Iterator[Record]:
        self._pending.extend(lines)
        while self._pending:
            yield from self._read(self._pending.popleft())

    def _read(self, line: _Line) -> Iterator[Record]:
        record, text = self._open, line.text
        if line.is_cut or len(text) > self._limit:
            if record is None:
                yield Record(line.number, [text[:CUT_ROW]], "too_long")
            else:
                self._pending.appendleft(line)
                yield self._give_up(record)
        elif record is not None:
            yield from self._continue(record, line)
        elif '"' in text:
            record = _Open([line])
            yield from self._settle(record, self._scan(record, text + line.end, 0))
        else:
            text = text.removesuffix("\r")
            yield Record(line.number, text.split(self._delimiter) if text else [])

    def _continue(self, record: _Open, line: _Line) -> Iterator[Record]:
        record.lines.append(line)
        record.size += len(line.text)
        closing = _INSIDE.match(line.text) if '"' in line.text else None
        if record.size > self._limit:
            yield self._give_up(record)
        elif closing is None:
            record.parts.append(line.text + line.end)
        else:
            record.parts.append(closing[1])
            yield from self._settle(record, self._scan(record, line.text + line.end, closing.end()))

    def _settle(self, record: _Open, state: _State) -> Iterator[Record]:
        if state is _State.COMPLETE:
            self._open = None
            yield Record(record.lines[0].number, record.cells)
        elif state is _State.MALFORMED or record.lines[0].rereads >= _REREADS:
            yield self._give_up(record)
        else:
            self._open = record

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

    def _give_up(self, record: _Open) -> Record:
        """Reject the line that opened the quote, and have those behind it read again."""
        self._open = None
        first, *others = record.lines
        self._pending.extendleft(each._replace(rereads=each.rereads + 1) for each in reversed(others))
        return Record(first.number, [_without_end(first.text + first.end)], "unclosed_quote")


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
