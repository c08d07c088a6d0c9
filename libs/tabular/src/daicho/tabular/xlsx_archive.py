"""Read the parts of an xlsx archive within limits.

The sizes that the archive declares are not trusted: each part has a limit on the bytes that are read from it,
and all parts together have one. Parts that are not needed are never opened.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from itertools import pairwise
from typing import IO, Final

from daicho.tabular.faults import FileTooComplex, FileTooLarge, FileUnreadable, FileUnsupported

MAX_UNPACKED: Final = 512 * 1024 * 1024
"""Bytes that all parts together may declare, and that may be read from all parts together."""
MAX_ENTRIES: Final = 10_000
"""Entries of the archive. A workbook has a few parts for each sheet, and one for each picture."""
_LOCAL_HEADER: Final = 30
"""Bytes of an entry's header before its name (APPNOTE.TXT 4.3.7)."""
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile,
    struct.error,
    ValueError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    EOFError,
)
"""Raised by zipfile for archives that are none."""


class Archive:
    """The parts of an open archive by name. Names are compared without case, as OPC does (ECMA-376-2, 6.2.2.3)."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read the directory of ``file``.

        Raises:
            FileUnsupported: this is no zip archive.
            FileUnreadable: two entries have the same name, or share bytes.
            FileTooComplex: there are more than :data:`MAX_ENTRIES`.
            FileTooLarge: the sizes that the entries declare are more than :data:`MAX_UNPACKED` together.
        """
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise FileUnsupported from error
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise FileTooComplex
        self._entries = {entry.filename.lower(): entry for entry in entries}
        if len(self._entries) < len(entries) or _overlap(entries):
            raise FileUnreadable
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise FileTooLarge(limit=MAX_UNPACKED)
        self._left = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def open(self, name: str, limit: int) -> Part:
        """The part ``name``, of which at most ``limit`` bytes can be read.

        Raises:
            FileUnreadable: there is no such part, or it is packed in a way that xlsx does not use.
            FileUnsupported: it is encrypted.
            FileTooLarge: it declares more bytes than ``limit``.
        """
        entry = self._entries.get(name.lower())
        if entry is None or entry.compress_type not in _METHODS:
            raise FileUnreadable
        if entry.flag_bits & _ENCRYPTED:
            raise FileUnsupported
        if entry.file_size > limit:
            raise FileTooLarge(limit=limit)
        try:
            return Part(self, self._zip.open(entry), limit)
        except _BROKEN as error:
            raise FileUnreadable from error

    def spend(self, size: int) -> None:
        """Count ``size`` bytes that were read (below zero: give them back). Raises FileTooLarge."""
        self._left -= size
        if self._left < 0:
            raise FileTooLarge(limit=MAX_UNPACKED)


class Part:
    """One part, open."""

    def __init__(self, archive: Archive, source: IO[bytes], limit: int) -> None:
        self._archive, self._source, self._limit = archive, source, limit
        self._read = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; none at the end.

        Raises:
            FileUnreadable: the entry is damaged.
            FileTooLarge: more was read than the part, or all parts together, may have.
        """
        try:
            data = self._source.read(size)
        except (*_BROKEN, zlib.error) as error:
            raise FileUnreadable from error
        self._read += len(data)
        if self._read > self._limit:
            raise FileTooLarge(limit=self._limit)
        self._archive.spend(len(data))
        return data


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether two entries share bytes of the file, as entries of a zip bomb do."""
    places = sorted(
        (entry.header_offset, entry.header_offset + _LOCAL_HEADER + entry.compress_size) for entry in entries
    )
    return any(end > following for (_, end), (following, _) in pairwise(places))
