"""How an uploaded file is read: its kind, encoding, delimiter and header row."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import Final

import msgspec

from daicho.faults import FieldFault, Invalid, listed

MAX_ROW: Final = 1_000_000
"""Characters of one row; a longer one is rejected."""
CUT_ROW: Final = 1_000
"""Characters that are kept of such a row."""
MAX_COLUMNS: Final = 500
DELIMITERS: Final = (",", "\t", ";", "|")


class FileKind(StrEnum):
    """How the rows are written."""

    TEXT = "text"
    XLSX = "xlsx"


class FileFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How to read a file. Detection proposes it and the user may correct it.

    ``header_row`` counts from 1 as a spreadsheet does (blank rows and titles included); 0 says that there is
    no header. ``encoding`` and ``delimiter`` are None for xlsx. ``newline`` is what the file itself uses: a
    lone CR, as Excel writes for the Macintosh, only where no LF is.
    """

    kind: FileKind = FileKind.TEXT
    encoding: str | None = "utf-8"
    delimiter: str | None = ","
    header_row: int = 1
    newline: str = "\r\n"


_ALIASES: Final = {
    "cp932": "cp932",
    "sjis": "cp932",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "ms932": "cp932",
    "windows-31j": "cp932",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16be": "utf-16-be",
    "euc-jp": "euc-jp",
    "eucjp": "euc-jp",
    "iso-2022-jp": "iso-2022-jp",
    "jis": "iso-2022-jp",
}
ENCODINGS: Final = tuple(dict.fromkeys(_ALIASES.values()))
"""The encodings that files come in; ``utf-16`` has a byte order mark, the other two have none."""


def read_encoding(name: str) -> str | None:
    """The encoding that ``name`` means (Shift_JIS is CP932, as Excel writes it), or None."""
    return _ALIASES.get(name.strip().lower().replace("_", "-")) or _ALIASES.get(name.strip().lower())


MAX_HEADER_ROW: Final = 1_000


def corrected(
    file: FileFormat,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_row: int | None = None,
) -> FileFormat:
    """``file`` with what the user says instead of what was detected; None leaves a part as it is.

    A sheet has neither encoding nor delimiter, so for it both are refused.

    Raises:
        Invalid: with a fault at ``/encoding``, ``/delimiter`` or ``/header_row``.
    """
    faults = []
    is_text = file.kind is FileKind.TEXT
    chosen = read_encoding(encoding) if encoding is not None else file.encoding
    if encoding is not None and (chosen is None or not is_text):
        faults.append(
            FieldFault("/encoding", "unknown_option", {"options": listed(ENCODINGS if is_text else [])})
        )
    if delimiter is not None and (delimiter not in DELIMITERS or not is_text):
        known = listed([f'"{each}"' for each in DELIMITERS] if is_text else []).replace("\t", "\\t")
        faults.append(FieldFault("/delimiter", "unknown_option", {"options": known}))
    if header_row is not None and header_row < 0:
        faults.append(FieldFault("/header_row", "too_small", {"minimum": 0}))
    if header_row is not None and header_row > MAX_HEADER_ROW:
        faults.append(FieldFault("/header_row", "too_large", {"maximum": MAX_HEADER_ROW}))
    if faults:
        raise Invalid(faults)
    return msgspec.structs.replace(
        file,
        encoding=chosen,
        delimiter=delimiter if delimiter is not None else file.delimiter,
        header_row=header_row if header_row is not None else file.header_row,
    )


KEEPING: Final = "daicho.keeping"
"""An error handler: a byte that does not decode becomes one lone surrogate, which encodes back to that byte."""

BROKEN: Final = re.compile("[\udc00-\udcff]")
"""A byte that did not decode."""


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    if isinstance(error, UnicodeEncodeError):
        return b"".join(map(_byte, error.object[error.start : error.end])), error.end
    raise error


def _byte(character: str) -> bytes:
    return bytes([ord(character) - 0xDC00]) if BROKEN.match(character) else b"?"


def open_decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder of ``encoding`` that keeps the bytes that it cannot decode (see :data:`KEEPING`)."""
    codecs.register_error(KEEPING, _keep)
    return codecs.getincrementaldecoder(encoding)(KEEPING)


def encode(text: str, encoding: str) -> bytes:
    """``text`` in ``encoding`` without a byte order mark; kept bytes come back, what it lacks becomes ``?``."""
    codecs.register_error(KEEPING, _keep)
    if encoding.startswith("utf-16") or encoding == "iso-2022-jp":
        encoding = "utf-16-le" if encoding == "utf-16" else encoding
        return BROKEN.sub("\ufffd", text).encode(encoding, "replace")
    return text.encode("utf-8" if encoding == "utf-8-sig" else encoding, KEEPING)
