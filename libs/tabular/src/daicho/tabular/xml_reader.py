"""Feed XML to expat within limits of size, depth and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol
from xml.parsers import expat

from daicho.tabular.faults import FileTooComplex, FileUnreadable

MAX_DEPTH: Final = 64
"""Elements inside of each other. A spreadsheet nests about ten."""
MAX_ATTRIBUTES: Final = 64
"""Attributes of one element."""
MAX_VALUE: Final = 32_768
"""Characters of one attribute."""
MAX_TOKEN: Final = 256 * 1024
"""Bytes of one tag, comment or instruction, which expat holds whole."""
_PIECE: Final = 65_536

Attributes = Mapping[str, str]
OnStart = Callable[[str, dict[str, str]], None]
OnEnd = Callable[[str], None]
OnText = Callable[[str], None]


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; none at the end."""
        ...


class EndReading(Exception):
    """A handler has seen all that it needs; the rest of the part is left unread."""


def check_attributes(attributes: Attributes) -> None:
    """Raises FileTooComplex for more or longer attributes than a spreadsheet writes."""
    if len(attributes) > MAX_ATTRIBUTES:
        raise FileTooComplex
    for value in attributes.values():
        if len(value) > MAX_VALUE:
            raise FileTooComplex


def read_xml(
    source: Source, start: OnStart, end: OnEnd | None = None, text: OnText | None = None
) -> Iterator[None]:
    """Call the handlers with what ``source`` holds; yields after each piece of it, so that results can be taken.

    Names are ``namespace name``, parted by a blank. A handler ends the reading by raising :class:`EndReading`.
    Depth is for the handlers to count, see :class:`Depth`: one of them has no time for it.

    Raises:
        FileUnreadable: this is no XML, it has a document type (which is where entities are declared), or a handler
            could not convert a value (ValueError, LookupError, OverflowError).
        FileTooComplex: a token is longer than :data:`MAX_TOKEN`.
        MemoryError: expat found no memory.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    if end is not None:
        parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    fed = 0
    try:
        while data := source.read(_PIECE):
            parser.Parse(data)
            fed += len(data)
            if fed - parser.CurrentByteIndex > MAX_TOKEN:
                raise FileTooComplex
            yield
        parser.Parse(b"", True)  # noqa: FBT003 (expat's own signature)
    except EndReading:
        pass
    except expat.ExpatError as error:
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
            raise MemoryError from None
        raise FileUnreadable from error
    except (ValueError, LookupError, OverflowError) as error:
        raise FileUnreadable from error
    yield


def read_elements(source: Source, start: OnStart, end: OnEnd | None = None) -> None:
    """Call ``start`` and ``end`` for the elements of a small part, with every limit checked.

    Raises:
        FileUnreadable, FileTooComplex: as :func:`read_xml`, or beyond a limit.
    """
    depth = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise FileTooComplex
        check_attributes(attributes)
        start(name, attributes)

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name)

    for _ in read_xml(source, on_start, on_end):
        pass


def _refuse_document_type(*_: object) -> None:
    raise FileUnreadable
