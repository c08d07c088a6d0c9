"""The file of an export, written piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

from daicho.customers.exports.schemas import ExportRequest
from daicho.customers.imports.cells import neutralise, restore
from daicho.customers.imports.sheet_writing import SheetWriter
from daicho.customers.imports.text_writing import CP932_TWINS, MARKS, line_writer
from daicho.faults import FieldFault, Invalid

Table = Sequence[Sequence[str]]
NEWLINE: Final = "\r\n"
_GETA: Final = "〓"
"""For characters that came into records after the export was found to need no substitute, and began."""
_MOST_NAMED: Final = 30


class ExportFile(Protocol):
    """A file under way."""

    def rows(self, table: Table) -> bytes:
        """More rows; answers the bytes that are ready."""
        ...

    def finish(self) -> bytes:
        """The last bytes."""
        ...


class TextFile:
    """Delimited text."""

    def __init__(self, delimiter: str, encoding: str, substitute: str | None) -> None:
        self._encoding, self._substitute = encoding, substitute
        self._line = line_writer(delimiter, NEWLINE)
        self._mark = MARKS.get(encoding, b"")

    def rows(self, table: Table) -> bytes:
        """Cells that a spreadsheet would run are made harmless; an import takes that off again."""
        lacking = lacking_in(table, self._encoding)
        if lacking:
            substitute = self._substitute or _GETA
            instead = str.maketrans({each: CP932_TWINS.get(each, substitute) for each in lacking})
            table = [[cell.translate(instead) for cell in row] for row in table]
        text = "".join([self._line([neutralise(cell) for cell in row]) for row in table])
        mark, self._mark = self._mark, b""
        return mark + text.encode("cp932" if self._encoding == "cp932" else "utf-8")

    def finish(self) -> bytes:
        """Nothing is left."""
        return b""


class SheetFile:
    """A workbook, in which nothing is ever a formula."""

    def __init__(self) -> None:
        self._writer = SheetWriter()

    def rows(self, table: Table) -> bytes:
        """Only a cell that an import would take for one made harmless gets an apostrophe more."""
        return self._writer.rows(
            [[cell if restore(cell) == cell else neutralise(cell) for cell in row] for row in table]
        )

    def finish(self) -> bytes:
        """The directory of the archive."""
        return self._writer.finish()


def file_of(given: ExportRequest) -> ExportFile:
    """The file that is asked for. Raises Invalid when its parts do not fit each other."""
    wrong = []
    if given.format == "xlsx" and given.encoding is not None:
        wrong.append(FieldFault("/encoding", "not_for_xlsx"))
    if given.substitute is not None and (
        given.encoding != "cp932" or lacking_in([[given.substitute]], "cp932")
    ):
        code = "not_encodable" if given.encoding == "cp932" else "only_for_cp932"
        wrong.append(FieldFault("/substitute", code))
    if wrong:
        raise Invalid(wrong)
    if given.format == "xlsx":
        return SheetFile()
    return TextFile("\t" if given.format == "tsv" else ",", given.encoding or "utf-8-sig", given.substitute)


def may_lack(given: ExportRequest) -> bool:
    """Whether there may be characters that the file cannot hold, with nothing to stand in their place."""
    return given.format != "xlsx" and given.encoding == "cp932" and given.substitute is None


def lacking_in(table: Table, encoding: str) -> set[str]:
    """The characters of ``table`` that ``encoding`` lacks, or gives back as others."""
    if encoding != "cp932":
        return set()
    characters: set[str] = set()
    for row in table:
        for cell in row:
            if not cell.isascii():
                characters.update(cell)
    return {each for each in characters if not _is_held(each)}


def refuse_lacking(characters: set[str]) -> None:
    """Raises Invalid, naming the ``characters`` and the ways out, when there are any."""
    if characters:
        named = " ".join(sorted(characters)[:_MOST_NAMED]) + (" …" if len(characters) > _MOST_NAMED else "")
        params: dict[str, str | int] = {"characters": named, "count": len(characters)}
        raise Invalid([FieldFault("/encoding", "characters_lacking", params)])


@lru_cache(maxsize=20_000)
def _is_held(character: str) -> bool:
    try:
        return character.encode("cp932").decode("cp932") == character
    except UnicodeError:
        return False
