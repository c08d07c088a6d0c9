"""Looks for words wherever bytes are kept: in files of any size, in every row of a database, in a bus's records."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg

CHUNK: Final = 8 * 1024 * 1024
_ENCODINGS: Final = ("utf-8", "cp932", "utf-16-le", "utf-16-be")
_GZIP: Final = b"\x1f\x8b\x08"
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS
_MOST_UNPACKED: Final = 16 * 1024 * 1024

Needles = dict[bytes, str]
"""Bytes to look for, with what they are."""


def spellings(words: Iterable[str]) -> Needles:
    """The bytes of each word in the encodings that we handle, as JSON and addresses escape it, in hex and base64."""
    found: Needles = {}
    for word in words:
        found[json.dumps(word).strip('"').encode()] = f"{word} as JSON"
        found[quote(word).encode()] = f"{word} in an address"
        for encoding in _ENCODINGS:
            data = word.encode(encoding)
            found[data] = f"{word} in {encoding}"
            found[data.hex().encode()] = f"{word} in {encoding}, hex"
            for part in _base64(data):
                found[part] = f"{word} in {encoding}, base64"
    return found


def _base64(data: bytes) -> Iterator[bytes]:
    """What is sure to stand in the base64 of anything that holds ``data``, at each of the three places in a group."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data)
        sure = whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield sure
        yield sure.translate(bytes.maketrans(b"+/", b"-_"))


def in_bytes(content: bytes, wanted: Needles) -> set[str]:
    """Which of ``wanted`` stand in ``content``, or in what is packed by gzip in it."""
    found = {name for needle, name in wanted.items() if needle in content}
    for unpacked in _unpacked(content):
        found |= {f"{name}, packed" for needle, name in wanted.items() if needle in unpacked}
    return found


def _unpacked(content: bytes) -> Iterator[bytes]:
    place = content.find(_GZIP)
    while place >= 0:
        with suppress(zlib.error):  # three bytes by chance
            yield zlib.decompressobj(_GZIP_FORMAT).decompress(content[place:], _MOST_UNPACKED)
        place = content.find(_GZIP, place + 1)


def in_files(files: Iterable[Path], wanted: Needles, *, chunk: int = CHUNK) -> list[str]:
    """Which of ``wanted`` stand in which file, piece by piece, however large it is."""
    return [f"{file}: {name}" for file in files for name in sorted(_in_file(file, wanted, chunk))]


def _in_file(file: Path, wanted: Needles, chunk: int) -> set[str]:
    found: set[str] = set()
    overlap = max(map(len, wanted))
    before = b""
    try:
        with file.open("rb") as handle:
            while piece := handle.read(chunk):
                found |= in_bytes(before + piece, wanted)
                before = piece[-overlap:]
    except OSError:
        pass  # gone meanwhile, a socket
    return found


async def in_databases(urls: Iterable[str], wanted: Needles) -> list[str]:
    """Which of ``wanted`` stand in which table: values as PostgreSQL gives them, whatever packs them on its disk."""
    told = []
    for url in urls:
        admin = await asyncpg.connect(url)
        try:
            async for table, content in _tables(admin):
                told += [f"{table}: {name}" for name in sorted(in_bytes(content, wanted))]
        finally:
            await admin.close()
    return told


async def _tables(admin: asyncpg.Connection) -> AsyncIterator[tuple[str, bytes]]:
    """Every table with all that is in it."""
    tables = await admin.fetch(
        "SELECT current_database() AS place, n.nspname AS schema, c.relname AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    for table in tables:
        rows = BytesIO()
        await admin.copy_from_table(table["name"], schema_name=table["schema"], output=rows, format="binary")
        yield f"{table['place']}.{table['name']}", rows.getvalue()


def files_below(folders: Sequence[Path]) -> Iterator[Path]:
    """Every regular file."""
    for folder in folders:
        for place, _, names in os.walk(folder):
            for path in (Path(place, name) for name in names):
                if not path.is_symlink() and path.is_file():
                    yield path
